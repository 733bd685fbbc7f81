/** One simulated device: connects, publishes by its schedule, answers, sleeps and wakes, loses its connection. */

import type { Client, ClientWire, ConnectOptions, ReceivedMessage } from '@dunlin/client';
import { connectTarget, type Target } from '../connecting.ts';
import type { ErrorTally } from '../error-tally.ts';
import type { Histogram } from '../histogram.ts';
import { filled } from '../text-template.ts';
import type { Generator, GeneratorSpec, Moment } from './generators.ts';
import { payloadText } from './payload-spec.ts';
import type { RandomSource } from './random-source.ts';
import type { Schedule } from './schedule.ts';
import type { FleetSpec, MessageSpec, RespondSpec, StreamSpec, SubscriptionSpec, Varying } from './script.ts';

/** Counters of a fleet. */
export interface FleetCounts {
  readonly name: string;
  readonly devices: number;
  /** Now. */
  connected: number;
  /** Connections that were accepted. */
  connects: number;
  /** Connections that the script had break. */
  drops: number;
  /** Taken over by the server; at QoS 0 given to the system. */
  published: number;
  publishedBytes: number;
  /** Due while the device was away. */
  skipped: number;
  received: number;
  receivedBytes: number;
  /** Messages that were answered, of those published. */
  answered: number;
}

/** Counters at 0. */
export function newFleetCounts(name: string, devices: number): FleetCounts {
  return {
    name,
    devices,
    connected: 0,
    connects: 0,
    drops: 0,
    published: 0,
    publishedBytes: 0,
    skipped: 0,
    received: 0,
    receivedBytes: 0,
    answered: 0,
  };
}

/** What a device shares with others. */
export interface DeviceWorld {
  readonly schedule: Schedule;
  /** Simulated seconds in a real one. */
  readonly speed: number;
  /** The server, with the files of a certificate and its key where the device has its own. */
  readonly target: (certificate?: string, key?: string) => Target;
  readonly counts: FleetCounts;
  readonly errors: ErrorTally;
  /** From publish to the acknowledgement, microseconds. */
  readonly acknowledged: Histogram;
}

/** Messages that wait in one device for a slow server. */
const WAITING_MAX = 1000;
/** A device that leaves lets what is under way come to its end for so long. */
const DRAIN_MS = 1000;
/** A server that is gone takes no longer, when sessions are ended. */
const END_SESSION_MS = 5000;
/** Who is so late leaves out what is missed: an hour of sleep of this machine is no hour of messages at once. */
const LATE_MS_MAX = 5000;

/** A stream with its generators. */
interface Stream {
  /** Undefined: on connecting. */
  readonly every: Varying | undefined;
  /** Of its times. */
  readonly random: RandomSource;
  /** The next message. */
  readonly publish: () => void;
}

/** The device; it does nothing before `start`. */
export class Device {
  readonly #fleet: FleetSpec;
  readonly #world: DeviceWorld;
  readonly #random: RandomSource;
  readonly #variables: Readonly<Record<string, unknown>>;
  readonly #responders: readonly (Generator | undefined)[];
  readonly #streams: readonly Stream[];
  readonly #stopping = new AbortController();
  #client: Client | undefined;
  #wire: ClientWire | undefined;
  /** The script broke the connection, so that what this fails is no fault. */
  #isDropped = false;
  /** The server may hold a session of this device when it has left. */
  #hasSession = false;
  #cancelDrop = (): void => {};

  /** `random`: of this device alone. */
  constructor(fleet: FleetSpec, index: number, random: RandomSource, world: DeviceWorld) {
    this.#fleet = fleet;
    this.#world = world;
    this.#random = random.fork('life');
    const known = { i: index, fleet: fleet.name, ...fleet.records[index] };
    this.#variables = withValues(known, generatorsOf(fleet.values, random.fork('values')), this.#momentOf(known));
    this.#responders = fleet.subscribe.map(({ respond }, at) => respond?.payload(random.fork(`respond ${at}`)));
    this.#streams = fleet.publish.map((stream, at) => this.#streamOf(stream, random.fork(`publish ${at}`)));
  }

  /** Begins to connect and to publish at that simulated time. */
  start(atMs: number): void {
    this.#world.schedule.at(atMs, () => void this.#connect());
    for (const stream of this.#streams) {
      if (stream.every !== undefined)
        this.#repeat(stream, stream.every, atMs + stream.random.between(0, stream.every.ms));
    }
  }

