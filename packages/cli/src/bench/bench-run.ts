/** One run of `dunlin bench`: connects, subscribes, warms up, measures, waits for what is under way, leaves. */

import { setTimeout as wait } from 'node:timers/promises';
import type { Client, ReceivedMessage } from '@dunlin/client';
import type { Target } from '../connecting.ts';
import { ErrorTally } from '../error-tally.ts';
import { Histogram } from '../histogram.ts';
import { filled } from '../text-template.ts';
import { Arrivals } from './arrivals.ts';
import type { BenchPlan } from './bench-flags.ts';
import { FullLoad, type Load, PacedLoad } from './load.ts';
import { type Measured, Meter, nowUs } from './meter.ts';
import { Publisher } from './publisher.ts';
import { connectAll } from './ramp.ts';
import { readStamp, STAMP_BYTES, STAMP_MAX } from './stamp.ts';

/** Where a run stands. */
export type BenchPhase = 'connecting' | 'subscribing' | 'warming up' | 'measuring' | 'finishing';

/** What is still under way at the end is given up when nothing came for so long. */
const SILENCE_MS = 1000;
const FINISH_MS_MAX = 10_000;
const RELIEF_MS = 1000;
/** A server that has not granted a subscription by then does not. */
const SUBSCRIBE_MS = 30_000;
/** Streams of other processes that `sub` tells apart; those beyond are only counted. */
const STREAMS_MAX = 100_000;

/** The run; what it counts may be read at any time. */
export class BenchRun {
  phase: BenchPhase = 'connecting';
  /** When measuring began, of the steady clock; undefined before. */
  measuringSinceMs: number | undefined;
  readonly meter = new Meter();
  readonly errors = new ErrorTally();
  readonly connectTimes = new Histogram();
  readonly connected = new Set<Client>();
  /** What it was until all were connected. */
  ramp: Measured | undefined;
  readonly #plan: BenchPlan;
  readonly #target: Target;
  readonly #load: Load;
  readonly #stop = new AbortController();
  readonly #run = Math.floor(Math.random() * STAMP_MAX.run);
  readonly #streams = new Map<string, Arrivals>();
  #publishers: Publisher[] = [];

  constructor(plan: BenchPlan, target: Target) {
    this.#plan = plan;
    this.#target = target;
    this.#load = plan.rate === undefined ? new FullLoad() : new PacedLoad(plan.rate, this.meter);
  }

  /** Clients that there are to be. */
  get clientsWanted(): number {
    const { clients } = this.#plan;
    return this.#hasPairs ? 2 * clients : clients;
  }

