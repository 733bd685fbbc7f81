/** Time that passes only as events are handled: clock, timers and turns of a simulated world. */
import type { Clock, Timer } from '@dunlin/broker';
import type { SeededRandom } from './seeded-random.ts';

interface Event {
  readonly atMs: number;
  readonly order: number;
  run: (() => void) | undefined;
}

const START_MS = 1_750_000_000_000;

/**
 * Runs events in the order of their time, ties in the order they were made. A few events of one instant make a turn;
 * what was given to `endOfTurn` runs at its end. Where a part of the world resolves a promise it sets `hasPromises`, and
 * what hangs on it runs before the next event.
 */
export class VirtualTime implements Clock {
  readonly #random: SeededRandom;
  /** A binary heap, earliest first. */
  readonly #events: Event[] = [];
  #order = 0;
  #nowMs = START_MS;
  #ends: (() => void)[] = [];
  hasPromises = false;
  #awaited: Promise<void> | undefined = undefined;
  handled = 0;
  /** Called after every event and every end of turn. */
  afterEach: () => void = () => {};

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  steadyMs(): number {
    return this.#nowMs;
  }

  /** Milliseconds since the world began. */
  get elapsedMs(): number {
    return this.#nowMs - START_MS;
  }

  after(delayMs: number, run: () => void): Timer {
    const event: Event = { atMs: this.#nowMs + Math.max(0, Math.floor(delayMs)), order: this.#order++, run };
    this.#push(event);
    return {
      cancel: () => {
        event.run = undefined;
      },
    };
  }

  every(delayMs: number, run: () => void): Timer {
    let cancelled = false;
    const again = () => {
      if (cancelled) return;
      run();
      this.after(delayMs, again);
    };
    this.after(delayMs, again);
    return {
      cancel: () => {
        cancelled = true;
      },
    };
  }

  endOfTurn(run: () => void): void {
    this.#ends.push(run);
  }

  /** No time passes and nothing else happens until the promise has settled. Called from within an event. */
  standStill(promise: Promise<void>): void {
    this.#awaited = promise;
  }

  /** Lets the given time pass, or less where `isOver` says so. */
  async pass(durationMs: number, isOver: () => boolean): Promise<void> {
    const untilMs = this.#nowMs + durationMs;
    while (!isOver()) {
      const next = this.#events[0];
      if (this.#ends.length === 0 && (next === undefined || next.atMs > untilMs)) break;
      let inTurn = this.#random.between(1, 4);
      while (
        inTurn-- > 0 &&
        this.#events.length > 0 &&
        this.#events[0].atMs <= (this.#ends.length > 0 ? this.#nowMs : untilMs)
      ) {
        const event = this.#pop();
        this.#nowMs = Math.max(this.#nowMs, event.atMs);
        if (event.run === undefined) continue;
        this.handled += 1;
        event.run();
        if (this.#awaited !== undefined) await this.#arrive();
        if (this.hasPromises) await this.#settle();
        this.afterEach();
      }
      await this.#endTurn();
    }
    if (!isOver()) this.#nowMs = untilMs;
  }

  async #endTurn(): Promise<void> {
    const ends = this.#ends;
    this.#ends = [];
    for (const end of ends) {
      end();
      if (this.hasPromises) await this.#settle();
      this.afterEach();
    }
  }

  async #arrive(): Promise<void> {
    await this.#awaited;
    this.#awaited = undefined;
  }

  async #settle(): Promise<void> {
    this.hasPromises = false;
    // Comes when no microtask is left, however long the promises chain.
    await new Promise((resolve) => process.nextTick(resolve));
  }

  #push(event: Event): void {
    const events = this.#events;
    let at = events.push(event) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(event, events[parent])) break;
      events[at] = events[parent];
      at = parent;
    }
    events[at] = event;
  }

  #pop(): Event {
    const events = this.#events;
    const first = events[0];
    const last = events.pop() as Event;
    if (events.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= events.length) break;
      if (child + 1 < events.length && isBefore(events[child + 1], events[child])) child += 1;
      if (!isBefore(events[child], last)) break;
      events[at] = events[child];
      at = child;
    }
    events[at] = last;
    return first;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
