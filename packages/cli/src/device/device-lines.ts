/** What belongs to a device, a line each. */

import { fromNow, shownMoment } from '../durations.ts';
import { usageError } from '../exit-codes.ts';
import type { Outcome } from '../outcome.ts';
import { textTable } from '../text-table.ts';
import type { CertificateAnswer, PresenceAnswer, TokenAnswer } from './answers.ts';

/** Entries that a list shows where no limit is given. */
const LIST_LIMIT = 100;

/** How many entries of a list are wanted. Throws a usage error. */
export function listLimit({ limit, all }: { readonly limit?: number; readonly all: boolean }): number {
  if (all && limit !== undefined) throw usageError('Cannot use --all with --limit: one of both is expected');
  return all ? Number.POSITIVE_INFINITY : (limit ?? LIST_LIMIT);
}

/** A list for people, its titles first, and as JSON. That there are more is said to both. */
export function listOutcome(
  { items, isMore }: { readonly items: readonly unknown[]; readonly isMore: boolean },
  rows: readonly (readonly string[])[],
): Outcome {
  const lines = items.length === 0 ? ['There is none.'] : textTable(rows);
  const warnings = isMore ? ['There are more: --limit COUNT shows so many, --all all of them.'] : [];
  return { json: items, lines, warnings };
}

export function attributesText(attributes: Readonly<Record<string, string>>): string {
  return Object.entries(attributes)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}

const VERSIONS: Readonly<Record<number, string>> = { 3: 'MQTT 3.1', 4: 'MQTT 3.1.1', 5: 'MQTT 5.0' };

export function presenceLine(presence: PresenceAnswer | undefined, nowMs: number): string {
  if (presence === undefined || presence.session === 0) return 'it never connected';
  const { connected, connectedAtMs, disconnectedAtMs, lastSeenAtMs, reason, session } = presence;
  const { clientId, address, listener, protocolVersion = 0 } = presence;
  const from = [
    ...(address ? [`from ${address}`] : []),
    ...(listener ? [`at ${listener}`] : []),
    ...(clientId ? [`as client ${JSON.stringify(clientId)}`] : []),
    ...(Object.hasOwn(VERSIONS, protocolVersion) ? [`with ${VERSIONS[protocolVersion]}`] : []),
  ].join(' ');
  const since = connected ? connectedAtMs : (disconnectedAtMs ?? lastSeenAtMs);
  const state = connected ? 'connected' : 'not connected';
  const when = since === undefined ? '' : ` since ${shownMoment(since, nowMs)}`;
  return `${state}${when}${from === '' ? '' : `; ${connected ? '' : 'it came '}${from}`}${reason ? ` (${reason})` : ''}, session ${session}`;
}

export function tokenLine({ id, label, endsAtMs, lastUsedAtMs }: TokenAnswer, nowMs: number): string {
  const isOver = endsAtMs !== undefined && endsAtMs <= nowMs;
  const until =
    endsAtMs === undefined ? 'counts for good' : `${isOver ? 'ended' : 'counts until'} ${shownMoment(endsAtMs, nowMs)}`;
  const used = lastUsedAtMs === undefined ? 'never used' : `last used ${fromNow(lastUsedAtMs, nowMs)}`;
  return `${id}${label === '' ? '' : ` ${JSON.stringify(label)}`} ${until}; ${used}`;
}

export function certificateLine(
  { serial, notAfterMs, revokedAtMs, replacedBy }: CertificateAnswer,
  nowMs: number,
): string {
  const replaced = replacedBy === undefined ? '' : `; ${replacedBy} is in its place`;
  return `${serial} ${validity(notAfterMs, revokedAtMs, nowMs)}${replaced}`;
}

function validity(notAfterMs: number, revokedAtMs: number | undefined, nowMs: number): string {
  if (revokedAtMs !== undefined && revokedAtMs <= nowMs) return `revoked ${shownMoment(revokedAtMs, nowMs)}`;
  if (notAfterMs <= nowMs) return `ended ${shownMoment(notAfterMs, nowMs)}`;
  return `counts until ${shownMoment(Math.min(notAfterMs, revokedAtMs ?? notAfterMs), nowMs)}`;
}

/** Whether it lets the device in now, but for what the registry says. */
export function isCertificateGood({ notAfterMs, revokedAtMs }: CertificateAnswer, nowMs: number): boolean {
  return notAfterMs > nowMs && (revokedAtMs === undefined || revokedAtMs > nowMs);
}
