/** Actions on the registry: devices one by one, lists of them, and all about one. */

import type { Api } from '../api/api.ts';
import { ApiRefusal } from '../api/api.ts';
import { fromNow, shownMoment } from '../durations.ts';
import { usageError } from '../exit-codes.ts';
import { isNear } from '../flags.ts';
import type { Outcome } from '../outcome.ts';
import { textTable } from '../text-table.ts';
import {
  type CertificateAnswer,
  type CommandAnswer,
  type DeviceAnswer,
  devicePath,
  type PresenceAnswer,
  type TokenAnswer,
  type TypeAnswer,
} from './answers.ts';
import { commandWord } from './command-outcome.ts';
import type { DeviceFlags } from './device-flags.ts';
import { attributesText, certificateLine, listLimit, listOutcome, presenceLine, tokenLine } from './device-lines.ts';

/** Certificates and commands that `show` has. */
const SHOWN_MAX = 10;

export async function addDevice(api: Api, id: string, flags: DeviceFlags): Promise<Outcome> {
  const { type, name, owner, authority, enabled, groups, attributes } = flags;
  if (type === undefined) throw usageError('Cannot add a device: expected --type TYPE, a key of devices.types');
  const device = { id, type, name, owner, authority, enabled, groups, attributes: Object.fromEntries(attributes) };
  const added = await api.ask<DeviceAnswer>('POST', '/api/v1/devices', device);
  const { shellWord } = await import('@dunlin/server');
  const word = shellWord(id);
  const ways = {
    token: `dunlin device token ${word}`,
    certificate: `dunlin device cert ${word} --out DIR`,
  };
  const credential = (await credentialOf(api, type)) ?? 'either';
  const how = credential === 'either' ? `${ways.token}, or ${ways.certificate}` : ways[credential];
  return { json: added, lines: [`Added ${id}.`], remarks: [`Give it what it comes in with: ${how}`] };
}

/** Undefined where the key may not read it. */
async function credentialOf(api: Api, type: string): Promise<TypeAnswer['credential'] | undefined> {
  try {
    return (await typesOf(api)).find(({ name }) => name === type)?.credential;
  } catch (error) {
    if (error instanceof ApiRefusal) return undefined;
    throw error;
  }
}

export async function changeDevice(api: Api, id: string, flags: DeviceFlags): Promise<Outcome> {
  const { type, name, owner, authority, groups, withoutGroups, attributes, withoutAttributes } = flags;
  const named = [...attributes, ...withoutAttributes.map((gone) => [gone, null] as const)];
  if (withoutGroups && groups.length > 0)
    throw usageError('Cannot use --no-group with --group: one of both is expected');
  const patch = {
    ...{ type, name, owner: owner === '' ? null : owner, authority: authority === '' ? null : authority },
    ...((withoutGroups || groups.length > 0) && { groups }),
    ...(named.length > 0 && { attributes: Object.fromEntries(named) }),
  };
  if (Object.values(patch).every((value) => value === undefined))
    throw usageError('Cannot change nothing: expected --type, --name, --attribute, --group, --owner or another flag');
  return { json: await api.ask('PATCH', devicePath(id), patch), lines: [`Changed ${id}.`] };
}

export async function enableDevice(api: Api, id: string, enabled: boolean): Promise<Outcome> {
  const json = await api.ask('PATCH', devicePath(id), { enabled });
  return { json, lines: [enabled ? `Enabled ${id}: it is let in.` : `Disabled ${id}: it is not let in any more.`] };
}

export async function removeDevice(api: Api, id: string): Promise<Outcome> {
  await api.ask('DELETE', devicePath(id));
  return { json: { id, removed: true }, lines: [`Removed ${id}.`] };
}

/** The conditions of `list` and `export`, as the API has them. */
export function deviceQuery({ type, groups, owner, attributes, prefix, enabled }: DeviceFlags) {
  if (groups.length > 1) throw usageError('Cannot look for several groups: one --group is expected');
  if (attributes.length > 1) throw usageError('Cannot look for several attributes: one --attribute is expected');
  const [attribute] = attributes.map(([name, value]) => `${name}=${value}`);
  const [group] = groups;
  return {
    ...(type !== undefined && { type }),
    ...(group !== undefined && { group }),
    ...(owner !== undefined && { owner }),
    ...(attribute !== undefined && { attribute }),
    ...(prefix !== undefined && { prefix }),
    ...(enabled !== undefined && { enabled }),
  };
}

export async function listDevices(api: Api, flags: DeviceFlags, nowMs: number): Promise<Outcome> {
  const query = deviceQuery(flags);
  const { connected } = flags;
  const list = await api.list<FoundAnswer>('/api/v1/devices', { ...query, connected }, listLimit(flags));
  const { items } = list;
  if (items.length === 0) await checkType(api, flags);
  const columns = connected === undefined ? DEVICE_COLUMNS : connected ? CONNECTED_COLUMNS : AWAY_COLUMNS;
  const rows = items.map((item) => columns.map(([, text]) => text(item, nowMs)));
  return listOutcome(list, [columns.map(([title]) => title), ...rows]);
}

