/**
 * A whole world from one seed: a broker, its store, a network, clients and time; and the oracle that judges it.
 *
 * The world runs in three acts. In the first the clients do as they like and the network has accidents. In the second
 * everything is made whole and every client comes back, so that what is still to be delivered is. In the third all say
 * goodbye for good, and nothing may be left.
 */
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
import type { ConnectPacket, Packet, Properties, PublishPacket } from '@dunlin/protocol';
import { AHEAD_MIN } from '../../packages/broker/src/sent-mark.ts';
import { SeededRandom } from '../simulation-harness/seeded-random.ts';
import type { Outcome, WorldOptions } from '../simulation-harness/seeds.ts';
import { Trace } from '../simulation-harness/trace.ts';
import { VirtualTime } from '../simulation-harness/virtual-time.ts';
import { BrokerProcess } from './broker-process.ts';
import { type Character, characterOf } from './character.ts';
import { DelayedStore } from './delayed-store.ts';
import { keyOf, sayExpectation, sayMessage } from './expectation.ts';
import { type Followed, FollowedMessages } from './followed-messages.ts';
import { BrokerJudge } from './invariants.ts';
import { lostOf, lostOfGroups } from './lost-deliveries.ts';
import { Link, type LinkWatcher } from './network.ts';
import type { Observed } from './observed.ts';
import { Observer, REFUSED_USER } from './observer.ts';
import { DENIED, Oracle, SWEEP_SLACK_MS } from './oracle.ts';
import type { OracleSession } from './oracle-session.ts';
import { type Numbering, Script } from './script.ts';
import { ScriptedClient } from './scripted-client.ts';
import { Survival } from './survival.ts';

export interface SimulationOptions extends WorldOptions {
  /** Damages each broker before it starts. */
  readonly damageEach?: (broker: Broker) => void;
  /** The store says yes before it has written anything. */
  readonly hasLyingStore?: boolean;
  /** The store loses something at a crash that it had said yes to. */
  readonly hasForgetfulStore?: boolean;
  /** How often the broker ends without a word, where the seed shall not say it. */
  readonly crashes?: number;
  /** Length of the first act in milliseconds of virtual time. */
  readonly durationMs?: number;
}

export interface SimulationResult extends Outcome {
  readonly deliveries: number;
  readonly publications: number;
  /** How often a broker ended without a word. */
  readonly crashes: number;
  /** The `crashes` of the options. */
  readonly forcedCrashes: number | undefined;
}

const FIRST_ACT_MS = 30_000;
/** Longer than a connection without CONNECT may last. */
const GOODBYE_MS = 12_000;
const SETTLE_STEP_MS = 3000;
const SETTLE_MAX_MS = 600_000;
const SWEEP_MS = 250;
/** How long nobody listens after a crash: sessions and wills come due meanwhile, or not. */
const DOWN_MS = [1, 100, 1500, 6000, 15_000];

/** Runs the world of a seed. Settles when it is over; the first violation ends it early. */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const repair = options.damage?.() ?? (() => {});
  const world = new World(options);
  try {
    await world.run();
  } catch (error) {
    world.judge.broken('no-internal-error', `an exception escaped: ${(error as Error).stack}`);
  } finally {
    repair();
  }
  return world.result();
}

