/** A world from one seed: a broker, its store, a network, clients and time; and the oracle that goes with it. */
import {
  AnonymousAuthenticator,
  type AuthenticationRequest,
  type AuthenticationResult,
  type Broker,
  type BrokerEvent,
  type Limits,
  PERMIT_ALL,
  type Write,
} from '@dunlin/broker';
import type { Packet, PublishPacket } from '@dunlin/protocol';
import { SeededRandom } from '../simulation-harness/seeded-random.ts';
import { Trace } from '../simulation-harness/trace.ts';
import { VirtualTime } from '../simulation-harness/virtual-time.ts';
import { BrokerProcess } from './broker-process.ts';
import { type Character, characterOf } from './character.ts';
import { DelayedStore } from './delayed-store.ts';
import { keyOf, sayMessage } from './expectation.ts';
import { type Followed, FollowedMessages } from './followed-messages.ts';
import { BrokerJudge } from './invariants.ts';
import { checkClose, checkRecovered } from './live-checks.ts';
import { Link, type LinkWatcher } from './network.ts';
import type { Observed } from './observed.ts';
import { Observer, REFUSED_USER } from './observer.ts';
import { DENIED, Oracle } from './oracle.ts';
import type { OracleSession } from './oracle-session.ts';
import type { ScriptedClient } from './scripted-client.ts';
import type { SimulationOptions, SimulationResult } from './simulation.ts';
import { Survival } from './survival.ts';

/** How long nobody listens after a crash: sessions and wills come due meanwhile, or not. */
const DOWN_MS = [1, 100, 1500, 6000, 15_000];

export class World implements LinkWatcher, Observed, Followed {
  readonly judge: BrokerJudge;
  readonly oracle: Oracle;
  readonly time: VirtualTime;
  readonly options: SimulationOptions;
  readonly random: SeededRandom;
  readonly character: Character;
  /** Dice for crashes alone. */
  readonly #misfortune: SeededRandom;
  readonly #brokerRandom: SeededRandom;
  readonly #store: DelayedStore;
  /** The present one, or while none runs the last one. */
  process: BrokerProcess;
  readonly #trace: Trace;
  readonly followed: FollowedMessages;
  readonly clients: ScriptedClient[] = [];
  readonly observers = new Map<number, Observer>();
  readonly #touched = new Set<Observer>();
  isStopping = false;
  /** What the brokers before this one dropped because queues were full. */
  droppedBefore = 0;
  #crashes = 0;
  #links = 0;
  #order = 0;
  #publications = 0;
  #deliveries = 0;

  constructor(options: SimulationOptions) {
    this.options = options;
    this.random = new SeededRandom(options.seed);
    const characterRandom = this.random.fork();
    this.character = characterOf(characterRandom);
    this.#misfortune = characterRandom.fork();
    this.time = new VirtualTime(this.random.fork());
    this.judge = new BrokerJudge(() => this.time.elapsedMs);
    this.#trace = new Trace(this.time, () => options.isTraced === true && this.judge.violation === undefined);
    this.oracle = new Oracle(this.time, this.judge, this.character.limits.sessionExpiryMaxS ?? 0xffffffff);
    this.#brokerRandom = this.random.fork();
    this.#store = this.#makeStore();
    this.process = this.#makeProcess();
    this.followed = new FollowedMessages(this, this.random.fork());
    this.time.afterEach = () => this.#look();
  }

  get broker(): Broker {
    return this.process.broker;
  }
  get runningBroker(): Broker | undefined {
    return this.process.isOver ? undefined : this.broker;
  }
  get isTight(): boolean {
    return this.character.isTight;
  }
  get isMemoryShort(): boolean {
    return this.broker.pressure.isFull;
  }
  get limits(): Limits {
    return this.broker.limits;
  }
  get isSynchronous(): boolean {
    return this.character.commitMs === 0;
  }

