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
  Broker,
  type BrokerEvent,
  type Limits,
  type Write,
} from '@dunlin/broker';
import type { ConnectPacket, Packet, Properties, PublishPacket } from '@dunlin/protocol';
import { DelayedStore } from './delayed-store.ts';
import { keyOf, sayMessage } from './expectation.ts';
import { Judge, type Violation } from './invariants.ts';
import { Link, type LinkWatcher } from './network.ts';
import { type Observed, Observer, REFUSED_USER } from './observer.ts';
import { DENIED, Oracle, SWEEP_SLACK_MS } from './oracle.ts';
import type { OracleSession } from './oracle-session.ts';
import { type Numbering, Script } from './script.ts';
import { ScriptedClient } from './scripted-client.ts';
import { SeededRandom } from './seeded-random.ts';
import { Trace } from './trace.ts';
import { VirtualTime } from './virtual-time.ts';

export interface SimulationOptions {
  readonly seed: number;
  /** Damages the broker before anybody comes, to see that it is caught; returns what undoes it. */
  readonly damage?: (broker: Broker) => () => void;
  /** Keeps what happened, for people. */
  readonly isTraced?: boolean;
  /** Lines of the trace that the result holds at the end; 60 by default. */
  readonly traceLines?: number;
  /** The store says yes before it has written anything. */
  readonly hasLyingStore?: boolean;
  /** Length of the first act in milliseconds of virtual time. */
  readonly durationMs?: number;
}

export interface SimulationResult {
  readonly seed: number;
  readonly violation: Violation | undefined;
  readonly trace: readonly string[];
  /** Events of the virtual clock. */
  readonly events: number;
  readonly deliveries: number;
  readonly publications: number;
}

/** What kind of world a seed makes. */
interface Character {
  readonly commitMs: number;
  readonly authenticationMs: number;
  readonly clients: number;
  readonly latencyMs: number;
  readonly splitShare: number;
  readonly capacityBytes: readonly number[];
  readonly paceMs: number;
  readonly payloadMax: number;
  readonly limits: Partial<Limits>;
  readonly dropsOldest: boolean;
  readonly isTight: boolean;
  readonly floods: boolean;
  /** Whether sessions end sooner than clients ask for; then there is no 3.1, whose clients are not told. */
  readonly isExpiryCapped: boolean;
  /** The first act ends with the broker stopping. */
  readonly stopsEarly: boolean;
}

const FIRST_ACT_MS = 30_000;
/** Longer than a connection without CONNECT may last. */
const GOODBYE_MS = 12_000;
const SETTLE_STEP_MS = 3000;
const SETTLE_MAX_MS = 600_000;
const SWEEP_MS = 250;

function characterOf(random: SeededRandom): Character {
  const isTight = random.chance(0.3);
  const limits: Partial<Limits> = isTight
    ? {
        receiveMaximum: random.between(5, 20),
        inflightMessagesMax: random.between(1, 8),
        queueMessagesMax: random.between(5, 30),
        outboxBytesMax: 4096,
        outboxBytesHardMax: 65_536,
        heldBytesMax: 65_536,
        topicCacheBytesMax: 65_536,
        outboundTopicAliasMax: 2,
        topicAliasMaximum: 3,
      }
    : {};
  const isExpiryCapped = random.chance(0.1);
  // More messages than a queue keeps in memory, in a world that is otherwise quick.
  const floods = !isTight && random.chance(0.04);
  return {
    commitMs: random.chance(0.4) ? 0 : random.pick([1, 5, 30]),
    authenticationMs: random.chance(0.2) ? random.pick([1, 50]) : 0,
    clients: floods ? 3 : random.between(3, 9),
    latencyMs: random.pick(floods ? [0, 2] : [0, 2, 20]),
    splitShare: floods ? 0 : random.pick([0, 0.2, 1]),
    capacityBytes: floods ? [65_536] : random.pick([[200, 2000], [1000, 20_000], [65_536]]),
    paceMs: random.pick([100, 200, 400]),
    payloadMax: random.pick([200, 2000, 40_000]),
    limits: isExpiryCapped ? { ...limits, sessionExpiryMaxS: random.between(2, 5) } : limits,
    dropsOldest: isTight && random.chance(0.5),
    isTight,
    floods,
    isExpiryCapped,
    stopsEarly: random.chance(0.05),
  };
}