class World implements LinkWatcher, Observed, Followed {
  readonly judge: BrokerJudge;
  readonly oracle: Oracle;
  readonly time: VirtualTime;
  readonly #options: SimulationOptions;
  readonly #random: SeededRandom;
  readonly #character: Character;
  /** Dice for crashes alone. */
  readonly #misfortune: SeededRandom;
  readonly #brokerRandom: SeededRandom;
  readonly #store: DelayedStore;
  /** The present one, or while none runs the last one. */
  #process: BrokerProcess;
  readonly #trace: Trace;
  readonly #followed: FollowedMessages;
  readonly #clients: ScriptedClient[] = [];
  readonly #scripts: Script[] = [];
  readonly #numbering: Numbering = { next: 1 };
  readonly #observers = new Map<number, Observer>();
  readonly #touched = new Set<Observer>();
  #isStopping = false;
  /** What the brokers before this one dropped because queues were full. */
  #droppedBefore = 0;
  #crashes = 0;
  #links = 0;
  #order = 0;
  #publications = 0;
  #deliveries = 0;

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.#random = new SeededRandom(options.seed);
    const characterRandom = this.#random.fork();
    this.#character = characterOf(characterRandom);
    this.#misfortune = characterRandom.fork();
    this.time = new VirtualTime(this.#random.fork());
    this.judge = new BrokerJudge(() => this.time.elapsedMs);
    this.#trace = new Trace(this.time, () => options.isTraced === true && this.judge.violation === undefined);
    this.oracle = new Oracle(this.time, this.judge, this.#character.limits.sessionExpiryMaxS ?? 0xffffffff);
    this.#brokerRandom = this.#random.fork();
    this.#store = this.#makeStore();
    this.#process = this.#makeProcess();
    this.#followed = new FollowedMessages(this, this.#random.fork());
    this.time.afterEach = () => this.#look();
  }

  get broker(): Broker {
    return this.#process.broker;
  }
  get runningBroker(): Broker | undefined {
    return this.#process.isOver ? undefined : this.broker;
  }
  get isTight(): boolean {
    return this.#character.isTight;
  }
  get isStopping(): boolean {
    return this.#isStopping;
  }
  get isMemoryShort(): boolean {
    return this.broker.pressure.isFull;
  }
  get limits(): Limits {
    return this.broker.limits;
  }
  get isSynchronous(): boolean {
    return this.#character.commitMs === 0;
  }

  #makeStore(): DelayedStore {
    return new DelayedStore(this.time, this.#random.fork(), {
      delayMs: this.#character.commitMs,
      isLying: this.#options.hasLyingStore === true,
      isForgetful: this.#options.hasForgetfulStore === true,
      committed: (batch) => {
        for (const write of batch) this.#process.uncommitted.delete(write);
      },
      misused: (text) => this.judge.broken('store-contract', text),
    });
  }

  #makeProcess(): BrokerProcess {
    const random = this.#brokerRandom;
    const { limits, dropsOldest } = this.#character;
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
    this.#options.damageEach?.(process.broker);
    return process;
  }

  #authenticate(request: AuthenticationRequest): AuthenticationResult | Promise<AuthenticationResult> {
    const result: AuthenticationResult =
      request.connect.username === REFUSED_USER
        ? { kind: 'refuse', reasonCode: 0x86, check: 'user' }
        : new AnonymousAuthenticator().authenticate(request);
    const { authenticationMs } = this.#character;
    if (authenticationMs === 0) return result;
    const process = this.#process;
    return new Promise((resolve) => {
      this.time.after(this.#random.wait(authenticationMs), () => {
        if (process.isOver) return;
        this.time.hasPromises = true;
        this.#process.current = this.#observers.get(request.peer.port);
        resolve(result);
      });
    });
  }

  isCommitted(write: Write): boolean {
    return !this.#process.uncommitted.has(write);
  }

  sessionNumber(clientId: string): number {
    return this.broker.sessionsById.get(clientId)?.number ?? 0;
  }

  isEnqueuePending(session: OracleSession, packetId: number): boolean {
    const number = this.broker.sessionsById.get(session.name.text)?.number;
    for (const write of this.#process.uncommitted)
      if (write.op === 'enqueue' && write.session === number && ((write.entry.position - 1) % 65_535) + 1 === packetId)
        return true;
    return false;
  }

  isLinkBroken(link: number): boolean {
    return this.#observers.get(link)?.link.server.isBroken !== false;
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
    const { latencyMs, splitShare, capacityBytes } = this.#character;
    const random = this.#random.fork();
    const options = { latencyMs, capacityBytes: random.pick(capacityBytes), isSplit: random.chance(splitShare) };
    const link = new Link(this.#links, this.time, random, options, this);
    if (this.#process.isOver) {
      // Nobody listens.
      link.cut();
      return link;
    }
    const observer = new Observer(link, this);
    this.#observers.set(link.number, observer);
    this.#process.observers.push(observer);
    this.broker.attach(link.server, { name: 'memory' });
    return link;
  }

  received(link: Link, chunk: Buffer): void {
    const observer = this.#observers.get(link.number) as Observer;
    this.#process.current = observer;
    observer.received(chunk);
  }

  handled(): void {
    // What the broker waits for (the authenticator) lets it go on later, and then this is set again.
    this.#process.current = undefined;
  }

  written(link: Link, bytes: Buffer): void {
    const observer = this.#observers.get(link.number) as Observer;
    observer.written(bytes);
    this.#touched.add(observer);
  }

  closing(link: Link): void {
    this.#observers.get(link.number)?.closing();
  }

  trace(link: Link, direction: '▶' | '◀', packet: Packet): void {
    if (packet.type === 'publish') {
      if (direction === '▶') this.#publications += 1;
      else this.#deliveries += 1;
    }
    this.#trace.packet(this.#observers.get(link.number)?.label ?? '', direction, packet);
  }

  arrived(link: Link, _clientId: string, packet: PublishPacket, topic: string): void {
    if (packet.qos === 0) return;
    const session = this.#observers.get(link.number)?.session;
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
        this.#observerAt(event.address)?.connected(event.clientId, event.sessionPresent);
        return;
      case 'clientDisconnected':
        this.#checkClose(event);
        this.#observerAt(event.address)?.disconnected();
        return;
    }
  }

  #observerAt(address: string): Observer | undefined {
    return this.#observers.get(Number(address.slice('link-'.length)));
  }

  /** The broker may end a connection only for a reason. */
  #checkClose(event: Extract<BrokerEvent, { name: 'clientDisconnected' }>): void {
    if (event.by !== 'server') return;
    const observer = this.#observerAt(event.address) as Observer;
    const keepAliveMs = (observer.connect?.keepAlive ?? 0) * 1500;
    if (event.reasonCode === 0x8e) return;
    if (event.reasonCode === 0x8d) {
      const silentMs = this.time.nowMs() - observer.lastReceivedMs;
      this.judge.check(
        keepAliveMs > 0 && silentMs >= keepAliveMs,
        'keep-alive',
        () => `${observer.label} is closed after ${silentMs} ms`,
      );
      return;
    }
    if (event.reasonCode === 0x98 || event.reasonCode === 0x8b) return;
    if (event.reasonCode === 0x97 && this.#character.isTight) return;
    this.judge.broken('unexpected-close', `${observer.label}: ${event.reasonCode} ${event.reason}`);
  }

  #look(): void {
    this.#process.current = undefined;
    for (const observer of this.#touched) observer.afterEach();
    this.#touched.clear();
    this.oracle.afterEach();
    this.#followed.afterEach();
    this.oracle.journal.nextStep();
    if (this.#process.uncommitted.size === 0) this.oracle.journal.allIsDurable();
  }

  /** At moments that the dice choose, as long as the clients do as they like. */
  #expectMisfortune(durationMs: number): void {
    const random = this.#misfortune;
    for (let count = this.#options.crashes ?? this.#character.crashes; count > 0; count--)
      this.time.after(random.between(500, durationMs - 1), () => this.#crash());
  }

  /** The process of the broker ends without a word, and another takes its place on the same store. */
  #crash(): void {
    if (this.#process.isOver || this.#isStopping) return;
    const random = this.#misfortune;
    const isPowerCut = random.chance(0.5);
    this.#trace.crash(isPowerCut);
    this.#crashes += 1;
    this.#process.end();
    this.#followed.crashed();
    this.#store.crash();
    for (const observer of this.#process.observers) {
      observer.crashed();
      observer.link.crash(isPowerCut);
    }
    this.#droppedBefore += this.broker.metrics.messagesDroppedQueueFull;
    this.time.after(random.pick(DOWN_MS), () => this.time.standStill(this.#startAgain()));
  }

  async #startAgain(): Promise<void> {
    const { isTight, dropsOldest } = this.#character;
    const options = { isTight, dropsOldest };
    new Survival(this.oracle, await this.#store.survivors(), options).judge();
    this.#process = this.#makeProcess();
    await this.broker.start();
    for (const { name } of this.oracle.zombies)
      this.judge.broken('session-present', `an ended session of "${name.text}" goes on after a crash`);
    for (const session of this.oracle.sessions.values()) this.#checkRecovered(session);
  }

  #checkRecovered({ name, subscriptions }: OracleSession): void {
    const session = this.broker.sessionsById.get(name.text);
    this.judge.check(
      session !== undefined,
      'session-present',
      () => `the new broker does not know the session of "${name.text}"`,
    );
    const filters = [...(session?.subscriptions?.keys() ?? [])];
    this.judge.check(
      filters.length === subscriptions.size && filters.every((filter) => subscriptions.has(filter)),
      'survival',
      () =>
        `the new broker has subscriptions of "${name.text}" to ${filters} where ${[...subscriptions.keys()]} is right`,
    );
  }

  #sweep(): void {
    if (this.#isStopping || this.#process.isOver) return;
    this.oracle.sweep();
    const now = this.time.nowMs();
    for (const observer of this.#observers.values()) {
      const keepAliveMs = (observer.connect?.keepAlive ?? 0) * 1500;
      const isLate = observer.isOpen && keepAliveMs > 0 && now - observer.lastReceivedMs > keepAliveMs + SWEEP_SLACK_MS;
      this.judge.check(
        !isLate,
        'keep-alive',
        () => `${observer.label} has been silent for ${now - observer.lastReceivedMs} ms`,
      );
    }
    const { queueMessagesMax, inflightMessagesMax, outboxBytesHardMax } = this.limits;
    for (const session of this.broker.sessionsById.values())
      this.judge.check(
        session.queuedMessages <= queueMessagesMax + inflightMessagesMax + AHEAD_MIN,
        'limits',
        () => `the queue of "${session.clientId}" holds ${session.queuedMessages} messages`,
      );
    for (const connection of this.broker.connections)
      this.judge.check(
        connection.unsentBytes <= outboxBytesHardMax + 131_072,
        'limits',
        () => `${connection.unsentBytes} bytes are unsent to "${connection.clientId}"`,
      );
    this.judge.check(
      this.broker.pressure.heldBytes >= 0,
      'held-bytes',
      () => `${this.broker.pressure.heldBytes} bytes are held`,
    );
  }

  async run(): Promise<void> {
    await this.broker.start();
    this.time.every(SWEEP_MS, () => this.#sweep());
    this.#populate();
    this.#dialInSilence();
    const durationMs = this.#options.durationMs ?? FIRST_ACT_MS;
    this.#expectMisfortune(durationMs);
    const clientIds = () => this.#clients.map(({ clientId }) => clientId).filter((clientId) => clientId !== '');
    this.#followed.begin(clientIds, this.#character.paceMs, this.time.nowMs() + durationMs);
    await this.#pass(durationMs);
    while (this.#process.isOver && this.judge.violation === undefined) await this.#pass(SETTLE_STEP_MS);
    if (this.judge.violation !== undefined) return;
    for (const script of this.#scripts) script.stop();
    if (this.#character.stopsEarly) {
      await this.#stopEarly();
      return;
    }
    for (const observer of this.#observers.values()) observer.link.cut();
    for (const client of this.#clients) this.#return(client);
    await this.#settle();
    if (this.judge.violation !== undefined) return;
    this.#checkRest();
    await this.#sayGoodbye();
    if (this.judge.violation !== undefined) return;
    this.#checkNothingLeft();
    await this.broker.stop();
  }

  async #pass(durationMs: number): Promise<void> {
    await this.time.pass(durationMs, () => this.judge.violation !== undefined);
  }

  /** The broker stops in the middle of everything: all are told, nothing stays open, all that was written is kept. */
  async #stopEarly(): Promise<void> {
    let isStopped = false;
    this.#isStopping = true;
    const stopped = this.broker.stop().then(() => {
      isStopped = true;
    });
    this.time.hasPromises = true;
    await this.#pass(GOODBYE_MS);
    this.judge.check(isStopped, 'rest', () => 'the broker does not stop');
    if (!isStopped) return;
    await stopped;
    const left = {
      connections: this.broker.connections.size,
      'uncommitted writes': this.#process.uncommitted.size,
      'bytes in outboxes': this.broker.pool.waitingBytes,
    };
    for (const [what, count] of Object.entries(left))
      this.judge.check(count === 0, 'held-bytes', () => `${count} ${what} are left when the broker has stopped`);
    this.#followed.checkNoneOpen();
  }

  /** Somebody connects and says nothing: the broker hangs up in time. */
  #dialInSilence(): void {
    if (!this.#random.chance(0.2)) return;
    const { client } = this.dial();
    let isClosed = false;
    client.open({
      received: () => {},
      ended: () => client.close(),
      drained: () => {},
      closed: () => {
        isClosed = true;
      },
    });
    const { connectTimeoutMs } = this.limits;
    this.time.after(connectTimeoutMs + SWEEP_SLACK_MS, () =>
      this.judge.check(
        isClosed,
        'limits',
        () => `a connection without CONNECT lasts longer than ${connectTimeoutMs} ms`,
      ),
    );
  }

  /** Until nothing is under way any more, and still is not a little later. */
  async #settle(): Promise<void> {
    let settled = 0;
    for (let passedMs = 0; passedMs < SETTLE_MAX_MS && settled < 2; passedMs += SETTLE_STEP_MS) {
      for (const client of this.#clients) if (client.link === undefined) this.#return(client);
      await this.#pass(SETTLE_STEP_MS);
      if (this.judge.violation !== undefined) return;
      settled = this.#isSettled ? settled + 1 : 0;
    }
  }

  get #isSettled(): boolean {
    const isBusy = this.#clients.some((client) => client.clientId !== '' && !(client.isConnected && client.isIdle));
    if (isBusy) return false;
    for (const { clientId } of this.#clients) {
      const session = this.broker.sessionsById.get(clientId);
      if (session !== undefined && (session.queuedMessages > 0 || session.inflightMessages > 0)) return false;
    }
    return this.broker.pool.waitingBytes === 0 && this.#process.uncommitted.size === 0;
  }

  #populate(): void {
    const { clients, paceMs, payloadMax, floods, isExpiryCapped } = this.#character;
    for (let number = 1; number <= clients; number++) {
      const random = this.#random.fork();
      const version = random.pick([isExpiryCapped ? 4 : 3, 4, 4, 5, 5, 5] as const);
      const clientId = version === 5 && random.chance(0.1) ? '' : `client-${number}`;
      const client = new ScriptedClient(clientId, version, random, this, floods ? 400 : 12);
      const script = new Script(client, this.time, { paceMs, payloadMax, floods }, this.#numbering);
      this.#clients.push(client);
      this.#scripts.push(script);
      script.start();
    }
  }

  /** Every client comes back to its session, whatever became of its last connection, and reads. */
  #return(client: ScriptedClient): void {
    if (client.clientId === '') return;
    client.abandon();
    client.catchUp();
    client.connect(connectPacket(client, client.owesCleanStart, { sessionExpiryInterval: 600 }));
  }

  #checkRest(): void {
    for (const client of this.#clients)
      this.judge.check(
        client.clientId === '' || (client.isConnected && client.isIdle),
        'rest',
        () => `"${client.clientId}" has ${client.unfinished}, ${client.isConnected ? 'connected' : 'not connected'}`,
      );
    for (const observer of this.#observers.values())
      this.judge.check(
        !observer.isOpen || observer.owed.length === 0,
        'answers-in-order',
        () => `${observer.label} is still owed ${observer.owed.join(', ')}`,
      );
    this.#checkArrivals();
    this.#checkRetained();
    this.#checkMetrics();
    let isHeld = false;
    for (const session of this.broker.sessionsById.values()) {
      isHeld ||= session.queuedMessages > 0 || session.will !== undefined;
      const isIdle =
        this.#isOrphan(session.clientId) || (session.queuedMessages === 0 && session.inflightMessages === 0);
      this.judge.check(
        isIdle,
        'rest',
        () => `"${session.clientId}" has ${session.queuedMessages} queued, ${session.inflightMessages} in flight`,
      );
    }
    if (isHeld) return;
    this.judge.check(
      this.broker.pressure.heldBytes === 0,
      'held-bytes',
      () => `${this.broker.pressure.heldBytes} bytes are held and every queue is empty`,
    );
  }

  /** The client never learnt this identifier, or goes by another one now: nobody comes back to the session. */
  #isOrphan(clientId: string): boolean {
    return !this.#clients.some((client) => client.clientId === clientId);
  }

  #checkArrivals(): void {
    const { metrics } = this.broker;
    let allowance = this.#droppedBefore + metrics.messagesDroppedQueueFull;
    for (const session of this.oracle.sessions.values()) {
      if (this.#isOrphan(session.name.text)) continue;
      for (const one of lostOf(session, this.time.nowMs())) {
        if (one.state === 'due' && allowance > 0) allowance -= 1;
        else this.judge.broken('acknowledged-arrives', `"${session.name.text}" did not get ${sayExpectation(one)}`);
      }
      for (const one of session.all())
        if (one.qos === 2 && one.state === 'done' && one.arrivals > 1)
          this.judge.broken('exactly-once', `${sayExpectation(one)} arrived ${one.arrivals} times`);
    }
    for (const group of lostOfGroups(this.oracle.groups.byKey, this.time.nowMs())) {
      if ([...group.members.keys()].some((member) => this.#isOrphan((member as OracleSession).name.text))) continue;
      if (allowance > 0) allowance -= 1;
      else
        this.judge.broken(
          'acknowledged-arrives',
          `no member of "${group.filter}" (${[...group.members.keys()].map((member) => (member as OracleSession).name.text)}) got ${sayMessage(group.said)}`,
        );
    }
  }

  #checkRetained(): void {
    const unswept = this.oracle.retained.forgetExpired(this.time.nowMs(), SWEEP_SLACK_MS);
    const { retained } = this.broker;
    for (const [topic, said] of this.oracle.retained.messages) {
      const kept = retained.get(topic);
      const isSame = kept !== undefined && Buffer.compare(kept.payload, said.payload) === 0 && kept.qos === said.qos;
      this.judge.check(
        isSame,
        'retained',
        () =>
          `"${topic}" holds ${kept === undefined ? 'nothing' : keyOf(topic, kept.payload)} where ${sayMessage(said)} is right`,
      );
    }
    this.judge.check(
      retained.count >= this.oracle.retained.messages.size &&
        retained.count <= this.oracle.retained.messages.size + unswept,
      'retained',
      () => `${retained.count} retained messages where ${this.oracle.retained.messages.size} are right`,
    );
  }

  #checkMetrics(): void {
    const { metrics } = this.broker;
    const { observers, packetsHandled } = this.#process;
    const sum = (of: (observer: Observer) => number) => observers.reduce((total, observer) => total + of(observer), 0);
    const equal = (name: string, counted: number, outside: number) =>
      this.judge.check(counted === outside, 'metrics', () => `${name} is ${counted}, outside ${outside} were counted`);
    equal('connectionsAccepted', metrics.connectionsAccepted, observers.length);
    equal('packetsReceived', metrics.packetsReceived, packetsHandled);
    equal(
      'messagesReceived',
      metrics.messagesReceived,
      sum((observer) => observer.publishesHandled),
    );
    const sent = sum((observer) => observer.packetsSent);
    this.judge.check(
      metrics.packetsSent >= sent,
      'metrics',
      () => `packetsSent is ${metrics.packetsSent}, outside ${sent} were counted`,
    );
    const sessions = [...this.oracle.sessions.values()];
    equal('sessions', this.broker.sessionsById.size, sessions.length);
    equal(
      'subscriptions',
      this.broker.router.size,
      sessions.reduce((total, session) => total + session.subscriptions.size, 0),
    );
    equal(
      'connections',
      [...this.broker.connections].filter(({ state }) => state === 'open').length,
      observers.filter((observer) => observer.isOpen).length,
    );
  }

  async #sayGoodbye(): Promise<void> {
    const leaving = this.#clients.filter(({ clientId }) => clientId !== '');
    for (const { clientId } of this.broker.sessionsById.values())
      if (this.#isOrphan(clientId)) leaving.push(new ScriptedClient(clientId, 5, this.#random.fork(), this, 1));
    for (const client of leaving) {
      client.abandon();
      client.connect(connectPacket(client, true, {}));
    }
    await this.#pass(GOODBYE_MS);
    for (const client of leaving) client.disconnect(0, undefined);
    await this.#pass(GOODBYE_MS);
  }

  #checkNothingLeft(): void {
    const { broker } = this;
    const left = {
      connections: broker.connections.size,
      'bytes held': broker.pressure.heldBytes,
      'bytes in outboxes': broker.pool.waitingBytes,
      'uncommitted writes': this.#process.uncommitted.size,
      sessions: broker.sessionsById.size,
      subscriptions: broker.router.size,
    };
    for (const [what, count] of Object.entries(left))
      this.judge.check(count === 0, 'held-bytes', () => `${count} ${what} are left when all have gone`);
    this.#followed.checkNoneOpen();
  }

  result(): SimulationResult {
    const trace = this.#trace.lines(this.judge.violation, this.#options.traceLines ?? 60);
    return {
      seed: this.#options.seed,
      violation: this.judge.violation,
      trace,
      events: this.time.handled,
      deliveries: this.#deliveries,
      publications: this.#publications,
      crashes: this.#crashes,
      forcedCrashes: this.#options.crashes,
    };
  }
}

function connectPacket(client: ScriptedClient, cleanStart: boolean, properties: Properties): ConnectPacket {
  const { version, clientId } = client;
  return {
    type: 'connect',
    protocolVersion: version,
    bridge: false,
    clientId,
    cleanStart,
    keepAlive: 0,
    properties: version === 5 ? properties : {},
  };
}
