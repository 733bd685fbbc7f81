/** Actions on claims: devices that ask for a place by a code. */

import { type Api, ApiRefusal } from '../api/api.ts';
import { fromNow } from '../durations.ts';
import { usageError } from '../exit-codes.ts';
import type { Outcome } from '../outcome.ts';
import type { ClaimAnswer, ConfirmedAnswer } from './answers.ts';
import type { DeviceFlags } from './device-flags.ts';
import { attributesText, listLimit, listOutcome } from './device-lines.ts';

/** Enters the code of a device for its owner. What it prints is the id of the device alone, for scripts. */
export async function confirmClaim(api: Api, code: string, flags: DeviceFlags): Promise<Outcome> {
  const { owner, name, replaces, attributes } = flags;
  if (owner === undefined || owner === '')
    throw usageError('Cannot claim a device for nobody: expected --owner USER, whose it is');
  const confirmed = await api
    .ask<ConfirmedAnswer>('POST', '/api/v1/claims/confirm', {
      ...{ code, owner, name, replaces },
      ...(attributes.length > 0 && { attributes: Object.fromEntries(attributes) }),
    })
    .catch((error: unknown) => {
      throw api.isStopped ? withoutServer(error) : error;
    });
  const { deviceId, type } = confirmed;
  const when = api.isStopped ? 'when a server runs and the device asks' : 'when it next asks';
  const remarks = [
    `The ${type} that shows ${code} is ${deviceId} and belongs to ${owner}.`,
    `It gets its credentials ${when}.`,
  ];
  return { json: confirmed, lines: [deviceId], remarks };
}

/** A device shows the code of a server that runs. */
function withoutServer(error: unknown): unknown {
  if (!(error instanceof ApiRefusal) || error.code !== 'claim-code-unknown') return error;
  const hint = 'No server runs: a device gets a code to show from one that does.';
  return new ApiRefusal(error.code, `${error.message}\n${hint}`);
}

export async function listClaims(api: Api, flags: DeviceFlags, nowMs: number): Promise<Outcome> {
  const list = await api.list<ClaimAnswer>('/api/v1/claims', {}, listLimit(flags));
  const rows = list.items.map(({ claimId, type, state, createdAtMs, expiresAtMs, address, ...rest }) => [
    ...[claimId, type, state, fromNow(createdAtMs, nowMs), fromNow(expiresAtMs, nowMs), address],
    rest.owner ?? '',
    rest.deviceId ?? '',
    attributesText(rest.attributes),
  ]);
  const titles = ['CLAIM', 'TYPE', 'STATE', 'BEGUN', 'ENDS', 'ADDRESS', 'OWNER', 'DEVICE', 'ATTRIBUTES'];
  return listOutcome(list, [titles, ...rows]);
}

export async function refuseClaim(api: Api, claimId: string): Promise<Outcome> {
  const refused = await api.ask<ClaimAnswer>('POST', `/api/v1/claims/${encodeURIComponent(claimId)}/refuse`);
  const { type, address, deviceId } = refused;
  const device =
    deviceId === undefined ? [] : [`The device ${deviceId} that was made for it is still in the registry.`];
  return { json: refused, lines: [`Refused the claim of a ${type} at ${address}: it has to begin anew.`, ...device] };
}
