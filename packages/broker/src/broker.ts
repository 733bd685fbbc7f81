/**
 * One broker: the sessions, router and retained messages of one thread, and the turns in which they work.
 *
 * What happens to a packet is told by `connect.ts`, `publish.ts`, `subscribe.ts` and `disconnect.ts`; here is what
 * those four share, and the clockwork around them.
 */
import { assertTopicFilter, type QoS, ReasonCode } from '@dunlin/protocol';
import type { Wire } from '@dunlin/transport';
import type { BrokerOptions, DisconnectOptions, PublishOptions, StopOptions } from './broker-options.ts';
import { type CheckName, RefusalCounts } from './checks.ts';
import { Connection } from './connection.ts';
import { ConnectionCounts } from './connection-counts.ts';
import { ConnectionDeadlines } from './connection-deadlines.ts';
import { Denials } from './denials.ts';
import { endSession, sendAllAway, sendDisconnect } from './disconnect.ts';
import type { BrokerEvent } from './events.ts';
import { publishFollowed, subscribedQos } from './followed-delivery.ts';
import { GroupCommit } from './group-commit.ts';
import { InternalSubscribers, type TakeInternally } from './internal-subscribers.ts';
import { LaterTurns } from './later-turns.ts';
import { type LimitName, type Limits, resolveLimits } from './limits.ts';
import { AnonymousAuthenticator } from './memory/anonymous.ts';
import { LoopbackBus } from './memory/bus.ts';
import { LocalDirectory } from './memory/directory.ts';
import { VolatileStore } from './memory/volatile-store.ts';
import { Message } from './message.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { BufferPool } from './outbox.ts';
import type { ListenerPolicy, Policy } from './policy.ts';
import type { Authenticator, Authorizer, Awaitable, Bus, Clock, Directory, Random, Store, Timer } from './ports.ts';
import { Pressure } from './pressure.ts';
import { accept, distribute, lacksRoom, refuseWithoutRoom } from './publish.ts';
import { PublishWriter } from './publish-writer.ts';
import { recover } from './recovery.ts';
import { RetainedMessages } from './retained.ts';
import { type ConnectionsReview, type PermissionsReview, Reviews } from './reviews.ts';
import { Router } from './router.ts';
import type { Session } from './session.ts';
import type { SessionContext } from './session-context.ts';
import { SessionCounts } from './session-counts.ts';
import { SessionDeadlines } from './session-deadlines.ts';
import { infoOf, type SessionInfo } from './session-info.ts';
import { DEFAULT_SETTINGS, type Settings } from './settings.ts';
import { StorageWatch } from './storage-watch.ts';
import { SysTopics } from './sys-topics.ts';
import { hashOf, TopicTable } from './topics.ts';

/** How often deadlines are looked at. */
const TICK_MS = 100;