/** Runs the world of a seed. Settles when it is over; the first violation ends it early. */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const world = new World(options);
  const repair = options.damage?.(world.broker) ?? (() => {});
  try {
    await world.run();
  } catch (error) {
    world.judge.broken('no-internal-error', `an exception escaped: ${(error as Error).stack}`);
  } finally {
    repair();
  }
  return world.result();
}

/** The same world with a trace when it went wrong. */
export async function simulateAndExplain(options: SimulationOptions): Promise<SimulationResult> {
  const result = await simulate(options);
  return result.violation === undefined ? result : simulate({ ...options, isTraced: true });
}

class World implements LinkWatcher, Observed {
  readonly judge: Judge;
  readonly oracle: Oracle;
  readonly broker: Broker;
  readonly time: VirtualTime;
  readonly #options: SimulationOptions;
  readonly #random: SeededRandom;
  readonly #character: Character;
  readonly #trace: Trace;
  readonly #clients: ScriptedClient[] = [];
  readonly #scripts: Script[] = [];
  readonly #numbering: Numbering = { next: 1 };
  readonly #observers = new Map<number, Observer>();
  /** The connection whose packets the broker handles now. */
  #current: Observer | undefined;
  readonly #uncommitted = new Set<Write>();
  readonly #touched = new Set<Observer>();
  #isStopping = false;
  #links = 0;
  #order = 0;
  #publications = 0;
  #deliveries = 0;
  #packetsHandled = 0;

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.#random = new SeededRandom(options.seed);
    this.#character = characterOf(this.#random.fork());
    this.time = new VirtualTime(this.#random.fork());
    this.judge = new Judge(() => this.time.elapsedMs);
    this.#trace = new Trace(this.time, () => options.isTraced === true && this.judge.violation === undefined);
    this.oracle = new Oracle(this.time, this.judge, this.#character.limits.sessionExpiryMaxS ?? 0xffffffff);
    this.broker = this.#makeBroker();
    this.broker.onEvent((event) => this.#heard(event));
    this.#watchSteps();
    this.#watchWrites();
    this.time.afterEach = () => this.#look();
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

  #makeBroker(): Broker {
    const { time } = this;
    const random = this.#random.fork();
    const { commitMs, limits, dropsOldest } = this.#character;
    const store = new DelayedStore(time, this.#random.fork(), {
      delayMs: commitMs,
      isLying: this.#options.hasLyingStore === true,
      committed: (batch) => {
        for (const write of batch) this.#uncommitted.delete(write);
      },
      misused: (text) => this.judge.broken('store-contract', text),
    });
    return new Broker({
      clock: time,
      random: { identifier: () => String(random.below(1e9)) },
      store,
      authenticator: { supports: () => false, authenticate: (request) => this.#authenticate(request) },
      authorizer: {
        permissions: () => ({
          mayPublish: (topic) => (topic.startsWith(DENIED) ? 0x87 : 0),
          maySubscribe: (filter) => (filter.startsWith(DENIED) ? 0x87 : 0),
        }),
      },
      limits,
      settings: { sysIntervalS: 0, queueFull: dropsOldest ? 'drop-oldest' : 'drop-new' },
    });
  }

  #authenticate(request: AuthenticationRequest): AuthenticationResult | Promise<AuthenticationResult> {
    const result: AuthenticationResult =
      request.connect.username === REFUSED_USER
        ? { kind: 'refuse', reasonCode: 0x86 }
        : new AnonymousAuthenticator().authenticate(request);
    const { authenticationMs } = this.#character;
    if (authenticationMs === 0) return result;
    return new Promise((resolve) => {
      this.time.after(this.#random.wait(authenticationMs), () => {
        this.time.hasPromises = true;
        this.#current = this.#observers.get(request.peer.port);
        resolve(result);
      });
    });
  }

  /** The broker counts each packet just before it handles it: that keeps the oracle in step with it. */
  #watchSteps(): void {
    let count = 0;
    Object.defineProperty(this.broker.metrics, 'packetsReceived', {
      get: () => count,
      set: (value: number) => {
        count = value;
        if (this.#current === undefined) this.judge.broken('metrics', 'a packet is handled out of turn');
        else this.#current.step();
        this.#packetsHandled += 1;
      },
    });
  }

