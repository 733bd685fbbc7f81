/** A broker for tests with everything in hand: virtual time, given turns, memory wires, no chance. */
import { type MemoryOptions, type MemoryWire, memoryPair } from '@dunlin/transport/memory';
import { Broker } from '../broker.ts';
import type { BrokerOptions } from '../broker-options.ts';
import type { BrokerEvent, EventName } from '../events.ts';
import type { ListenerPolicy } from '../policy.ts';
import type { Clock, Random, Timer } from '../ports.ts';
import { TestClient, type TestConnect } from './client.ts';

/** More turns than any test needs: what goes on for longer never ends. */
const TURNS_MAX = 20_000;
const STEP_MS = 100;

/** Time that passes when a test says so. */
export class TestClock implements Clock {
  now = 1_800_000_000_000;
  readonly #timers = new Set<{ dueAtMs: number; readonly delayMs: number; readonly run: () => void }>();
  #ends: (() => void)[] = [];
  /** Milliseconds that each look at the clock takes. */
  msPerLook = 0;

  /** How far the wall clock was set. */
  #setMs = 0;

  nowMs(): number {
    return this.now + this.#setMs;
  }

  steadyMs(): number {
    this.now += this.msPerLook;
    return this.now;
  }

  /** Somebody sets the wall clock; no time passes. */
  setWallClock(byMs: number): void {
    this.#setMs += byMs;
  }

  every(delayMs: number, run: () => void): Timer {
    const timer = { dueAtMs: this.now + delayMs, delayMs, run };
    this.#timers.add(timer);
    return { cancel: () => this.#timers.delete(timer) };
  }

  endOfTurn(run: () => void): void {
    this.#ends.push(run);
  }

  /** Timers that are not cancelled. */
  get timers(): number {
    return this.#timers.size;
  }

  /** Ends the turn. Returns false where nobody waited for that. */
  endTurn(): boolean {
    const ends = this.#ends;
    this.#ends = [];
    for (const run of ends) run();
    return ends.length > 0;
  }

  /** Moves on and calls what is due by then. */
  pass(ms: number): void {
    this.now += ms;
    for (const timer of this.#timers) {
      if (timer.dueAtMs > this.now) continue;
      timer.dueAtMs = this.now + timer.delayMs;
      timer.run();
    }
  }
}

/** Identifiers that count up. */
export class TestRandom implements Random {
  #count = 0;

  identifier(): string {
    this.#count += 1;
    return `random${this.#count}`;
  }
}

/** What a test changes about the world: options of the broker, and of the listener its clients come through. */
export interface WorldOptions extends Partial<BrokerOptions> {
  readonly listener?: Partial<ListenerPolicy>;
  /** Milliseconds between the beginning of all worlds and that of this one, which goes on with a store. */
  readonly laterByMs?: number;
}

/** One broker and its clients. Nothing happens between calls: `run` handles all that has been sent. */
export class World {
  readonly clock = new TestClock();
  readonly broker: Broker;
  readonly events: BrokerEvent[] = [];
  readonly listener: ListenerPolicy;
  #deferred: (() => void)[] = [];

  constructor(options: WorldOptions = {}) {
    const { listener, settings, laterByMs = 0, ...rest } = options;
    this.clock.now += laterByMs;
    this.listener = { name: 'test', ...listener };
    // Without $SYS, so that counters show only what a test does.
    this.broker = new Broker({
      clock: this.clock,
      random: new TestRandom(),
      ...rest,
      settings: { sysIntervalS: 0, ...settings },
    });
    this.broker.onEvent((event) => this.events.push(event));
    // Settles at once; nothing here waits for it.
    void this.broker.start();
    this.run();
  }

  /** A world that goes on with the store of a former one, which came to its end at any moment. */
  static async after(former: World, options: WorldOptions = {}): Promise<World> {
    const laterByMs = former.clock.now - new TestClock().now + (options.laterByMs ?? 0);
    const world = new World({ store: former.broker.store, ...options, laterByMs });
    await world.settle();
    return world;
  }

  /** A client that is joined to the broker and has sent nothing. */
  open(version: 3 | 4 | 5 = 5, options: MemoryOptions = {}): TestClient {
    const [near, far] = this.wires(options);
    const client = new TestClient(this, near, version);
    this.broker.attach(far, this.listener);
    this.run();
    return client;
  }

  /** The same, where the broker gets every chunk in one buffer, as over a socket: what it keeps it has to copy. */
  openOverOneBuffer(): TestClient {
    const [near, far] = this.wires();
    const client = new TestClient(this, near, 5);
    const buffer = Buffer.alloc(65_536);
    const open = far.open.bind(far);
    far.open = (handler) =>
      open({
        received: (chunk) => {
          buffer.set(chunk);
          handler.received(buffer.subarray(0, chunk.length));
          buffer.fill(0);
        },
        ended: () => handler.ended(),
        drained: () => handler.drained(),
        closed: (error) => handler.closed(error),
      });
    this.broker.attach(far, this.listener);
    this.run();
    return client;
  }

  /** Two joined wires whose turns this world gives. */
  wires(options: MemoryOptions = {}): [MemoryWire, MemoryWire] {
    return memoryPair((run) => this.#deferred.push(run), options);
  }

  /** A client whose CONNECT was answered with success; the CONNACK is taken. */
  connect(clientId: string, options: TestConnect = {}): TestClient {
    const client = this.open(options.protocolVersion ?? 5, options.wire);
    client.connect({ clientId, ...options });
    const connack = client.take('connack');
    if (connack.reasonCode !== 0) throw new Error(`${clientId} was refused with ${connack.reasonCode}`);
    return client;
  }

  /** The same over a store that answers later; `settle` lets it. */
  async admit(clientId: string, options: TestConnect = {}, settle = () => this.settle()): Promise<TestClient> {
    const client = this.open(options.protocolVersion ?? 5, options.wire);
    client.connect({ clientId, ...options });
    await settle();
    const connack = client.take('connack');
    if (connack.reasonCode !== 0) throw new Error(`${clientId} was refused with ${connack.reasonCode}`);
    return client;
  }

  /** Handles what was sent and all that follows from it, turn by turn, at one moment. */
  run(): void {
    for (let turn = 0; turn < TURNS_MAX; turn++) {
      const deferred = this.#deferred;
      this.#deferred = [];
      for (const step of deferred) step();
      if (!this.clock.endTurn() && this.#deferred.length === 0) return;
    }
    throw new Error(`the world does not come to rest in ${TURNS_MAX} turns`);
  }

  /** The same where promises are under way. */
  async settle(): Promise<void> {
    for (let round = 0; round < 30; round++) {
      this.run();
      await Promise.resolve();
    }
  }

  /** Lets time pass, in steps as long as the broker's tick. */
  pass(ms: number): void {
    for (let left = ms; left > 0; left -= STEP_MS) {
      this.clock.pass(Math.min(left, STEP_MS));
      this.run();
    }
  }

  /** The events of a name, oldest first. */
  told<N extends EventName>(name: N): Extract<BrokerEvent, { name: N }>[] {
    return this.events.filter((event): event is Extract<BrokerEvent, { name: N }> => event.name === name);
  }
}