export class Broker implements SessionContext {
  readonly limits: Limits;
  readonly settings: Settings;
  readonly metrics: Metrics = createMetrics();
  readonly version: string;
  readonly store: Store;
  readonly bus: Bus;
  readonly directory: Directory;
  readonly authorizer: Authorizer | undefined;
  readonly commits: GroupCommit;
  readonly topics: TopicTable;
  readonly router = new Router((topic, bytes) => this.topics.mayKeep(topic, bytes));
  readonly retained: RetainedMessages;
  readonly pool = new BufferPool(this.metrics);
  readonly publishWriter = new PublishWriter(this.pool);
  readonly pressure = new Pressure(this);
  readonly storage: StorageWatch;
  readonly internal = new InternalSubscribers(this);
  /** CONNECTs that wait for the Directory, by Client Identifier. */
  readonly claims = new Map<string, number>();
  readonly sessionsById = new Map<string, Session>();
  readonly sessionCounts = new SessionCounts();
  readonly connections = new Set<Connection>();
  readonly connectionCounts = new ConnectionCounts();
  readonly connectionDeadlines = new ConnectionDeadlines(this, TICK_MS);
  readonly sessionDeadlines = new SessionDeadlines(this, TICK_MS);
  readonly reviews = new Reviews(this);
  readonly denials = new Denials(this);
  /** Clients that were not let in or had to go, by the check that failed. */
  readonly refusals = new RefusalCounts();
  /** Of connections that are over, but whose end waits for a commit. */
  readonly closingWires = new Set<Wire>();
  /** Steady clock. */
  readonly startedAtMs: number;
  /** Wall clock of the present turn. */
  nowMs: number;
  /** Steady clock of the present turn: the wall clock may be set, and nobody is late for that. */
  steadyMs: number;
  isDraining = false;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #authenticator: Authenticator;
  readonly #sysTopics: SysTopics;
  readonly #policies = new Map<ListenerPolicy, Policy>();
  readonly #laterTurns: LaterTurns;
  #dirty: Connection[] = [];
  #isInTurn = false;
  #isDrained = false;
  #listeners: ((event: BrokerEvent) => void)[] = [];
  #storeFailure: { readonly error: unknown } | undefined;
  #ticking: Timer | undefined;
  #sessionNumber = 0;
  #reported = new Map<string, number>();

