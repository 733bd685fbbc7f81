/** `dunlin device why`: what keeps a device out, for people. */

import { fromNow, shownMoment } from '../durations.ts';
import { ExitCode } from '../exit-codes.ts';
import type { Outcome } from '../outcome.ts';
import { textTable } from '../text-table.ts';
import type { DeviceAnswer, RefusalAnswer, WhyAnswer } from './answers.ts';
import { certificateLine, presenceLine, tokenLine } from './device-lines.ts';

/** What a check means, by its name; `{id}` is the device. What to do about it follows on a line of its own. */
const CHECKS: Readonly<Record<string, readonly [meaning: string, remedy?: string]>> = {
  'unknown-device': ['no device of this id is registered', 'dunlin device add {id} --type TYPE'],
  token: ['its password is none of its tokens', 'dunlin device token {id}, and give the new one to the device'],
  'token-expired': ['its token has ended', 'dunlin device token {id}, and give the new one to the device'],
  'token-revoked': ['its token was revoked while it was connected', 'dunlin device token {id}'],
  'token-backlog': ['too many short tokens waited to be checked; it may try again'],
  'device-disabled': ['it is disabled', 'dunlin device enable {id}'],
  'device-type': [
    'its type is not in the configuration',
    'add the type there, or dunlin device change {id} --type TYPE',
  ],
  'device-attributes': [
    'it lacks an attribute, or has one that fits no topic',
    'dunlin device change {id} --attribute NAME=VALUE',
  ],
  'device-credential': ['it did not show the kind of credential that it comes in with'],
  'client-id': [
    'its Client Identifier is not one of this device',
    'set another one at the device, or correct its attributes: dunlin device change {id} --attribute NAME=VALUE',
  ],
  'certificate-authority': ['its certificate is of an authority that does not vouch for it'],
  'certificate-expired': ['its certificate has ended', 'dunlin device renew {id} --out DIR'],
  'certificate-revoked': ['its certificate was revoked', 'dunlin device cert {id} --out DIR'],
  'certificate-not-yet-valid': ['its certificate does not count yet: the clock of one of both may be wrong'],
  'certificate-username': [
    'its User Name is not the Common Name of its certificate, or there is none',
    'set one of both right: the User Name at the device, or the certificate that it shows',
  ],
  'device-changed': ['it was changed while it was connected, and had to come again'],
  'device-removed': ['it was removed while it was connected'],
  publish: ['it was let in, and may not publish to this topic', 'the rules of its type are in the configuration'],
  subscribe: ['it was let in, and may not subscribe to this filter', 'the rules of its type are in the configuration'],
  will: ['its will is on a topic that it may not publish to', 'the rules of its type are in the configuration'],
};

interface WhyContext {
  /** Undefined where there is none. */
  readonly device: DeviceAnswer | undefined;
  /** No server runs: what was refused nobody knows. */
  readonly isStopped: boolean;
  readonly nowMs: number;
  /** Makes an id a word of a command line that somebody will copy. */
  readonly shellWord: (text: string) => string;
}

export function whyOutcome(why: WhyAnswer, { device, isStopped, nowMs, shellWord }: WhyContext): Outcome {
  const { deviceId, hindrances, refusals, tokens, certificates, presence } = why;
  const isOut = hindrances.length > 0;
  const lines = [headline(why, device), ...hindrances.map((one) => `  ${one}`), ''];
  lines.push(
    ...(isStopped
      ? ['What it was refused for only a running server knows, and none runs.']
      : refusalLines(shellWord(deviceId), refusals, nowMs)),
  );
  if (why.isKnown) {
    const facts = [
      ['presence', presenceLine(presence, nowMs)],
      ...(tokens.length === 0 && certificates.length === 0 ? [['credentials', 'none']] : []),
      ...tokens.map((token) => ['token', tokenLine(token, nowMs)]),
      ...certificates.map((certificate) => ['certificate', certificateLine(certificate, nowMs)]),
    ];
    lines.push('', 'What the server knows of it:', ...textTable(facts.map(([what, text]) => [`  ${what}`, text])));
  }
  return { json: why, lines, ...(isOut && { exitCode: ExitCode.problems }) };
}

function headline({ deviceId, isKnown, hindrances }: WhyAnswer, device: DeviceAnswer | undefined): string {
  if (!isKnown) return `${deviceId} cannot come in: there is no such device.`;
  const of = device === undefined ? '' : `, of the type ${device.type},`;
  if (hindrances.length > 0) return `${deviceId}${of} cannot come in as things are:`;
  return `${deviceId}${of} can come in: nothing of what is stored keeps it out.`;
}

function refusalLines(id: string, refusals: readonly RefusalAnswer[], nowMs: number): string[] {
  if (refusals.length === 0) return ['It was not refused since the server started.'];
  const [last, ...before] = refusals;
  return [
    `It was last refused ${shownMoment(last.lastAtMs, nowMs)}${times(last, nowMs)}:`,
    ...oneRefusal(id, last),
    ...(before.length === 0 ? [] : ['', 'Before that:']),
    ...before.flatMap((one) => [`  ${fromNow(one.lastAtMs, nowMs)}${times(one, nowMs)}:`, ...oneRefusal(id, one)]),
  ];
}

function times({ count, firstAtMs }: RefusalAnswer, nowMs: number): string {
  return count === 1 ? '' : `, and ${count} times in all, first ${fromNow(firstAtMs, nowMs)}`;
}

function oneRefusal(id: string, { check, detail, clientId, address, listener }: RefusalAnswer): string[] {
  const [meaning, remedy] = Object.hasOwn(CHECKS, check) ? CHECKS[check] : ['the server refused it'];
  const from = [...(address ? [`from ${address}`] : []), ...(listener ? [`at ${listener}`] : [])].join(' ');
  const facts = [
    ['why', `${meaning} (${check})`],
    ...(detail === undefined ? [] : [['found', detail]]),
    ['client', `${JSON.stringify(clientId)} ${from}`.trimEnd()],
    ...(remedy === undefined ? [] : [['remedy', remedy.replaceAll('{id}', id)]]),
  ];
  return textTable(facts.map(([what, text]) => [`    ${what}`, text]));
}