  /** Published and not received; undefined where this run does not know both. */
  get lost(): number | undefined {
    const { meter } = this;
    if (this.#plan.mode === 'sub') return meter.arrivals.missing;
    if (!this.#hasPairs) return undefined;
    const accepted = this.#publishers.reduce((sum, publisher) => sum + publisher.accepted, 0);
    return Math.max(0, accepted - (this.isNumbered ? meter.arrivals.unique : meter.counters.received));
  }

  /** The payloads have room for a number. */
  get isNumbered(): boolean {
    return this.#plan.payloadBytes >= STAMP_BYTES;
  }

  /** Ends the run in order, with what it has so far. */
  stop(): void {
    this.#stop.abort();
  }

  /** Runs to the end. Never rejects: what failed is in `errors`. */
  async run(): Promise<void> {
    const { meter, connected, errors, connectTimes } = this;
    const { mode, durationMs, warmupMs, connectRate } = this.#plan;
    const { signal } = this.#stop;
    const ramp = { connected, times: connectTimes, errors };
    const clients = await connectAll(this.#target, { count: this.clientsWanted, connectRate }, ramp, signal);
    this.ramp = meter.measured();
    if (connected.size === 0) this.stop();
    if (mode !== 'connect' && !signal.aborted) await this.#begin(clients);
    const watch = setInterval(() => this.#watch(), RELIEF_MS);
    if (mode !== 'connect') await this.#stay('warming up', warmupMs);
    this.measuringSinceMs = performance.now();
    meter.begin();
    await this.#stay('measuring', durationMs);
    meter.end();
    this.#load.stop();
    this.phase = 'finishing';
    await this.#underWay();
    clearInterval(watch);
    const { disconnect: properties = {} } = this.#plan.properties;
    await Promise.allSettled([...connected].map((client) => client.disconnect({ properties })));
  }

  get #hasPairs(): boolean {
    return this.#plan.mode === 'pairs' || this.#plan.mode === 'latency';
  }

  /** Subscribes and then publishes, as the mode is. */
  async #begin(clients: ReadonlyMap<number, Client>): Promise<void> {
    this.phase = 'subscribing';
    const { clients: count, mode } = this.#plan;
    const publishers = [...clients].filter(([number]) => mode !== 'sub' && number < count);
    this.#publishers = publishers.map(([number, client]) => this.#publisher(client, number));
    if (mode === 'sub') {
      const subscribed = [...clients].map(([number, client]) => this.#subscribe(client, number, this.#counter(number)));
      await Promise.all(subscribed);
    } else if (this.#hasPairs) {
      const pairs = publishers.map(async ([number], at) => {
        const subscriber = clients.get(count + number);
        const publisher = this.#publishers[at];
        const take = this.#receiver(publisher, number);
        return subscriber !== undefined && (await this.#subscribe(subscriber, number, take)) ? [publisher] : [];
      });
      this.#publishers = (await Promise.all(pairs)).flat();
    }
    this.#load.start(this.#publishers);
  }

  #publisher(client: Client, number: number): Publisher {
    const { qos, retain, properties, payloadBytes, windowMax, topic } = this.#plan;
    return new Publisher(client, filled(topic, { i: number }), number, {
      options: { qos, retain, properties: properties.publish ?? {} },
      payloadBytes,
      windowMax,
      isDelivered: this.#hasPairs,
      run: this.#run,
      meter: this.meter,
      errors: this.errors,
      ready: (publisher) => this.#load.ready(publisher),
    });
  }

  /** True where the server granted it. */
  async #subscribe(client: Client, number: number, take: (message: ReceivedMessage) => void): Promise<boolean> {
    const { qos, topic, properties } = this.#plan;
    try {
      const filter = filled(topic, { i: number });
      const bounds = { signal: this.#stop.signal, timeoutMs: SUBSCRIBE_MS };
      await client.subscribe(filter, { qos, properties: properties.subscribe ?? {}, ...bounds }, take);
      return true;
    } catch (error) {
      if (!this.#stop.signal.aborted) this.errors.add(error);
      return false;
    }
  }

  /** Takes what the publisher of the pair has published. */
  #receiver(publisher: Publisher, number: number): (message: ReceivedMessage) => void {
    const { meter, isNumbered } = this;
    const arrivals = new Arrivals(meter.arrivals, 0);
    return ({ payload }) => {
      if (isNumbered) {
        const stamp = readStamp(payload);
        if (stamp?.run !== this.#run || stamp.publisher !== number) {
          meter.foreign += 1;
          return;
        }
        if (!arrivals.take(stamp.sequence)) return;
        if (meter.isMeasuring) meter.delivered.record(nowUs() - stamp.sentUs);
      }
      this.#count(payload);
      publisher.delivered();
    };
  }

  /** Takes what any run publishes. */
  #counter(number: number): (message: ReceivedMessage) => void {
    return ({ payload }) => {
      this.#count(payload);
      const stamp = readStamp(payload);
      if (stamp === undefined) {
        this.meter.foreign += 1;
        return;
      }
      const { run, publisher, sequence } = stamp;
      const key = `${number} ${run} ${publisher}`;
      let stream = this.#streams.get(key);
      if (stream === undefined) {
        if (this.#streams.size >= STREAMS_MAX) return;
        stream = new Arrivals(this.meter.arrivals, sequence);
        this.#streams.set(key, stream);
      }
      stream.take(sequence);
    };
  }

  #count(payload: Uint8Array): void {
    const { counters } = this.meter;
    counters.received += 1;
    counters.receivedBytes += payload.length;
  }

  async #stay(phase: BenchPhase, ms: number): Promise<void> {
    this.phase = phase;
    await wait(ms, undefined, { signal: this.#stop.signal }).catch(() => {});
  }

  /** Where nobody is connected any more, there is nothing to wait for. */
  #watch(): void {
    if (this.connected.size === 0) this.stop();
    if (this.#hasPairs) for (const publisher of this.#publishers) publisher.relieve();
  }

  /** Settles when all is answered and delivered, or when nothing moves any more. */
  async #underWay(): Promise<void> {
    const began = performance.now();
    const { counters } = this.meter;
    let movedMs = began;
    let before = -1;
    for (let now = began; now - began < FINISH_MS_MAX && now - movedMs < SILENCE_MS; now = performance.now()) {
      const unsettled = this.#publishers.reduce((sum, publisher) => sum + publisher.unsettled, 0);
      if (unsettled === 0 && (!this.#hasPairs || this.lost === 0)) return;
      const moved = counters.received + counters.published;
      if (moved !== before) movedMs = now;
      before = moved;
      await wait(10);
    }
  }
}
