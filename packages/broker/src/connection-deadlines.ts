/** What a connection must keep to in time: its CONNECT, its Keep Alive, the end of its credential. */
import { DeadlineWheel, ReasonCode } from '@dunlin/protocol';
import type { Broker } from './broker.ts';
import { refusalBy } from './checks.ts';
import type { Connection } from './connection.ts';
import { expel, rejectConnection, sendDisconnect } from './disconnect.ts';

/** How far ahead a deadline of the wall clock is trusted: it may be set meanwhile. */
const WALL_TRUST_MS = 60_000;
const LATE_AGAIN_MS = 100;

export class ConnectionDeadlines {
  readonly #broker: Broker;
  readonly #wheel: DeadlineWheel<Connection>;

  /** `tickMs`: how often `sweep` is called. */
  constructor(broker: Broker, tickMs: number) {
    this.#broker = broker;
    this.#wheel = new DeadlineWheel(tickMs, 1024);
  }

  /** A connection has begun: sees to its CONNECT. */
  begin(connection: Connection): void {
    const { steadyMs, limits } = this.#broker;
    this.#wheel.schedule(connection, steadyMs + limits.connectTimeoutMs);
  }

  /** Sees to the keep alive of an open connection and to the end of its credential. */
  watch(connection: Connection): void {
    const nextAtMs = Math.min(dueOf(connection, this.#broker.steadyMs), this.#credentialEndsAtMs(connection));
    if (nextAtMs === Number.POSITIVE_INFINITY) this.#wheel.cancel(connection);
    else this.#wheel.schedule(connection, nextAtMs);
  }

  forget(connection: Connection): void {
    this.#wheel.cancel(connection);
  }

  /** Ends the connections that are late. */
  sweep(): void {
    this.#wheel.sweep(this.#broker.steadyMs, (connection) => this.#check(connection));
  }

  /** Returns the next deadline of a connection on the steady clock, 0 for none. */
  #check(connection: Connection): number {
    const { limits, metrics, steadyMs } = this.#broker;
    if (connection.state === 'closed') return 0;
    if (connection.state !== 'open') {
      const dueAtMs = connection.openedAtMs + limits.connectTimeoutMs;
      if (steadyMs < dueAtMs) return dueAtMs;
      metrics.connectTimeouts += 1;
      rejectConnection(connection, 'connect-timeout', `no CONNECT within ${limits.connectTimeoutMs} ms`);
      return 0;
    }
    const expiresAtMs = this.#credentialEndsAtMs(connection);
    if (steadyMs >= expiresAtMs) {
      expel(connection, refusalBy('credential-expired', 'the credential has expired'));
      return 0;
    }
    const dueAtMs = dueOf(connection, connection.receivedAtMs);
    const nextAtMs = Math.min(dueAtMs, expiresAtMs);
    if (nextAtMs === Number.POSITIVE_INFINITY) return 0;
    if (connection.isSuspended) return Math.max(nextAtMs, steadyMs + LATE_AGAIN_MS);
    if (steadyMs < dueAtMs) return nextAtMs;
    if (!connection.isLate) {
      // Its packets may lie unread because this thread was busy: only after another poll is it really late.
      connection.isLate = true;
      return steadyMs + LATE_AGAIN_MS;
    }
    metrics.keepAliveTimeouts += 1;
    sendDisconnect(
      connection,
      ReasonCode.keepAliveTimeout,
      `no packet within one and a half times the Keep Alive of ${connection.keepAliveMs / 1500} s`,
    );
    return 0;
  }

  /** When the credential of a connection ends, or is looked at again, on the steady clock. */
  #credentialEndsAtMs(connection: Connection): number {
    const { nowMs, steadyMs } = this.#broker;
    const expiresAtMs = connection.principal?.expiresAtMs ?? Number.POSITIVE_INFINITY;
    if (expiresAtMs === Number.POSITIVE_INFINITY) return expiresAtMs;
    return steadyMs + Math.min(Math.max(0, expiresAtMs - nowMs), WALL_TRUST_MS);
  }
}

/** When a connection that was last heard at this time counts as gone; Infinity without Keep Alive. */
function dueOf(connection: Connection, heardAtMs: number): number {
  return connection.keepAliveMs === 0 ? Number.POSITIVE_INFINITY : heardAtMs + connection.keepAliveMs;
}
