/** The Keep Alive of one connection: when to send PINGREQ, and when to give a silent server up (section 3.1.2.10). */

import type { Connection } from './connection.ts';
import { type Environment, NEVER_MS } from './environment.ts';
import { MqttError } from './errors.ts';

/** Part of the Keep Alive after which an idle connection is pinged: the rest is for timers and networks that are late. */
const PING_AT = 0.9;
/**
 * Time given to bytes which lie unread because this process was busy, milliseconds: a deadline holds only once the
 * connection has been read after it.
 */
const GRACE_MS = 20;

/** Pings the server when the connection is idle, and tells `dead` when it does not answer. */
export class KeepAlive {
  readonly #environment: Environment;
  readonly #intervalMs: number;
  readonly #pingTimeoutMs: number;
  readonly #connection: Pick<Connection, 'send'>;
  readonly #dead: (error: MqttError) => void;
  #sentAtMs: number;
  #receivedAtMs: number;
  #pingAtMs = NEVER_MS;
  #isSuspect = false;
  #cancel: (() => void) | undefined;

  /** `keepAlive` in seconds, 0 turns it off; `pingTimeoutMs` is the longest silence after a PINGREQ. */
  constructor(
    environment: Environment,
    keepAlive: number,
    pingTimeoutMs: number,
    connection: Pick<Connection, 'send'>,
    dead: (error: MqttError) => void,
  ) {
    this.#environment = environment;
    this.#intervalMs = keepAlive * 1000 * PING_AT;
    this.#pingTimeoutMs = pingTimeoutMs;
    this.#connection = connection;
    this.#dead = dead;
    this.#sentAtMs = this.#receivedAtMs = environment.nowMs();
    if (keepAlive > 0) this.#wait(this.#intervalMs);
  }

  /** A packet went out. */
  sent(): void {
    this.#sentAtMs = this.#environment.nowMs();
  }

  /** Bytes came in: the server lives, whatever they are. */
  received(): void {
    this.#receivedAtMs = this.#environment.nowMs();
    this.#pingAtMs = NEVER_MS;
    this.#isSuspect = false;
  }

  /** The connection is over. */
  stop(): void {
    this.#wait(NEVER_MS);
  }

  #wait(ms: number): void {
    this.#cancel?.();
    this.#cancel = ms === NEVER_MS ? undefined : this.#environment.setTimer(ms, () => this.#check());
  }

  /**
   * A ping is due when nothing was sent for the interval [MQTT-3.1.2-20], and also when nothing came, since a client
   * that only sends would not learn that nobody takes it.
   */
  #check(): void {
    const nowMs = this.#environment.nowMs();
    const timeoutMs = this.#pingAtMs + this.#pingTimeoutMs - nowMs;
    if (timeoutMs <= 0) {
      if (this.#isSuspect) {
        const message = `The connection was lost: no answer within ${this.#pingTimeoutMs} ms of PINGREQ`;
        this.#dead(new MqttError('connection-lost', message));
        return;
      }
      this.#isSuspect = true;
      this.#wait(GRACE_MS);
      return;
    }
    const isAwaited = timeoutMs < NEVER_MS;
    const quietSinceMs = isAwaited ? this.#sentAtMs : Math.min(this.#sentAtMs, this.#receivedAtMs);
    const untilPingMs = quietSinceMs + this.#intervalMs - nowMs;
    if (untilPingMs > 0) {
      this.#wait(Math.min(untilPingMs, timeoutMs));
      return;
    }
    this.#sentAtMs = nowMs;
    if (!isAwaited) this.#pingAtMs = nowMs;
    // Before it is sent: it may be more than the server takes, which ends the connection.
    this.#wait(Math.min(this.#intervalMs, this.#pingAtMs + this.#pingTimeoutMs - nowMs));
    this.#connection.send({ type: 'pingreq' });
  }
}
