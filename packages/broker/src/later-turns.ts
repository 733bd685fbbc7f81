/**
 * The turns in which sessions go on with what is long, replays and queues of what has expired: a slice of time for all
 * of them together, one session after the other.
 */
import type { Clock } from './ports.ts';
import type { Session } from './session.ts';

/** They go on for this long in one turn. */
const SLICE_MS = 5;

export class LaterTurns {
  readonly #clock: Clock;
  readonly #beginTurn: () => void;
  readonly #waiting = new Set<Session>();
  #pauseAtMs: number | undefined = undefined;

  /** `beginTurn` is called before sessions go on. */
  constructor(clock: Clock, beginTurn: () => void) {
    this.#clock = clock;
    this.#beginTurn = beginTurn;
  }

  /** Steady clock at which those of this turn pause: the slice begins when the first one asks. */
  get pauseAtMs(): number {
    this.#pauseAtMs ??= this.#clock.steadyMs() + SLICE_MS;
    return this.#pauseAtMs;
  }

  /** A turn begins. */
  begin(): void {
    this.#pauseAtMs = undefined;
  }

  /** The session goes on in a later turn. */
  add(session: Session): void {
    this.#waiting.add(session);
  }

  /** The turn ends: who waits goes on in one of its own, so that what has arrived meanwhile is read first. */
  end(): void {
    if (this.#waiting.size === 0) return;
    this.#clock.endOfTurn(() => {
      this.#beginTurn();
      const pauseAtMs = this.#clock.steadyMs() + SLICE_MS;
      this.#pauseAtMs = pauseAtMs;
      // Who is not done goes to the end, so that each has its turn.
      for (const session of [...this.#waiting]) {
        this.#waiting.delete(session);
        session.pump();
        if (this.#clock.steadyMs() >= pauseAtMs) return;
      }
    });
  }
}
