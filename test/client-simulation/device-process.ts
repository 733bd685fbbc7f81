/** One process of a device: a real client in an environment that ends with the process. */
import {
  type Client,
  type ClientOptions,
  createClient,
  type MqttError,
  type ReceivedMessage,
  type Subscription,
} from '@dunlin/client';
import { topicMatches } from '@dunlin/protocol';
import type { SeededRandom } from '../simulation-harness/seeded-random.ts';
import type { DeviceWire } from './device-wire.ts';
import type { Said } from './ledger.ts';
import { LifeWatch } from './life-watch.ts';
import { ProcessEnvironment } from './process-environment.ts';
import type { Traits } from './traits.ts';
import { idOf } from './wire-watch.ts';
import type { World } from './world.ts';

/** A subscription of the application, and what it got. */
export interface Wanted {
  readonly filter: string;
  readonly handle: Subscription;
  readonly got: Set<string>;
  /** QoS 0 that finds no room in an iterator is dropped. */
  readonly mayDrop: boolean;
}

/** Every topic has this many lanes. */
export const LANES = 3;

export class DeviceProcess {
  readonly number: number;
  readonly client: Client;
  readonly environment: ProcessEnvironment;
  readonly wires: DeviceWire[] = [];
  readonly life: LifeWatch;
  readonly wanted: Wanted[] = [];
  readonly #world: World;
  readonly #random: SeededRandom;
  readonly #traits: Traits;
  /** How often the application got each message. */
  readonly #arrivals = new Map<string, number>();
  /** Acknowledged by hand, some time. */
  #held: ReceivedMessage[] = [];
  isOver = false;
  /** Nothing is done any more but what was begun, and that at once. */
  isCalm = false;

