/** When to send PINGREQ and when to give a silent server up: decided from times that the caller tells (section 3.1.2.10). */

/** What to do now, or how long nothing has to be done. */
export type KeepAliveStep =
  | { readonly step: 'wait'; readonly ms: number }
  | { readonly step: 'ping' }
  | { readonly step: 'dead' };

/** Part of the Keep Alive after which an idle connection is pinged: the rest is for timers and networks that are late. */
const PING_AT = 0.9;
/**
 * Time given to bytes which lie unread because this process was busy, milliseconds: a deadline holds only once the
 * connection has been read after it.
 */
const GRACE_MS = 20;

/** The keep alive of one connection. All times are milliseconds of one steady clock. */
export class KeepAlive {
  /** 0: off. */
  readonly #intervalMs: number;
  readonly #pingTimeoutMs: number;
  #sentAtMs: number;
  #receivedAtMs: number;
  #pingAtMs: number | undefined;
  #isSuspect = false;

  /** `keepAlive` in seconds, 0 turns it off; `pingTimeoutMs` is the longest silence after a PINGREQ. */
  constructor(keepAlive: number, pingTimeoutMs: number, nowMs: number) {
    this.#intervalMs = keepAlive * 1000 * PING_AT;
    this.#pingTimeoutMs = pingTimeoutMs;
    this.#sentAtMs = nowMs;
    this.#receivedAtMs = nowMs;
  }

  /** A packet went out. */
  sent(nowMs: number): void {
    this.#sentAtMs = nowMs;
  }

  /** Bytes came in: the server lives, whatever they are. */
  received(nowMs: number): void {
    this.#receivedAtMs = nowMs;
    this.#pingAtMs = undefined;
    this.#isSuspect = false;
  }

  /**
   * What to do at `nowMs`. After 'ping' the caller sends PINGREQ and asks again.
   *
   * A ping is due when nothing was sent for the interval [MQTT-3.1.2-20], and also when nothing came, since a client
   * that only sends would not learn that nobody takes it.
   */
  check(nowMs: number): KeepAliveStep {
    if (this.#intervalMs === 0) return { step: 'wait', ms: Number.POSITIVE_INFINITY };
    if (this.#pingAtMs !== undefined && nowMs - this.#pingAtMs >= this.#pingTimeoutMs) {
      if (this.#isSuspect) return { step: 'dead' };
      this.#isSuspect = true;
      return { step: 'wait', ms: GRACE_MS };
    }
    const idleMs = nowMs - this.#sentAtMs;
    const silentMs = this.#pingAtMs === undefined ? nowMs - this.#receivedAtMs : 0;
    if (idleMs >= this.#intervalMs || silentMs >= this.#intervalMs) {
      this.#sentAtMs = nowMs;
      this.#pingAtMs ??= nowMs;
      return { step: 'ping' };
    }
    const untilPingMs = this.#intervalMs - Math.max(idleMs, silentMs);
    const untilDeadMs =
      this.#pingAtMs === undefined ? Number.POSITIVE_INFINITY : this.#pingAtMs + this.#pingTimeoutMs - nowMs;
    return { step: 'wait', ms: Math.min(untilPingMs, untilDeadMs) };
  }
}