  constructor(options: BrokerOptions) {
    this.#clock = options.clock;
    this.#laterTurns = new LaterTurns(options.clock, () => this.beginTurn());
    this.#random = options.random;
    this.limits = resolveLimits(options.limits);
    this.settings = { ...DEFAULT_SETTINGS, ...options.settings };
    this.version = options.version ?? 'dunlin';
    this.store = options.store ?? new VolatileStore();
    this.bus = options.bus ?? new LoopbackBus();
    this.directory = options.directory ?? new LocalDirectory();
    this.authorizer = options.authorizer;
    this.#authenticator = options.authenticator ?? new AnonymousAuthenticator();
    this.commits = new GroupCommit(this.store, this.metrics, this);
    const secret = Buffer.from(this.#random.identifier());
    const seed = hashOf(secret, 0, secret.length, 0);
    this.topics = new TopicTable(this.limits, this.settings.strictText, this.metrics, seed);
    this.retained = new RetainedMessages(this.limits, this.store, this.commits, this.metrics);
    this.storage = new StorageWatch(this.store, this.limits.storeFreeBytesMin, this);
    this.#sysTopics = new SysTopics(this);
    this.nowMs = this.#clock.nowMs();
    this.steadyMs = this.#clock.steadyMs();
    this.startedAtMs = this.steadyMs;
    this.bus.receive((message) => distribute(this, message));
  }

  /** Takes up what the store has and starts the clockwork. Settles when clients may come; rejects where that fails. */
  async start(): Promise<void> {
    const contents = this.store.contents();
    const { lastSession, retained } = contents instanceof Promise ? await contents : contents;
    this.#sessionNumber = lastSession;
    this.retained.restore(retained);
    if (lastSession > 0 || retained.messages > 0) {
      // Wills go out there, and ask for room.
      if (!this.store.inMemory) await this.storage.tick(this.steadyMs);
      await recover(this);
    }
    this.#ticking = this.#clock.every(TICK_MS, () => this.#tick());
    this.beginTurn();
    this.#sysTopics.publish();
    if (!this.store.inMemory) await this.storage.tick(this.steadyMs);
  }

  /** Takes a network connection over: everything about the wire is the broker's from here on. */
  attach(wire: Wire, policy: ListenerPolicy): void {
    this.beginTurn();
    this.metrics.connectionsAccepted += 1;
    const { connections, connectionCounts, limits } = this;
    const { address } = wire.peer;
    const ofAddress = connectionCounts.ofAddress(address);
    if (connections.size >= limits.connectionsMax) {
      this.#refuseWire(wire, 'connections-max', 'connectionsMax', `${connections.size} connections`);
      return;
    }
    if (ofAddress >= limits.connectionsPerAddressMax) {
      const detail = `${address} has ${ofAddress} connections`;
      this.#refuseWire(wire, 'connections-per-address-max', 'connectionsPerAddressMax', detail);
      return;
    }
    const connection = new Connection(this, wire, this.#policy(policy));
    connections.add(connection);
    connectionCounts.came(connection);
    this.connectionDeadlines.begin(connection);
    wire.open(connection);
  }

  #refuseWire(wire: Wire, check: CheckName, limit: LimitName, detail: string): void {
    this.metrics.connectionsRefused += 1;
    this.refusals.count(check);
    this.limitReached(limit, '', detail);
    wire.destroy();
  }

  /** Counts a connection that its listener closed as it came, for want of open files. */
  countWithoutFile(): void {
    this.metrics.connectionsWithoutFile += 1;
  }

  /** Calls `listener` for every event until the returned function is called. It must not throw. */
  onEvent(listener: (event: BrokerEvent) => void): () => void {
    this.#listeners = [...this.#listeners, listener];
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== listener);
    };
  }

  get hasListeners(): boolean {
    return this.#listeners.length > 0;
  }

  tell(event: BrokerEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  /** Every session, connected or not. */
  *sessions(): Generator<SessionInfo> {
    for (const session of this.sessionsById.values()) yield infoOf(session);
  }

  /** Ends the connections of the sessions that `predicate` chooses; wills go out. Returns how many. */
  disconnect(
    predicate: (session: SessionInfo) => boolean,
    reasonCode: number = ReasonCode.administrativeAction,
  ): number {
    this.beginTurn();
    const chosen = [...this.sessionsById.values()].filter((session) => session.owner && predicate(infoOf(session)));
    for (const { owner } of chosen) if (owner) sendDisconnect(owner, reasonCode, 'ended by the server');
    return chosen.length;
  }

  /**
   * Ends the connection of one client; its will goes out. Returns false where it has none.
   * @param options `reasonCode`: default 0x98; where DISCONNECT may not carry it, the nearest that it may
   */
  disconnectClient(clientId: string, options: DisconnectOptions = {}): boolean {
    this.beginTurn();
    const connection = this.sessionsById.get(clientId)?.owner;
    if (connection === undefined) return false;
    const { reasonCode = ReasonCode.administrativeAction, reason = 'ended by the server' } = options;
    sendDisconnect(connection, reasonCode, reason);
    return true;
  }

  /**
   * Ends the session of a Client Identifier, with its connection where it has one; its will goes out.
   * @param isMeant asked with the identity that the session is bound to; nothing happens where it says no
   * @returns false where there is no such session
   */
  endSession(clientId: string, isMeant: (identity: string | undefined) => boolean): boolean {
    this.beginTurn();
    const session = this.sessionsById.get(clientId);
    if (session === undefined || !isMeant(session.identity)) return false;
    this.disconnectClient(clientId);
    // One of expiry 0 has ended with its connection.
    if (this.sessionsById.get(clientId) === session) endSession(this, session, 'removed');
    return true;
  }

  /**
   * Ends every session, with its connection, of whose identity `isMeant` says so; their wills go out. Resolves with how many
   * those were when all were asked, in slices of about 10 ms; rejects where the broker stops before that.
   */
  endSessions(isMeant: (identity: string | undefined) => boolean): Promise<number> {
    return this.reviews.endSessions(isMeant);
  }

  /**
   * Asks `Authenticator.review` about every connection, after something changed about who may come in, and ends those
   * who may not stay. Settles when all were asked, in slices of about 10 ms; rejects never.
   */
  reviewConnections(): Promise<ConnectionsReview> {
    return this.reviews.connections();
  }

  /**
   * Asks the Authorizer anew what every client may do. What was granted stays subscribed; what it brings and what waits
   * is checked by the new permissions. Settles when all were asked, in slices of about 10 ms; rejects never.
   */
  reviewPermissions(): Promise<PermissionsReview> {
    return this.reviews.permissions();
  }

  /** Publishes in the name of the server itself. Returns, or resolves with, the Reason Code. */
  publish(topic: string, payload: Uint8Array, options: PublishOptions = {}): number | Promise<number> {
    this.beginTurn();
    const message = Message.of(this.topics.named(topic), payload, { ...options, nowMs: this.nowMs });
    const { receipt } = options;
    return receipt === undefined ? this.#take(message) : publishFollowed(message, receipt, () => this.#take(message));
  }

  #take(message: Message): number | Promise<number> {
    return lacksRoom(this, undefined, message) ? refuseWithoutRoom(this, message) : accept(this, undefined, message);
  }

  /**
   * Has each message of a filter handed to a function of the server, until the function that it returns is called; none that
   * was retained before, and whatever the rules say. What a client publishes at QoS 1 or 2 is acknowledged when `take` is
   * done with it (`internalDeliveriesMax`, `internalDeliveryTimeoutMs`).
   * @throws MqttError for a filter that is not well formed
   */
  subscribeInternally(filter: string, take: TakeInternally): () => void {
    assertTopicFilter(filter);
    const remove = this.router.addInternal({ filter, take });
    this.bus.subscribe(filter);
    return () => {
      remove();
      this.bus.unsubscribe(filter);
    };
  }

  /**
   * The highest QoS granted to a subscription of a connected client's own, not shared, that brings it messages of the
   * topic; undefined where there is none. Looks at the subscriptions of this client and at nothing else.
   */
  subscribedQos(clientId: string, topic: string): QoS | undefined {
    const session = this.sessionsById.get(clientId);
    return session?.owner === undefined ? undefined : subscribedQos(session, topic);
  }

  /** Sends all clients away, once; wills go out. The program may publish until `stop`, such as that they have gone. */
  drain({ reasonCode }: StopOptions = {}): void {
    this.beginTurn();
    this.#isDrained = true;
    sendAllAway(this, reasonCode);
    this.#ticking?.cancel();
    this.storage.stop();
  }

  /**
   * Drains, where `drain` was not called, and stops. Settles when the store is closed; wires close by themselves. Rejects with
   * what the store failed for, where it has: what was not acknowledged may be lost.
   */
  async stop(options: StopOptions = {}): Promise<void> {
    if (!this.#isDrained) this.drain(options);
    // What is told of a commit may write again.
    do {
      const flushed = this.commits.flushed();
      this.#endTurn();
      await flushed;
    } while (!this.commits.isIdle && this.#storeFailure === undefined);
    await this.store.close();
    if (this.#storeFailure !== undefined) throw this.#storeFailure.error;
  }

  /** A step outside of `Connection.received` begins: reads the clock once and sees to the end of the turn. */
  beginTurn(): void {
    if (this.#isInTurn) return;
    this.#isInTurn = true;
    this.#laterTurns.begin();
    this.nowMs = this.#clock.nowMs();
    this.steadyMs = this.#clock.steadyMs();
    this.#clock.endOfTurn(() => this.#endTurn());
  }

  /** Calls `run` once, in a turn after this one. */
  endOfTurn(run: () => void): void {
    this.#clock.endOfTurn(run);
  }

  /** The connection has written: it is flushed at the end of the turn. */
  touch(connection: Connection): void {
    connection.isDirty = true;
    this.#dirty.push(connection);
    this.beginTurn();
  }

  #endTurn(): void {
    this.#isInTurn = false;
    this.commits.endOfTurn();
    this.#laterTurns.end();
    const dirty = this.#dirty;
    for (let i = 0; i < dirty.length; i++) if (dirty[i].isDirty) dirty[i].flush();
    dirty.length = 0;
    this.publishWriter.forget();
    this.pressure.endOfTurn();
  }

  #tick(): void {
    this.beginTurn();
    this.pressure.tick();
    void this.storage.tick(this.steadyMs);
    this.connectionDeadlines.sweep();
    this.sessionDeadlines.sweep();
    this.internal.sweep(this.steadyMs);
    this.retained.sweep(this.nowMs);
    this.#sysTopics.tick();
  }

  /** A connection is over: nothing here knows it any longer. */
  forget(connection: Connection): void {
    this.connections.delete(connection);
    this.connectionDeadlines.forget(connection);
    this.connectionCounts.left(connection);
    this.pressure.forget(connection);
  }

  clockMs(): number {
    return this.#clock.steadyMs();
  }

  get retainedSequence(): number {
    return this.retained.sequence;
  }

  keep(message: Message, isAbsent: boolean): void {
    this.pressure.keep(message, isAbsent);
  }

  release(message: Message, isAbsent: boolean): void {
    this.pressure.release(message, isAbsent);
  }

  moved(session: Session, bytes: number): void {
    this.pressure.moved(bytes, session.connection === undefined);
    if (session.sharedSubscriptions > 0) this.router.presenceChanged(session);
  }

  hasMemory(isAbsent: boolean): boolean {
    return this.pressure.mayHold(isAbsent);
  }

  memoryShort(clientId: string): void {
    this.limitReached('heldBytesMax', clientId, `${this.pressure.heldBytes} bytes are held`);
  }

  queueFull(clientId: string, limit: 'queueMessagesMax' | 'queueBytesMax'): void {
    this.limitReached(limit, clientId, 'the queue is full');
  }

  /** Undefined where the client has no session. */
  usernameOf(clientId: string): string | undefined {
    const session = this.sessionsById.get(clientId);
    return session?.owner?.principal?.username ?? session?.username;
  }

  deliveryDenied({ clientId, permissions }: Session, { topic: { name: topic }, qos, retain }: Message): void {
    const denied = { action: 'receive', name: topic, qos, retain } as const;
    this.denials.tell({ name: 'deliveryDenied', clientId, topic, rule: undefined }, permissions, denied);
  }

  /** Tells that a limit acted, once a second and limit. */
  limitReached(limit: LimitName, clientId: string, detail: string): void {
    this.tellSeldom({ name: 'limitReached', limit, clientId, detail }, limit);
  }

  /** Tells an event where none of its kind was told in the last second. */
  tellSeldom(event: BrokerEvent, kind: string = event.name): void {
    const last = this.#reported.get(kind);
    if (last !== undefined && this.steadyMs - last < 1000) return;
    this.#reported.set(kind, this.steadyMs);
    this.tell(event);
  }

  pauseAtMs(): number {
    return this.#laterTurns.pauseAtMs;
  }

  continueLater(session: Session): void {
    this.#laterTurns.add(session);
  }

  newClientId(): string {
    return `dunlin-${this.#random.identifier()}`;
  }

  newSessionNumber(): number {
    this.#sessionNumber += 1;
    return this.#sessionNumber;
  }

  /** Nobody waits for what comes of this; that it failed is told. */
  unattended(outcome: Awaitable<unknown>): void {
    if (outcome instanceof Promise) outcome.catch((error: unknown) => this.internalError(error));
  }

  /** A fault of ours: told, never hidden, and nobody but the one connection sees it. */
  internalError(error: unknown): void {
    this.tell({
      name: 'internalError',
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
  }

  #policy(policy: ListenerPolicy): Policy {
    let resolved = this.#policies.get(policy);
    if (resolved === undefined) {
      resolved = {
        name: policy.name,
        versions: policy.versions,
        authenticator: policy.authenticator ?? this.#authenticator,
      };
      this.#policies.set(policy, resolved);
    }
    return resolved;
  }

  /** Memory is ahead of the disk: nothing more is acknowledged, every connection breaks. */
  storeFailed(error: unknown): void {
    this.#storeFailure ??= { error };
    this.tell({ name: 'storeFailed', error: error instanceof Error ? error.message : String(error) });
    this.isDraining = true;
    this.#ticking?.cancel();
    for (const { wire } of this.connections) wire.destroy();
    for (const wire of this.closingWires) wire.destroy();
  }
}