  #makeStore(): DelayedStore {
    return new DelayedStore(this.time, this.random.fork(), {
      delayMs: this.character.commitMs,
      isLying: this.options.hasLyingStore === true,
      isForgetful: this.options.hasForgetfulStore === true,
      committed: (batch) => {
        for (const write of batch) this.process.uncommitted.delete(write);
      },
      misused: (text) => this.judge.broken('store-contract', text),
    });
  }

  #makeProcess(): BrokerProcess {
    const random = this.#brokerRandom;
    const { limits, dropsOldest } = this.character;
    const process = new BrokerProcess(this.time, this.judge, {
      random: { identifier: () => String(random.below(1e9)) },
      store: this.#store,
      authenticator: { supports: () => false, authenticate: (request) => this.#authenticate(request) },
      authorizer: {
        permissions: () => ({
          ...PERMIT_ALL,
          mayPublish: (topic) => (topic.startsWith(DENIED) ? 0x87 : 0),
          mayLeaveWill: (topic) => (topic.startsWith(DENIED) ? 0x87 : 0),
          maySubscribe: (filter) => (filter.startsWith(DENIED) ? 0x87 : 2),
        }),
      },
      limits,
      settings: { sysIntervalS: 0, queueFull: dropsOldest ? 'drop-oldest' : 'drop-new' },
    });
    process.broker.onEvent((event) => this.#heard(event));
    this.options.damageEach?.(process.broker);
    return process;
  }

  #authenticate(request: AuthenticationRequest): AuthenticationResult | Promise<AuthenticationResult> {
    const result: AuthenticationResult =
      request.connect.username === REFUSED_USER
        ? { kind: 'refuse', reasonCode: 0x86, check: 'user' }
        : new AnonymousAuthenticator().authenticate(request);
    const { authenticationMs } = this.character;
    if (authenticationMs === 0) return result;
    const process = this.process;
    return new Promise((resolve) => {
      this.time.after(this.random.wait(authenticationMs), () => {
        if (process.isOver) return;
        this.time.hasPromises = true;
        this.process.current = this.observers.get(request.peer.port);
        resolve(result);
      });
    });
  }

  isCommitted(write: Write): boolean {
    return !this.process.uncommitted.has(write);
  }

  sessionNumber(clientId: string): number {
    return this.broker.sessionsById.get(clientId)?.number ?? 0;
  }

  isEnqueuePending(session: OracleSession, packetId: number): boolean {
    const number = this.broker.sessionsById.get(session.name.text)?.number;
    for (const write of this.process.uncommitted)
      if (write.op === 'enqueue' && write.session === number && ((write.entry.position - 1) % 65_535) + 1 === packetId)
        return true;
    return false;
  }

  isLinkBroken(link: number): boolean {
    return this.observers.get(link)?.link.server.isBroken !== false;
  }

  tell(text: string): void {
    this.#trace.tell(text);
  }

  nowMs(): number {
    return this.time.nowMs();
  }

  nextOrder(): number {
    this.#order += 1;
    return this.#order;
  }

  dial(): Link {
    this.#links += 1;
    const { latencyMs, splitShare, capacityBytes } = this.character;
    const random = this.random.fork();
    const options = { latencyMs, capacityBytes: random.pick(capacityBytes), isSplit: random.chance(splitShare) };
    const link = new Link(this.#links, this.time, random, options, this);
    if (this.process.isOver) {
      // Nobody listens.
      link.cut();
      return link;
    }
    const observer = new Observer(link, this);
    this.observers.set(link.number, observer);
    this.process.observers.push(observer);
    this.broker.attach(link.server, { name: 'memory' });
    return link;
  }

  received(link: Link, chunk: Buffer): void {
    const observer = this.observers.get(link.number) as Observer;
    this.process.current = observer;
    observer.received(chunk);
  }

  handled(): void {
    // What the broker waits for (the authenticator) lets it go on later, and then this is set again.
    this.process.current = undefined;
  }

  written(link: Link, bytes: Buffer): void {
    const observer = this.observers.get(link.number) as Observer;
    observer.written(bytes);
    this.#touched.add(observer);
  }

  closing(link: Link): void {
    this.observers.get(link.number)?.closing();
  }

  trace(link: Link, direction: '▶' | '◀', packet: Packet): void {
    if (packet.type === 'publish') {
      if (direction === '▶') this.#publications += 1;
      else this.#deliveries += 1;
    }
    this.#trace.packet(this.observers.get(link.number)?.label ?? '', direction, packet);
  }

  arrived(link: Link, _clientId: string, packet: PublishPacket, topic: string): void {
    if (packet.qos === 0) return;
    const session = this.observers.get(link.number)?.session;
    const key = keyOf(topic, packet.payload);
    const one = session?.expected
      .get(key)
      ?.find(
        (candidate) =>
          candidate.packetId === packet.packetId && candidate.qos === packet.qos && candidate.link === link.number,
      );
    if (one === undefined) return;
    one.arrivals += 1;
    this.judge.check(
      packet.qos === 1 || one.arrivals === 1,
      'exactly-once',
      () => `the application of "${session?.name.text}" got ${sayMessage(one.said)} ${one.arrivals} times at QoS 2`,
    );
  }

  #heard(event: BrokerEvent): void {
    this.#trace.event(event);
    this.oracle.heard(event);
    switch (event.name) {
      case 'clientConnected':
        this.observerAt(event.address)?.connected(event.clientId, event.sessionPresent);
        return;
      case 'clientDisconnected':
        checkClose(this, event);
        this.observerAt(event.address)?.disconnected();
        return;
    }
  }

  observerAt(address: string): Observer | undefined {
    return this.observers.get(Number(address.slice('link-'.length)));
  }

  #look(): void {
    this.process.current = undefined;
    for (const observer of this.#touched) observer.afterEach();
    this.#touched.clear();
    this.oracle.afterEach();
    this.followed.afterEach();
    this.oracle.journal.nextStep();
    if (this.process.uncommitted.size === 0) this.oracle.journal.allIsDurable();
  }

  /** At moments that the dice choose, as long as the clients do as they like. */
  expectMisfortune(durationMs: number): void {
    const random = this.#misfortune;
    for (let count = this.options.crashes ?? this.character.crashes; count > 0; count--)
      this.time.after(random.between(500, durationMs - 1), () => this.#crash());
  }

  /** The process of the broker ends without a word, and another takes its place on the same store. */
  #crash(): void {
    if (this.process.isOver || this.isStopping) return;
    const random = this.#misfortune;
    const isPowerCut = random.chance(0.5);
    this.#trace.crash(isPowerCut);
    this.#crashes += 1;
    this.process.end();
    this.followed.crashed();
    this.#store.crash();
    for (const observer of this.process.observers) {
      observer.crashed();
      observer.link.crash(isPowerCut);
    }
    this.droppedBefore += this.broker.metrics.messagesDroppedQueueFull;
    this.time.after(random.pick(DOWN_MS), () => this.time.standStill(this.#startAgain()));
  }

  async #startAgain(): Promise<void> {
    const { isTight, dropsOldest } = this.character;
    const options = { isTight, dropsOldest };
    new Survival(this.oracle, await this.#store.survivors(), options).judge();
    this.process = this.#makeProcess();
    await this.broker.start();
    for (const { name } of this.oracle.zombies)
      this.judge.broken('session-present', `an ended session of "${name.text}" goes on after a crash`);
    for (const session of this.oracle.sessions.values()) checkRecovered(this, session);
  }

  result(): SimulationResult {
    const trace = this.#trace.lines(this.judge.violation, this.options.traceLines ?? 60);
    return {
      seed: this.options.seed,
      violation: this.judge.violation,
      trace,
      events: this.time.handled,
      deliveries: this.#deliveries,
      publications: this.#publications,
      crashes: this.#crashes,
      forcedCrashes: this.options.crashes,
    };
  }
}
