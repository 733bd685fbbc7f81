/**
 * What devices and owners tried and may not, in a log of its own: it changes no table, and whoever tries drives out no change.
 * So many entries a minute for each address and device or owner, so that one that tries all the time leaves the others theirs;
 * the next one says how many have none. For a device that there is not there is no entry: anybody can name those.
 */
import type { Clock } from '@dunlin/broker';
import { BoundedMap } from '@dunlin/identity';
import type { DeviceEvent, DeviceEventName } from '../events.ts';
import type { AuditLog } from './audit-log.ts';
import type { Change } from './change.ts';

export const REFUSALS_PER_MINUTE_MAX = 10;
/** Addresses with a device or owner that are counted; over it the one that was counted longest ago begins anew. */
const COUNTED_MAX = 10_000;
const MINUTE_MS = 60_000;

interface Refused extends Change {
  /** Who has entries of their own. */
  readonly whose: string;
}

interface Minute {
  readonly beganAtMs: number;
  readonly written: number;
  readonly leftOut: number;
}

type EventOf<Name extends DeviceEventName> = Extract<DeviceEvent, { readonly name: Name }>;

const REFUSALS: { readonly [Name in DeviceEventName]?: (event: EventOf<Name>) => Refused | undefined } = {
  claimCodeWrong: ({ owner, address }) => ({
    ...{ action: 'claim.refuse', target: '', after: { owner, from: address } },
    whose: JSON.stringify(['owner', owner, address]),
  }),
  renewalRefused: ({ deviceId, address, why, isKnown }) =>
    isKnown
      ? {
          ...{ action: 'renewal.refuse', target: deviceId, after: { why } },
          whose: JSON.stringify(['device', deviceId, address]),
        }
      : undefined,
};

export class Refusals {
  readonly #log: AuditLog;
  readonly #clock: Clock;
  readonly #minutes = new BoundedMap<Minute>(COUNTED_MAX);

  /** `log`: of refusals alone. */
  constructor(log: AuditLog, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** Has to be told of every event of devices. */
  told(event: DeviceEvent): void {
    const refused = (REFUSALS[event.name] as ((event: DeviceEvent) => Refused | undefined) | undefined)?.(event);
    if (refused === undefined) return;
    const { whose, ...change } = refused;
    const nowMs = this.#clock.steadyMs();
    const before = this.#minutes.get(whose) ?? { beganAtMs: -Infinity, written: 0, leftOut: 0 };
    const isOver = nowMs - before.beganAtMs >= MINUTE_MS;
    const { beganAtMs, written, leftOut } = isOver ? { ...before, beganAtMs: nowMs, written: 0 } : before;
    if (written >= REFUSALS_PER_MINUTE_MAX) {
      this.#minutes.set(whose, { beganAtMs, written, leftOut: leftOut + 1 });
      return;
    }
    this.#minutes.set(whose, { beganAtMs, written: written + 1, leftOut: 0 });
    const after = { ...(change.after as object), ...(leftOut > 0 && { leftOut }) };
    // A table that fails tells so to whoever changes something next.
    this.#log.record({ ...change, after }).stored.catch(() => undefined);
  }
}
