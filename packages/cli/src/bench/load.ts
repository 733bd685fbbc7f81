/** Gives publishers their turns: as soon as there is room, or by a schedule. */

import type { Meter } from './meter.ts';
import type { Publisher } from './publisher.ts';

/** A source of turns. */
export interface Load {
  /** Has all publish from now on. */
  start(publishers: readonly Publisher[]): void;
  /** The publisher has room again. */
  ready(publisher: Publisher): void;
  /** Nothing is published any more. */
  stop(): void;
}

/** Each publishes whenever there is room. */
export class FullLoad implements Load {
  readonly #ready = new Set<Publisher>();
  #turn: NodeJS.Immediate | undefined;
  #isOn = false;

  start(publishers: readonly Publisher[]): void {
    this.#isOn = true;
    for (const publisher of publishers) this.ready(publisher);
  }

  ready(publisher: Publisher): void {
    if (!this.#isOn) return;
    this.#ready.add(publisher);
    // Behind what the sockets have to say: a loop of promises would never let them.
    this.#turn ??= setImmediate(() => {
      this.#turn = undefined;
      const publishers = [...this.#ready];
      this.#ready.clear();
      for (const one of publishers) one.publish(Number.POSITIVE_INFINITY);
      for (const one of publishers) if (one.room > 0) this.ready(one);
    });
  }

  stop(): void {
    this.#isOn = false;
    clearImmediate(this.#turn);
  }
}

const TICK_MS = 1;

/**
 * So many messages a second, in turn. What could not be published when it was due follows when there is room, and counts
 * as late.
 */
export class PacedLoad implements Load {
  readonly #rate: number;
  readonly #meter: Meter;
  readonly #nowMs: () => number;
  #timer: NodeJS.Timeout | undefined;

  /** `rate`: a second. */
  constructor(rate: number, meter: Meter, nowMs: () => number = () => performance.now()) {
    this.#rate = rate;
    this.#meter = meter;
    this.#nowMs = nowMs;
  }

  start(publishers: readonly Publisher[]): void {
    const beganMs = this.#nowMs();
    let published = 0;
    let next = 0;
    const tick = (): void => {
      const elapsedMs = this.#nowMs() - beganMs;
      const due = Math.floor((elapsedMs / 1000) * this.#rate);
      for (let full = 0; published < due && full < publishers.length; ) {
        const publisher = publishers[next];
        next = (next + 1) % publishers.length;
        if (publisher.publish(1) === 0) {
          full += 1;
          continue;
        }
        full = 0;
        if (this.#meter.isMeasuring) this.#meter.lag.record(1000 * (elapsedMs - (published / this.#rate) * 1000));
        published += 1;
      }
      this.#timer = setTimeout(tick, TICK_MS);
    };
    tick();
  }

  ready(): void {}

  stop(): void {
    clearTimeout(this.#timer);
  }
}