/** Rejects with a usage error for a type that is not configured, unless there are devices of it from before. */
export async function checkType(api: Api, { type }: DeviceFlags): Promise<void> {
  if (type === undefined) return;
  const known = (await typesOf(api)).map(({ name }) => name);
  if (known.includes(type) || (await api.list('/api/v1/devices', { type }, 1)).items.length > 0) return;
  const near = known.find((name) => isNear(type, name));
  const hint = near === undefined ? `expected one of ${known.join(', ')}` : `did you mean ${near}?`;
  throw usageError(`Cannot find devices of the type "${type}": the configuration has none of this name, ${hint}`);
}

async function typesOf(api: Api): Promise<readonly TypeAnswer[]> {
  return (await api.ask<{ items: readonly TypeAnswer[] }>('GET', '/api/v1/types')).items;
}

interface FoundAnswer extends DeviceAnswer {
  /** Where it was asked whether devices are connected, and it ever was. */
  readonly presence?: PresenceAnswer;
}

type Column = readonly [title: string, text: (found: FoundAnswer, nowMs: number) => string];

const ATTRIBUTES: Column = ['ATTRIBUTES', ({ attributes }) => attributesText(attributes)];
const DEVICE_COLUMNS: readonly Column[] = [
  ['ID', ({ id }) => id],
  ['TYPE', ({ type }) => type],
  ['STATE', ({ enabled }) => (enabled ? 'enabled' : 'disabled')],
  ['NAME', ({ name }) => name],
  ['GROUPS', ({ groups }) => groups.join(' ')],
  ATTRIBUTES,
];
const CONNECTED_COLUMNS: readonly Column[] = [
  ...DEVICE_COLUMNS.slice(0, 2),
  ['CONNECTED', ({ presence }, nowMs) => moment(presence?.connectedAtMs, nowMs)],
  ['ADDRESS', ({ presence }) => presence?.address ?? ''],
  ['LISTENER', ({ presence }) => presence?.listener ?? ''],
  ['CLIENT ID', ({ presence }) => presence?.clientId ?? ''],
  ATTRIBUTES,
];
const AWAY_COLUMNS: readonly Column[] = [
  ...DEVICE_COLUMNS.slice(0, 3),
  ['LAST SEEN', ({ presence }, nowMs) => (presence === undefined ? 'never' : moment(presence.lastSeenAtMs, nowMs))],
  ATTRIBUTES,
];

function moment(atMs: number | undefined, nowMs: number): string {
  return atMs === undefined ? '' : fromNow(atMs, nowMs);
}

export async function showDevice(api: Api, id: string, nowMs: number): Promise<Outcome> {
  const device = await api.ask<DeviceAnswer>('GET', devicePath(id));
  const presence = await api.ask<PresenceAnswer>('GET', devicePath(id, 'presence'));
  const tokens = await tokensOf(api, id);
  const { items: certificates } = await certificatesOf(api, id, SHOWN_MAX);
  const { items: commands } = await api.list<CommandAnswer>(devicePath(id, 'commands'), {}, SHOWN_MAX);
  const { type, name, attributes, groups, owner, enabled, authority, createdAtMs, changedAtMs } = device;
  const facts: (readonly [string, string])[] = [
    ['type', type],
    ...(name === '' ? [] : [['name', name] as const]),
    ['state', enabled ? 'enabled' : 'disabled: it is not let in'],
    ['presence', presenceLine(presence, nowMs)],
    ...Object.entries(attributes).map(([attribute, value]) => ['attribute', `${attribute}=${value}`] as const),
    ...(groups.length === 0 ? [] : [['groups', groups.join(' ')] as const]),
    ...(owner === undefined ? [] : [['owner', owner] as const]),
    ...(authority === undefined ? [] : [['authority', authority] as const]),
    ['added', shownMoment(createdAtMs, nowMs)],
    ['changed', shownMoment(changedAtMs, nowMs)],
    ...tokens.map((token) => ['token', tokenLine(token, nowMs)] as const),
    ...certificates.map((certificate) => ['certificate', certificateLine(certificate, nowMs)] as const),
    ...commands.map((command) => ['command', commandLine(command, nowMs)] as const),
  ];
  const json = { ...device, presence, tokens, certificates, commands };
  return { json, lines: [id, ...textTable(facts.map(([what, value]) => [`  ${what}`, value]))] };
}

export async function tokensOf(api: Api, id: string): Promise<readonly TokenAnswer[]> {
  return (await api.ask<{ items: readonly TokenAnswer[] }>('GET', devicePath(id, 'tokens'))).items;
}

/** None where the server has no authority. */
export async function certificatesOf(api: Api, id: string, most: number): Promise<{ items: CertificateAnswer[] }> {
  try {
    return await api.list<CertificateAnswer>(devicePath(id, 'certificates'), {}, most);
  } catch (error) {
    if (error instanceof ApiRefusal && error.code === 'authority-missing') return { items: [] };
    throw error;
  }
}

function commandLine(command: CommandAnswer, nowMs: number): string {
  const word = commandWord(command);
  const why = word === 'failed' && command.why !== '' ? ` (${command.why})` : '';
  return `${command.type} ${command.id} ${word}${why}, requested ${fromNow(command.requestedAtMs, nowMs)}`;
}