  constructor(number: number, world: World, traits: Traits, random: SeededRandom, own: ClientOptions) {
    this.number = number;
    this.#world = world;
    this.#traits = traits;
    this.#random = random;
    this.environment = new ProcessEnvironment(world.time, random.fork());
    this.client = createClient('mqtt://server', { ...traits.options, ...own, environment: this.environment });
    this.life = new LifeWatch(this.client, this.label, world.judge, traits.bounds, this.environment.nowMs);
    this.client.on('state', (state, reason) => world.tell(`${this.label} is ${state} ${reason?.error?.message ?? ''}`));
    this.client.on('message', (message) => this.#arrived(message));
  }

  get label(): string {
    return `${this.#traits.name}.${this.number}`;
  }

  connect(): void {
    this.#watched('connect', this.label, this.client.connect());
  }

  disconnect(): Promise<void> {
    return this.#watched('disconnect', this.label, this.client.disconnect());
  }

  drain(): void {
    this.#watched('drain', this.label, this.client.drain());
  }

  /** It ends without a word. */
  end(isPowerCut: boolean): void {
    this.isOver = true;
    this.environment.end();
    for (const wire of this.wires) if (!wire.isClosed) wire.crash(isPowerCut);
    this.#world.ledger.forget(this, this.#traits.name, this.number);
  }

  publish(qos: 0 | 1 | 2, isPlain: boolean): Said {
    const random = this.#random;
    const { name, version } = this.#traits;
    const topic = `lane/${random.below(LANES)}/${name}`;
    const expires = !isPlain && version === 5 && random.chance(0.1);
    const isAborted = !isPlain && random.chance(0.05);
    const timeoutMs = !isPlain && random.chance(0.05) ? random.wait(2000) : undefined;
    const said = this.#world.ledger.say({
      from: name,
      process: this.number,
      topic,
      qos,
      expires,
      isAbortable: isAborted,
    });
    const aborting = new AbortController();
    if (isAborted) this.environment.setTimer(random.wait(200), () => aborting.abort());
    const payload = `${said.id} ${'.'.repeat(random.below(this.#world.character.payloadMax))}`;
    this.#world.tell(`${this.label} publishes ${said.id} on "${topic}" at QoS ${qos}`);
    const published = this.client.publish(topic, payload, {
      qos,
      ...(timeoutMs !== undefined && { timeoutMs }),
      ...(isAborted && { signal: aborting.signal }),
      ...(expires && { properties: { messageExpiryInterval: random.between(1, 5) } }),
    });
    const settle = (outcome: Said['outcome']): void => {
      if (this.isOver) return;
      this.#world.ledger.settle(said, outcome);
      this.#world.tell(`${this.label} publish of ${said.id}: ${outcome}`);
    };
    this.#watched('publish', said.id, published).then(
      () => settle('resolved'),
      (error) => settle((error as MqttError).code),
    );
    return said;
  }

  /** Subscribes in one of the ways that there are. */
  subscribe(filter: string, qos: 0 | 1 | 2): void {
    const random = this.#random;
    const way = random.weighted({ handler: 3, slow: 2, manual: 2, iterator: 2 });
    const got = new Set<string>();
    const take = (message: ReceivedMessage): void => {
      this.#world.judge.check(
        topicMatches(filter, message.topic),
        'routing',
        () => `${this.label} got "${message.topic}" by "${filter}"`,
      );
      got.add(idOf(message.payload));
    };
    const handlers = {
      handler: take,
      slow: (message: ReceivedMessage) => {
        take(message);
        return this.#pause(200);
      },
      manual: (message: ReceivedMessage) => {
        take(message);
        this.#hold(message);
      },
      iterator: undefined,
    };
    this.#world.tell(`${this.label} subscribes to "${filter}" at QoS ${qos} (${way})`);
    const pending = this.client.subscribe(
      filter,
      { qos, acknowledge: way === 'manual' ? 'manual' : 'auto' },
      handlers[way],
    );
    if (way === 'iterator') void this.#iterate(pending[Symbol.asyncIterator](), filter, take);
    this.#watched('subscribe', filter, pending).then(
      (handle) => this.wanted.push({ filter, handle, got, mayDrop: way === 'iterator' }),
      () => {},
    );
  }

  unsubscribe(): void {
    const { wanted } = this;
    if (wanted.length === 0) return;
    const [one] = wanted.splice(this.#random.below(wanted.length), 1);
    const { filter, handle } = one;
    this.#world.tell(`${this.label} unsubscribes from "${filter}"`);
    const isWhole = this.#random.chance(0.5);
    if (isWhole)
      for (const other of wanted.filter((each) => each.filter === filter)) wanted.splice(wanted.indexOf(other), 1);
    const done = isWhole ? this.client.unsubscribe(filter) : handle.unsubscribe();
    this.#watched('unsubscribe', filter, done as Promise<unknown>).catch(() => {});
  }

  respond(): void {
    const responding = this.client.respond(`service/${this.#traits.name}`, async (request) => {
      await this.#pause(50);
      return `answer to ${request.text()}`;
    });
    this.#watched('subscribe', 'service', responding).catch(() => {});
  }

  request(device: string): void {
    const asked = `question ${this.#random.below(1e9)}`;
    const timeoutMs = this.#random.pick([500, 5000]);
    this.#watched('request', device, this.client.request(`service/${device}`, asked, { timeoutMs })).then(
      (answer) =>
        this.#world.judge.check(
          answer.text() === `answer to ${asked}`,
          'routing',
          () => `${this.label} asked "${asked}" and got "${answer.text()}"`,
        ),
      () => {},
    );
  }

  /** Finishes what was begun. */
  calm(): void {
    this.isCalm = true;
    for (const message of this.#held.splice(0)) message.acknowledge();
  }

  async #iterate(messages: AsyncIterator<ReceivedMessage>, filter: string, take: (message: ReceivedMessage) => void) {
    try {
      for (;;) {
        const { done, value } = await this.#watched('next', filter, messages.next());
        if (done === true) return;
        take(value);
        if (!this.isCalm && this.#random.chance(0.02)) {
          await messages.return?.();
          return;
        }
        await this.#pause(100);
      }
    } catch {
      // The ledger has seen it.
    }
  }

  #pause(meanMs: number): Promise<void> {
    if (this.isCalm) return Promise.resolve();
    return new Promise((resolve) => {
      this.environment.setTimer(this.#random.wait(meanMs), resolve);
    });
  }

  #hold(message: ReceivedMessage): void {
    if (this.isCalm) message.acknowledge();
    else {
      this.#held.push(message);
      this.environment.setTimer(this.#random.wait(300), () => {
        // Any of them, so that they are given in no order.
        const [one] = this.#held.splice(this.#random.below(this.#held.length), 1);
        if (one === undefined) return;
        const isRefused = this.#traits.version === 5 && this.#random.chance(0.1);
        // What was refused may come again, where the refusal does not reach the server.
        if (isRefused) this.#arrivals.delete(idOf(one.payload));
        one.acknowledge(isRefused ? 0x83 : 0);
      });
    }
  }

  #arrived(message: ReceivedMessage): void {
    if (!message.topic.startsWith('lane/') || this.isOver) return;
    const id = idOf(message.payload);
    const before = this.#arrivals.get(id) ?? 0;
    this.#arrivals.set(id, before + 1);
    this.#world.ledger.arrived(this.#traits.name, id, message.topic, message.qos, before);
  }

  #watched<Value>(
    operation: Parameters<World['ledger']['promise']>[1],
    what: string,
    promise: PromiseLike<Value>,
  ): Promise<Value> {
    const watched = this.#world.ledger.promise(this, operation, what, promise);
    watched.catch(() => {});
    return watched;
  }
}
