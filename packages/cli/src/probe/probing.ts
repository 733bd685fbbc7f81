/** Runs the checks of a probe: the versions first, the others several at once, told in their order. */

import { MqttError } from '@dunlin/client';
import type { ConnackPacket, ProtocolVersion } from '@dunlin/protocol';
import { Turns } from '../turns.ts';
import type { Check, Outcome, Value } from './check.ts';
import { LIMIT_CHECKS } from './limit-checks.ts';
import { MESSAGE_CHECKS } from './message-checks.ts';
import { Obstacle } from './obstacle.ts';
import { SERVER_CHECKS } from './server-checks.ts';
import { SESSION_CHECKS } from './session-checks.ts';
import { SUBSCRIPTION_CHECKS } from './subscription-checks.ts';
import { Attempt, tooSlow, type VisitOptions } from './visit.ts';

/** What was found out about one thing. */
export interface Finding {
  readonly group: string;
  readonly id: string;
  readonly what: string;
  readonly stated: Value | undefined;
  readonly tried: Value | undefined;
  readonly note: string | undefined;
}

/** The checks by what they are about, in their order. */
export const CHECK_GROUPS: Readonly<Record<string, readonly Check[]>> = {
  Messages: MESSAGE_CHECKS,
  Subscriptions: SUBSCRIPTION_CHECKS,
  Sessions: SESSION_CHECKS,
  Limits: LIMIT_CHECKS,
  Server: SERVER_CHECKS,
};

/** Newest first. */
const VERSIONS: readonly (readonly [ProtocolVersion, string])[] = [
  [5, '5.0'],
  [4, '3.1.1'],
  [3, '3.1'],
];
/** The note of what an older version does not have. */
export const NEEDS_5 = 'only MQTT 5.0 has it';
/** Checks that run at once: some only wait. */
const CHECKS_AT_ONCE = 4;
const NO_CONNACK: ConnackPacket = { type: 'connack', sessionPresent: false, reasonCode: 0, properties: {} };

/** The name of a version, such as `3.1.1`. */
export function versionName(version: ProtocolVersion): string {
  return VERSIONS.find(([one]) => one === version)?.[1] ?? String(version);
}

/** How a server lets one in. */
export interface Entrance {
  /** What the other checks are made with: the newest that it takes, or the one that was asked for. */
  readonly version: ProtocolVersion;
  readonly connack: ConnackPacket;
}

/** What the versions came to. */
export interface Reception {
  readonly findings: readonly Finding[];
  /** Undefined where no version was taken that may be. */
  readonly entrance: Entrance | undefined;
  /** Why the version that was asked for, else the newest, was not taken. */
  readonly refusal: Obstacle | undefined;
}

/**
 * Tries the versions; `only` is the one to go on with.
 *
 * Rejects 'connection-failed' where there is no connection at all.
 */
export async function tryVersions(visit: VisitOptions, only: ProtocolVersion | undefined): Promise<Reception> {
  const findings: Finding[] = [];
  let entrance: Entrance | undefined;
  let refusal: Obstacle | undefined;
  for (const [version, name] of VERSIONS) {
    const row = { group: 'Versions', id: `mqtt-${name}`, what: `MQTT ${name}`, stated: undefined };
    try {
      const connack = await within(visit, version, NO_CONNACK, async (attempt) => (await attempt.connect()).connack);
      if (only === undefined || only === version) entrance ??= { version, connack };
      findings.push({ ...row, tried: true, note: undefined });
    } catch (error) {
      if (!(error instanceof Obstacle)) throw failed(error);
      if (only === undefined || only === version) refusal ??= error;
      findings.push({ ...row, tried: error.answer, note: error.message });
    }
  }
  return { findings: findings.reverse(), entrance, refusal };
}

/** Where nothing could be dialled; what the checks throw otherwise is not expected. */
function failed(error: unknown): unknown {
  if (error instanceof MqttError || !(error instanceof Error) || !('code' in error)) return error;
  return new MqttError('connection-failed', error.message, { cause: error });
}

/** Runs every check; `told` gets the findings in the order of the table. Settles when all is cleared. */
export async function runChecks(
  visit: VisitOptions,
  { version, connack }: Entrance,
  told: (finding: Finding) => void,
): Promise<void> {
  const turns = new Turns(CHECKS_AT_ONCE);
  const running = Object.entries(CHECK_GROUPS).flatMap(([group, checks]) =>
    checks.map(async (check): Promise<Finding> => {
      const { id, what, stated, needs5 = false } = check;
      const row = { group, id, what, stated: version === 5 ? stated?.(connack.properties) : undefined };
      if (needs5 && version !== 5) return { ...row, tried: undefined, note: NEEDS_5 };
      const { tried, note } = await turns.take(() => tryCheck(visit, { version, connack }, check));
      return { ...row, tried, note };
    }),
  );
  for (const finding of running) {
    const found = await finding;
    if (!visit.signal.aborted) told(found);
  }
}

/** Runs one check; what stands in its way, and what it could not clear, is in the note. */
export async function tryCheck(visit: VisitOptions, { version, connack }: Entrance, check: Check): Promise<Outcome> {
  let left: string | undefined;
  const tellLeft = (text: string): void => {
    left = text;
  };
  const { tried, note } = await within(visit, version, connack, (attempt) => check.find(attempt), tellLeft).catch(
    // The network, or a fault of this tool, says nothing of the server, and the other checks go on.
    (error: Error): Outcome => ({ tried: error instanceof Obstacle ? error.answer : undefined, note: error.message }),
  );
  const notes = [note, left === undefined || left === note ? undefined : `could not be cleared: ${left}`];
  const text = notes.filter((one) => one !== undefined).join('; ');
  return { tried, ...(text === '' ? {} : { note: text }) };
}

/** Gives it an attempt of limited time, which is cleared behind it; `tellLeft` hears why that was not possible. */
async function within<Result>(
  visit: VisitOptions,
  version: ProtocolVersion,
  connack: ConnackPacket,
  run: (attempt: Attempt) => Promise<Result>,
  tellLeft: (text: string) => void = () => {},
): Promise<Result> {
  const bounds = new AbortController();
  const stop = (): void => bounds.abort(visit.signal.reason);
  visit.signal.addEventListener('abort', stop);
  if (visit.signal.aborted) stop();
  const timer = setTimeout(() => bounds.abort(tooSlow(visit.timeoutMs)), visit.timeoutMs);
  const attempt = new Attempt(visit, version, connack, bounds.signal);
  try {
    return await run(attempt);
  } finally {
    clearTimeout(timer);
    visit.signal.removeEventListener('abort', stop);
    const left = await attempt.end();
    if (left !== undefined) tellLeft(left);
  }
}
