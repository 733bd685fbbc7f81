/** One client that publishes numbered messages, so many of them under way and no more. */

import { type Client, MqttError, type PublishOptions } from '@dunlin/client';
import type { ErrorTally } from '../error-tally.ts';
import { type Meter, nowUs } from './meter.ts';
import { STAMP_BYTES, writeStamp } from './stamp.ts';

/** What all publishers of a run share. */
export interface Publishing {
  readonly options: PublishOptions;
  readonly payloadBytes: number;
  readonly windowMax: number;
  /** A message is under way until its subscriber has it, too. */
  readonly isDelivered: boolean;
  readonly run: number;
  readonly meter: Meter;
  readonly errors: ErrorTally;
  /** There is room again. */
  readonly ready: (publisher: Publisher) => void;
}

/** Messages published in one turn: the others have theirs meanwhile. */
const BURST_MAX = 1000;

/** The publisher. */
export class Publisher {
  readonly #client: Client;
  readonly #topic: string;
  readonly #number: number;
  readonly #shared: Publishing;
  readonly #payload: Buffer;
  /** Room that is worth a turn: a few messages more leave in the same write. */
  readonly #worthwhile: number;
  #sent = 0;
  #settled = 0;
  #accepted = 0;
  #delivered = 0;
  #deliveredBefore = 0;
  #isOver = false;

  constructor(client: Client, topic: string, number: number, shared: Publishing) {
    this.#client = client;
    this.#topic = topic;
    this.#number = number;
    this.#shared = shared;
    this.#payload = Buffer.alloc(shared.payloadBytes, 'x');
    this.#worthwhile = Math.ceil(shared.windowMax / 4);
  }

  /** Messages that the server has taken over, or at QoS 0 the system. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Messages that nobody has answered yet; at the end those that are not here are lost. */
  get unsettled(): number {
    return this.#sent - this.#settled;
  }

  /** Messages that may be published now. */
  get room(): number {
    if (this.#isOver) return 0;
    const { windowMax, isDelivered } = this.#shared;
    return windowMax - (this.#sent - (isDelivered ? Math.min(this.#settled, this.#delivered) : this.#settled));
  }

  /** Publishes at most so many, within the room; returns how many. */
  publish(countMax: number): number {
    const count = Math.min(countMax, this.room, BURST_MAX);
    if (count > 0) this.#publish(count);
    return count;
  }

  /** Its subscriber got a message. */
  delivered(): void {
    this.#delivered += 1;
    this.#tell();
  }

  /** Once in a while: where nothing comes any more, what is missing is given up, so that the window opens again. */
  relieve(): void {
    const isStuck = this.#delivered === this.#deliveredBefore && this.#delivered < this.#settled;
    if (isStuck && this.room < this.#worthwhile) this.#delivered = this.#settled;
    this.#deliveredBefore = this.#delivered;
    this.#tell();
  }

  #publish(count: number): void {
    const { options } = this.#shared;
    let shared: Promise<unknown> | undefined;
    let sharers = 0;
    for (let index = 0; index < count; index++) {
      const promise = this.#client.publish(this.#topic, this.#nextPayload(), options);
      this.#sent += 1;
      if (options.qos !== 0) this.#await(promise, 1, nowUs());
      else if (promise === shared) sharers += 1;
      else {
        // At QoS 0 all that leave together are told together.
        if (shared !== undefined) this.#await(shared, sharers, undefined);
        shared = promise;
        sharers = 1;
      }
    }
    if (shared !== undefined) this.#await(shared, sharers, undefined);
  }

  /** Of its own, since it has to stay as it is until it is acknowledged. */
  #nextPayload(): Buffer {
    const { payloadBytes, run } = this.#shared;
    if (payloadBytes < STAMP_BYTES) return this.#payload;
    const payload = Buffer.from(this.#payload);
    writeStamp(payload, { run, publisher: this.#number, sequence: this.#sent, sentUs: nowUs() });
    return payload;
  }

  #await(promise: Promise<unknown>, count: number, sentUs: number | undefined): void {
    const { meter, errors, payloadBytes } = this.#shared;
    promise.then(
      () => {
        this.#settled += count;
        this.#accepted += count;
        meter.counters.published += count;
        meter.counters.publishedBytes += count * payloadBytes;
        if (sentUs !== undefined && meter.isMeasuring) meter.acknowledged.record(nowUs() - sentUs);
        this.#tell();
      },
      (error) => {
        this.#settled += count;
        // Nobody will get it.
        this.#delivered += count;
        errors.add(error, count);
        // What is refused may be taken the next time; all else would fail as fast as it can be asked.
        if (!(error instanceof MqttError) || error.code !== 'refused') this.#isOver = true;
        this.#tell();
      },
    );
  }

  #tell(): void {
    if (this.room >= this.#worthwhile) this.#shared.ready(this);
  }
}
