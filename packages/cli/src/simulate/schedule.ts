/** Simulated time, which may run faster than the real one, and what is to happen when. */

/** What a schedule needs of its surroundings. */
export interface RealTime {
  /** A steady clock, milliseconds. */
  nowMs(): number;
  /** Milliseconds since 1970. */
  wallClockMs(): number;
  /** Calls once after so many milliseconds, unless the function returned was called before. */
  setTimer(ms: number, call: () => void): () => void;
}

interface Event {
  readonly atMs: number;
  /** Of two at one time the one that was planned first comes first. */
  readonly order: number;
  call: (() => void) | undefined;
}

/** The longest that a timer of Node can wait. */
const TIMER_MS_MAX = 0x7fff_ffff;

/** Plans calls in simulated time, which begins at 0; one timer for all of them. */
export class Schedule {
  readonly #time: RealTime;
  readonly #speed: number;
  readonly #beganMs: number;
  readonly #beginMs: number;
  /** A binary heap, the earliest first. */
  readonly #heap: Event[] = [];
  #order = 0;
  #cancelTimer: (() => void) | undefined;
  #timerAtMs = Number.POSITIVE_INFINITY;
  #isStopped = false;

  /** `speed`: simulated seconds in a real one. `beginMs`: what the wall clock shows at 0; undefined: as the real one. */
  constructor(time: RealTime, speed: number, beginMs: number | undefined) {
    this.#time = time;
    this.#speed = speed;
    this.#beganMs = time.nowMs();
    this.#beginMs = beginMs ?? time.wallClockMs();
  }

  /** Milliseconds since the beginning. */
  get nowMs(): number {
    return (this.#time.nowMs() - this.#beganMs) * this.#speed;
  }

  /** Milliseconds since 1970. */
  get wallClockMs(): number {
    return this.#beginMs + this.nowMs;
  }

  /** Calls at that time, or as soon as it can where that is over; the function returned takes it back. */
  at(atMs: number, call: () => void): () => void {
    const event: Event = { atMs, order: this.#order, call };
    this.#order += 1;
    this.#push(event);
    this.#wake();
    return () => {
      event.call = undefined;
    };
  }

  /** Nothing is called any more. */
  stop(): void {
    this.#isStopped = true;
    this.#heap.length = 0;
    this.#cancelTimer?.();
  }

  #wake(): void {
    const atMs = this.#heap[0]?.atMs ?? Number.POSITIVE_INFINITY;
    if (this.#isStopped || atMs >= this.#timerAtMs || atMs === Number.POSITIVE_INFINITY) return;
    this.#cancelTimer?.();
    this.#timerAtMs = atMs;
    const waitMs = Math.max(0, (atMs - this.nowMs) / this.#speed);
    this.#cancelTimer = this.#time.setTimer(Math.min(TIMER_MS_MAX, Math.ceil(waitMs)), () => this.#run());
  }

  #run(): void {
    this.#timerAtMs = Number.POSITIVE_INFINITY;
    this.#cancelTimer = undefined;
    // What becomes due meanwhile has its own turn, so that the sockets have theirs.
    const nowMs = this.nowMs;
    while (!this.#isStopped && this.#heap.length > 0 && this.#heap[0].atMs <= nowMs) this.#pop().call?.();
    this.#wake();
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (isBefore(heap[parent], event)) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = event;
  }

  #pop(): Event {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop() as Event;
    if (heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1], heap[child])) child += 1;
      if (isBefore(last, heap[child])) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