  /** Leaves in order; settles when the connection is gone. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#leave();
  }

  /** Ends the session that the server keeps, where there may be one: connects once more, with a new one that ends at once. */
  async endSession(): Promise<void> {
    if (!this.#hasSession) return;
    const target = this.#target();
    const { will, properties, ...options } = this.#options(target);
    try {
      const { dial } = target.options;
      const once = { cleanStart: true, properties: {}, connectAttempts: 1, reconnect: false, on: {}, dial } as const;
      const client = await connectTarget(target, { ...options, ...once, connectTimeoutMs: END_SESSION_MS });
      await client.disconnect();
    } catch (error) {
      this.#world.errors.add(error);
    }
  }

  async #connect(): Promise<void> {
    const { errors } = this.#world;
    try {
      const target = this.#target();
      const client = await connectTarget(target, { ...this.#options(target), signal: this.#stopping.signal });
      this.#client = client;
      if (this.#stopping.signal.aborted) {
        await this.#leave();
        return;
      }
      this.#listen(client);
      this.#arrived();
      this.#sleepLater(this.#fleet.life.sleep?.awake, () => void this.#sleep());
      const { by, error } = await client.closed;
      if (by !== 'client') errors.add(error);
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      errors.add(error);
      this.#sleepLater(this.#fleet.life.sleep?.asleep, () => void this.#connect());
    }
  }

  #target(): Target {
    const { certificate, key } = this.#fleet;
    const fill = (path: string | undefined) => (path === undefined ? undefined : filled(path, this.#variables));
    return this.#world.target(fill(certificate), fill(key));
  }

  #options({ options: { dial, properties } }: Target): ConnectOptions {
    const { username, password, clientId, protocolVersion, keepAlive, cleanStart, sessionExpiry, will } = this.#fleet;
    const { counts, errors, speed } = this.#world;
    const fill = (text: string): string => filled(text, this.#variables);
    return {
      clientId: fill(clientId),
      ...(username === undefined ? {} : { username: fill(username) }),
      ...(password === undefined ? {} : { password: fill(password) }),
      ...(protocolVersion === undefined ? {} : { protocolVersion }),
      ...(keepAlive === undefined ? {} : { keepAlive }),
      ...(sessionExpiry === undefined ? {} : { properties: { ...properties, sessionExpiryInterval: sessionExpiry } }),
      cleanStart,
      ...(will === undefined ? {} : { will: this.#will(will) }),
      connectAttempts: Number.POSITIVE_INFINITY,
      reconnect: { minMs: 1000 / speed, maxMs: 300_000 / speed, heldMs: 10_000 / speed },
      outbox: { messagesMax: WAITING_MAX },
      dial: async (request) => {
        const wire = await (dial as NonNullable<typeof dial>)(request);
        this.#wire = wire;
        return wire;
      },
      on: {
        connected: () => {
          counts.connected += 1;
          counts.connects += 1;
          this.#hasSession = !cleanStart || sessionExpiry !== undefined;
          if (this.#client !== undefined) this.#arrived();
        },
        disconnected: () => {
          counts.connected -= 1;
          this.#cancelDrop();
        },
        reconnecting: ({ error }) => {
          if (!this.#isDropped || error.code !== 'connection-lost') errors.add(error);
        },
      },
    };
  }

  #will({ topic, payload, qos, retain }: MessageSpec): NonNullable<ConnectOptions['will']> {
    const moment = this.#momentOf(this.#variables);
    const text = payloadText(payload(this.#random.fork('will'))(moment));
    return { topic: filled(topic, this.#variables), payload: text, qos, retain };
  }

  /** Connected, for the first time or again. */
  #arrived(): void {
    this.#isDropped = false;
    const { dropsMs } = this.#fleet.life;
    if (dropsMs !== undefined) {
      const { schedule, counts } = this.#world;
      this.#cancelDrop = schedule.at(schedule.nowMs + this.#random.exponential(dropsMs), () => {
        counts.drops += 1;
        this.#isDropped = true;
        this.#wire?.destroy();
      });
    }
    for (const { every, publish } of this.#streams) if (every === undefined) publish();
  }

  #listen(client: Client): void {
    for (const [at, subscription] of this.#fleet.subscribe.entries()) {
      const filter = filled(subscription.filter, this.#variables);
      const take = (message: ReceivedMessage): void => this.#take(message, subscription, filter, at);
      client.subscribe(filter, { qos: subscription.qos }, take).catch((error) => this.#failed(error));
    }
  }

  #take(message: ReceivedMessage, { respond }: SubscriptionSpec, filter: string, at: number): void {
    const { counts, schedule } = this.#world;
    counts.received += 1;
    counts.receivedBytes += message.payload.length;
    const payload = this.#responders[at];
    if (respond === undefined || payload === undefined) return;
    const answer = (): void => this.#answer(message, respond, payload, filter);
    if (respond.delay.ms === 0) answer();
    else schedule.at(schedule.nowMs + this.#vary(respond.delay), answer);
  }

  /** What has no Response Topic where one is needed asks for no answer. */
  #answer(message: ReceivedMessage, respond: RespondSpec, payload: Generator, filter: string): void {
    const { responseTopic, correlationData } = message.properties;
    const variables = { ...this.#variables, ...levelsOf(filter, message.topic) };
    const topic = respond.topic === undefined ? responseTopic : filled(respond.topic, variables);
    if (topic === undefined) return;
    const text = payloadText(payload({ ...this.#momentOf(variables), request: jsonOf(message) }));
    const properties = correlationData === undefined ? {} : { correlationData };
    if (this.#publish(topic, text, respond, properties)) this.#world.counts.answered += 1;
  }

  #streamOf({ every, topic, payload, qos, retain, values }: StreamSpec, random: RandomSource): Stream {
    const generators = generatorsOf(values, random.fork('values'));
    const generator = payload(random.fork('payload'));
    const publish = (): void => {
      const variables = withValues(this.#variables, generators, this.#momentOf(this.#variables));
      const text = payloadText(generator(this.#momentOf(variables)));
      if (!this.#publish(filled(topic, variables), text, { qos, retain })) this.#world.counts.skipped += 1;
    };
    return { every, publish, random: random.fork('times') };
  }

  #repeat(stream: Stream, every: Varying, atMs: number): void {
    const { schedule, counts, speed } = this.#world;
    schedule.at(atMs, () => {
      if (this.#stopping.signal.aborted) return;
      stream.publish();
      const next = atMs + every.ms + stream.random.between(-every.jitterMs, every.jitterMs);
      const isLate = schedule.nowMs - next > LATE_MS_MAX * speed;
      if (isLate) counts.skipped += Math.floor((schedule.nowMs - next) / every.ms);
      this.#repeat(stream, every, isLate ? schedule.nowMs : next);
    });
  }

  /** False where the device is away. */
  #publish(
    topic: string,
    payload: string,
    { qos, retain }: Pick<MessageSpec, 'qos' | 'retain'>,
    properties: { correlationData?: Uint8Array } = {},
  ): boolean {
    const client = this.#client;
    if (client?.state !== 'connected' || this.#isDropped) return false;
    const { counts, acknowledged } = this.#world;
    const bytes = Buffer.from(payload);
    const beganMs = performance.now();
    client.publish(topic, bytes, { qos, retain, properties }).then(
      () => {
        counts.published += 1;
        counts.publishedBytes += bytes.length;
        if (qos > 0) acknowledged.record((performance.now() - beganMs) * 1000);
      },
      (error) => this.#failed(error),
    );
    return true;
  }

  #failed(error: unknown): void {
    if (!this.#isDropped && !this.#stopping.signal.aborted) this.#world.errors.add(error);
  }

  async #sleep(): Promise<void> {
    await this.#leave();
    this.#sleepLater(this.#fleet.life.sleep?.asleep, () => void this.#connect());
  }

  /** Calls after a while, where this device sleeps at all and the simulation goes on. */
  #sleepLater(time: Varying | undefined, call: () => void): void {
    const { schedule } = this.#world;
    if (time !== undefined && !this.#stopping.signal.aborted) schedule.at(schedule.nowMs + this.#vary(time), call);
  }

  async #leave(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    this.#cancelDrop();
    if (client === undefined) return;
    await client.drain({ timeoutMs: DRAIN_MS }).catch(() => {});
    await client.disconnect();
  }

  #vary({ ms, jitterMs }: Varying): number {
    return ms + this.#random.between(-jitterMs, jitterMs);
  }

  #momentOf(variables: Readonly<Record<string, unknown>>): Moment {
    return { wallClockMs: this.#world.schedule.wallClockMs, variables };
  }
}

function generatorsOf(specs: ReadonlyMap<string, GeneratorSpec>, random: RandomSource): [string, Generator][] {
  return [...specs].map(([name, spec]) => [name, spec(random.fork(name))]);
}

/** The variables with those of the generators, of which each may use what is before it. */
function withValues(
  variables: Readonly<Record<string, unknown>>,
  generators: readonly (readonly [string, Generator])[],
  moment: Moment,
): Readonly<Record<string, unknown>> {
  if (generators.length === 0) return variables;
  const all: Record<string, unknown> = { ...variables };
  for (const [name, generator] of generators) {
    const value = generator({ ...moment, variables: all });
    all[name] = typeof value === 'object' ? JSON.stringify(value) : value;
  }
  return all;
}

/** What each + of the filter stands for, as `level1`, `level2` and so on. */
function levelsOf(filter: string, topic: string): Record<string, string> {
  const filterLevels = filter.replace(/^\$share\/[^/]*\//, '').split('/');
  const levels = topic.split('/').filter((_, at) => filterLevels[at] === '+');
  return Object.fromEntries(levels.map((level, at) => [`level${at + 1}`, level]));
}

function jsonOf(message: ReceivedMessage): unknown {
  try {
    return message.json();
  } catch {
    return undefined;
  }
}
