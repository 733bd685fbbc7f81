/** Tells that a limit was met by which the oldest make room: at once, and then once an hour with how many did. */
import type { Clock } from '@dunlin/broker';

const TOLD_EACH_MS = 3_600_000;

export class RoomNotice {
  readonly #clock: Clock;
  readonly #tell: (count: number) => void;
  #count = 0;
  #toldAtMs = -Infinity;

  /** `tell`: how many made room since it was called before. */
  constructor(clock: Clock, tell: (count: number) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  /** One made room. */
  madeRoom(): void {
    this.#count += 1;
    const nowMs = this.#clock.steadyMs();
    if (nowMs - this.#toldAtMs < TOLD_EACH_MS) return;
    this.#toldAtMs = nowMs;
    this.#tell(this.#count);
    this.#count = 0;
  }
}
