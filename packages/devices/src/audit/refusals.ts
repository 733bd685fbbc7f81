/**
 * What devices and owners tried and may not, for the audit log: it changes no table. So many entries a minute at the most, so
 * that whoever guesses does not drive out what was changed; the next one says how many have none.
 */
import type { Clock } from '@dunlin/broker';
import type { DeviceEvent, DeviceEventName } from '../events.ts';
import type { AuditLog } from './audit-log.ts';
import type { Change } from './change.ts';

export const REFUSALS_PER_MINUTE_MAX = 10;
const MINUTE_MS = 60_000;

type EventOf<Name extends DeviceEventName> = Extract<DeviceEvent, { readonly name: Name }>;

const REFUSALS: { readonly [Name in DeviceEventName]?: (event: EventOf<Name>) => Change } = {
  claimCodeWrong: ({ owner, address }) => ({ action: 'claim.refuse', target: '', after: { owner, from: address } }),
  renewalRefused: ({ deviceId, why }) => ({ action: 'renewal.refuse', target: deviceId, after: { why } }),
};

export class Refusals {
  readonly #log: AuditLog;
  readonly #clock: Clock;
  #beganAtMs = -Infinity;
  #written = 0;
  #leftOut = 0;

  constructor(log: AuditLog, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** Has to be told of every event of devices. */
  told(event: DeviceEvent): void {
    const change = (REFUSALS[event.name] as ((event: DeviceEvent) => Change) | undefined)?.(event);
    if (change === undefined) return;
    const nowMs = this.#clock.steadyMs();
    if (nowMs - this.#beganAtMs >= MINUTE_MS) {
      this.#beganAtMs = nowMs;
      this.#written = 0;
    }
    this.#written += 1;
    if (this.#written > REFUSALS_PER_MINUTE_MAX) {
      this.#leftOut += 1;
      return;
    }
    const after = { ...(change.after as object), ...(this.#leftOut > 0 && { leftOut: this.#leftOut }) };
    this.#leftOut = 0;
    // A table that fails tells so to whoever changes something next.
    this.#log.record({ ...change, after }).stored.catch(() => undefined);
  }
}
