/** What a run counts: messages and times, the times only while it measures. */

import { Histogram } from '../histogram.ts';
import { ArrivalCounts } from './arrivals.ts';

/** Counters that rates are made of. */
export interface Counters {
  /** Taken over by the server; at QoS 0 given to the system. */
  published: number;
  publishedBytes: number;
  received: number;
  receivedBytes: number;
}

/** Of one stretch of time. */
export interface Measured extends Counters {
  readonly seconds: number;
  /** Of one core, whole; this process, all its threads. */
  readonly cpuPercent: number;
}

/** All that a run counts. */
export class Meter {
  /** Since the run began. */
  readonly counters: Counters = { published: 0, publishedBytes: 0, received: 0, receivedBytes: 0 };
  readonly arrivals = new ArrivalCounts();
  /** Messages of nobody in this run. */
  foreign = 0;
  /** From publish to the acknowledgement, microseconds. */
  readonly acknowledged = new Histogram();
  /** From publish to the subscriber, microseconds. */
  readonly delivered = new Histogram();
  /** How late messages were published, by their schedule, microseconds. */
  readonly lag = new Histogram();
  isMeasuring = false;
  #began: Mark;
  #ended: Mark | undefined;

  constructor() {
    this.#began = this.#mark();
  }

  /** From here on times are kept. */
  begin(): void {
    this.#began = this.#mark();
    this.isMeasuring = true;
  }

  /** Once; what comes later is counted and not measured. */
  end(): void {
    if (this.#ended === undefined) this.#ended = this.#mark();
    this.isMeasuring = false;
  }

  /** Since `begin`, or the first moment, until `end` or now. */
  measured(): Measured {
    const { atMs, cpuUs, counters } = this.#began;
    const end = this.#ended ?? this.#mark();
    const ms = Math.round(end.atMs - atMs);
    const cpuPercent = ms > 0 ? Math.round((end.cpuUs - cpuUs) / ms / 10) : 0;
    return { ...difference(end.counters, counters), seconds: ms / 1000, cpuPercent };
  }

  #mark(): Mark {
    const { user, system } = process.cpuUsage();
    return { atMs: performance.now(), cpuUs: user + system, counters: { ...this.counters } };
  }
}

interface Mark {
  readonly atMs: number;
  readonly cpuUs: number;
  readonly counters: Counters;
}

/** What was counted from one moment to another. */
export function difference(later: Counters, earlier: Counters): Counters {
  return {
    published: later.published - earlier.published,
    publishedBytes: later.publishedBytes - earlier.publishedBytes,
    received: later.received - earlier.received,
    receivedBytes: later.receivedBytes - earlier.receivedBytes,
  };
}

/** The clock of stamps, microseconds. */
export function nowUs(): number {
  return Math.round(performance.now() * 1000);
}
