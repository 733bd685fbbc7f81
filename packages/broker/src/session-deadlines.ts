/** What is due to a session while no connection has it: its delayed will, its end, receipts of what expires. */
import { DeadlineWheel } from '@dunlin/protocol';
import type { Broker } from './broker.ts';
import { endSession } from './disconnect.ts';
import type { Session } from './session.ts';
import { publishWill } from './will.ts';

const SLOT_MS = 250;
/** Sessions whose time has come together end in slices: each takes its subscriptions, will and queue along. */
const SLICE_MS = 20;

export class SessionDeadlines {
  readonly #broker: Broker;
  readonly #tickMs: number;
  readonly #wheel = new DeadlineWheel<Session>(SLOT_MS, 1024);

  /** `tickMs`: how often `sweep` is called. */
  constructor(broker: Broker, tickMs: number) {
    this.#broker = broker;
    this.#tickMs = tickMs;
  }

  /** Sees to the delayed will and to the end of a session without a connection. */
  watch(session: Session): void {
    this.#schedule(session, nextDeadline(session));
  }

  /** Publishes the will and ends the session where their time has come, and sees to what has not. */
  check(session: Session): void {
    this.#schedule(session, this.#check(session));
  }

  /** The session has ended: the wheel would keep it until its deadline. */
  forget(session: Session): void {
    this.#wheel.cancel(session);
  }

  /** Checks the sessions whose time has come; those that a slice leaves over at the next call. */
  sweep(): void {
    const { nowMs, steadyMs } = this.#broker;
    const pauseAtMs = steadyMs + SLICE_MS;
    this.#wheel.sweep(nowMs, (session) =>
      this.#broker.clockMs() < pauseAtMs ? this.#check(session) : nowMs + this.#tickMs,
    );
  }

  #schedule(session: Session, deadlineMs: number): void {
    if (deadlineMs !== 0) this.#wheel.schedule(session, deadlineMs);
  }

  /** Returns the next deadline of the session, 0 for none. */
  #check(session: Session): number {
    const broker = this.#broker;
    if (session.owner !== undefined || broker.sessionsById.get(session.clientId) !== session) return 0;
    const willAtMs = session.will?.dueAtMs;
    if (willAtMs !== undefined && willAtMs <= broker.nowMs) publishWill(broker, session);
    if (session.expiresAtMs !== undefined && session.expiresAtMs <= broker.nowMs) {
      broker.metrics.sessionsExpired += 1;
      endSession(broker, session, 'expired');
      return 0;
    }
    session.receipts?.expire(broker.nowMs);
    return nextDeadline(session);
  }
}

function nextDeadline(session: Session): number {
  const { will, expiresAtMs = Number.POSITIVE_INFINITY, receipts } = session;
  const next = Math.min(
    will?.dueAtMs ?? Number.POSITIVE_INFINITY,
    expiresAtMs,
    receipts?.expiresAtMs ?? Number.POSITIVE_INFINITY,
  );
  return next === Number.POSITIVE_INFINITY ? 0 : next;
}