  #watchWrites(): void {
    const { commits } = this.broker;
    const write = commits.write.bind(commits);
    const takeBack = commits.takeBack.bind(commits);
    let gathering = { ticket: 0, changes: [] as Write[] };
    commits.write = (change) => {
      this.#uncommitted.add(change);
      this.#current?.writes.push(change);
      const ticket = write(change);
      if (gathering.ticket !== ticket) gathering = { ticket, changes: [] };
      gathering.changes.push(change);
      return ticket;
    };
    // A write that is taken back is as good as committed: what it was for is over.
    commits.takeBack = (ticket, place) => {
      if (!takeBack(ticket, place)) return false;
      this.#uncommitted.delete(gathering.changes[place]);
      return true;
    };
  }

  isCommitted(write: Write): boolean {
    return !this.#uncommitted.has(write);
  }

  isEnqueuePending(session: OracleSession, packetId: number): boolean {
    const number = this.broker.sessionsById.get(session.name.text)?.number;
    for (const write of this.#uncommitted)
      if (write.op === 'enqueue' && write.session === number && ((write.entry.position - 1) % 65_535) + 1 === packetId)
        return true;
    return false;
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
    this.#observers.set(link.number, new Observer(link, this));
    this.broker.attach(link.server, { name: 'memory' });
    return link;
  }

  received(link: Link, chunk: Buffer): void {
    const observer = this.#observers.get(link.number) as Observer;
    this.#current = observer;
    observer.received(chunk);
  }

  handled(): void {
    // What the broker waits for (the authenticator) lets it go on later, and then this is set again.
    this.#current = undefined;
  }

  written(link: Link, bytes: Buffer): void {
    const observer = this.#observers.get(link.number) as Observer;
    observer.written(bytes);
    this.#touched.add(observer);
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
    this.#current = undefined;
    for (const observer of this.#touched) observer.afterEach();
    this.#touched.clear();
    this.oracle.afterEach();
  }

  #sweep(): void {
    if (this.#isStopping) return;
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
        session.queuedMessages <= queueMessagesMax + inflightMessagesMax,
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
    await this.#pass(this.#options.durationMs ?? FIRST_ACT_MS);
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
      'uncommitted writes': this.#uncommitted.size,
      'bytes in outboxes': this.broker.pool.waitingBytes,
    };
    for (const [what, count] of Object.entries(left))
      this.judge.check(count === 0, 'held-bytes', () => `${count} ${what} are left when the broker has stopped`);
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
    return this.broker.pool.waitingBytes === 0 && this.#uncommitted.size === 0;
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
    let waiting = 0;
    for (const session of this.broker.sessionsById.values()) {
      waiting += session.queuedMessages;
      const isIdle =
        this.#isOrphan(session.clientId) || (session.queuedMessages === 0 && session.inflightMessages === 0);
      this.judge.check(
        isIdle,
        'rest',
        () => `"${session.clientId}" has ${session.queuedMessages} queued, ${session.inflightMessages} in flight`,
      );
    }
    if (waiting > 0) return;
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
    let allowance = metrics.messagesDroppedQueueFull;
    for (const session of this.oracle.sessions.values()) {
      if (this.#isOrphan(session.name.text)) continue;
      for (const one of this.oracle.lost(session)) {
        if (one.state === 'due' && allowance > 0) allowance -= 1;
        else
          this.judge.broken('acknowledged-arrives', `"${session.name.text}" did not get ${this.oracle.describe(one)}`);
      }
      for (const one of session.all())
        if (one.qos === 2 && one.state === 'done' && one.arrivals > 1)
          this.judge.broken('exactly-once', `${this.oracle.describe(one)} arrived ${one.arrivals} times`);
    }
    for (const group of this.oracle.lostOfGroups()) {
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
    this.oracle.forgetExpired();
    const { retained } = this.broker;
    for (const [topic, said] of this.oracle.retained) {
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
      retained.count === this.oracle.retained.size,
      'retained',
      () => `${retained.count} retained messages where ${this.oracle.retained.size} are right`,
    );
  }

  #checkMetrics(): void {
    const { metrics } = this.broker;
    const observers = [...this.#observers.values()];
    const sum = (of: (observer: Observer) => number) => observers.reduce((total, observer) => total + of(observer), 0);
    const equal = (name: string, counted: number, outside: number) =>
      this.judge.check(counted === outside, 'metrics', () => `${name} is ${counted}, outside ${outside} were counted`);
    equal('connectionsAccepted', metrics.connectionsAccepted, this.#links);
    equal('packetsReceived', metrics.packetsReceived, this.#packetsHandled);
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
      'uncommitted writes': this.#uncommitted.size,
      sessions: broker.sessionsById.size,
      subscriptions: broker.router.size,
    };
    for (const [what, count] of Object.entries(left))
      this.judge.check(count === 0, 'held-bytes', () => `${count} ${what} are left when all have gone`);
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
