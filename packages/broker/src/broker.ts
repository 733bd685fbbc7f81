/**
 * One broker: the sessions, router and retained messages of one thread, and the turns in which they work.
 *
 * What happens to a packet is told by `connect.ts`, `publish.ts`, `subscribe.ts` and `disconnect.ts`; here is what
 * those four share, and the clockwork around them.
 */
import { DeadlineWheel, type Properties, type QoS, ReasonCode } from '@dunlin/protocol';
import type { Wire } from '@dunlin/transport';
import { Connection } from './connection.ts';
import { connectionEnded, endSession, sendDisconnect } from './disconnect.ts';
import type { BrokerEvent } from './events.ts';
import { GroupCommit } from './group-commit.ts';
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
import { Router } from './router.ts';
import type { Session } from './session.ts';
import type { SessionContext } from './session-context.ts';
import { SessionCounts } from './session-counts.ts';
import { infoOf, type SessionInfo } from './session-info.ts';
import { DEFAULT_SETTINGS, type Settings } from './settings.ts';
import { StorageWatch } from './storage-watch.ts';
import { SysTopics } from './sys-topics.ts';
import { hashOf, TopicTable } from './topics.ts';
import { publishWill } from './will.ts';

export interface BrokerOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Default: in memory. */
  readonly store?: Store;
  /** Default: this broker alone. */
  readonly bus?: Bus;
  readonly directory?: Directory;
  /** Default: everybody is let in. */
  readonly authenticator?: Authenticator;
  /** Default: everything is permitted. */
  readonly authorizer?: Authorizer;
  readonly limits?: Partial<Limits>;
  readonly settings?: Partial<Settings>;
  /** Told under `$SYS/broker/version`. */
  readonly version?: string;
}

export interface PublishOptions {
  readonly qos?: QoS;
  readonly retain?: boolean;
  readonly properties?: Properties;
}

export interface StopOptions {
  /** For the DISCONNECT to 5.0 clients; 0x8B by default, 0x9C where a Server Reference is set. */
  readonly reasonCode?: number;
}

/** How often deadlines are looked at. */
const TICK_MS = 100;
const LATE_AGAIN_MS = 100;
/** Sessions whose time has come together end in slices: each takes its subscriptions, will and queue along. */
const DEADLINES_SLICE_MS = 20;
/** How far ahead a deadline of the wall clock is trusted: it may be set meanwhile. */
const WALL_TRUST_MS = 60_000;

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
  /** CONNECTs that wait for the Directory, by Client Identifier. */
  readonly claims = new Map<string, number>();
  readonly sessionsById = new Map<string, Session>();
  readonly sessionCounts = new SessionCounts();
  readonly connections = new Set<Connection>();
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
  readonly #connectionDeadlines = new DeadlineWheel<Connection>(TICK_MS, 1024);
  readonly #sessionDeadlines = new DeadlineWheel<Session>(250, 1024);
  readonly #laterTurns: LaterTurns;
  #dirty: Connection[] = [];
  #isInTurn = false;
  #listeners: ((event: BrokerEvent) => void)[] = [];
  #storeFailure: { readonly error: unknown } | undefined;
  #ticking: Timer | undefined;
  #sessionNumber = 0;
  #reported = new Map<LimitName, number>();

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
    if (this.connections.size >= this.limits.connectionsMax) {
      this.metrics.connectionsRefused += 1;
      this.limitReached('connectionsMax', '', `${this.connections.size} connections`);
      wire.destroy();
      return;
    }
    const connection = new Connection(this, wire, this.#policy(policy));
    this.connections.add(connection);
    this.#connectionDeadlines.schedule(connection, this.steadyMs + this.limits.connectTimeoutMs);
    wire.open(connection);
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
    let ended = 0;
    for (const session of [...this.sessionsById.values()]) {
      if (session.owner === undefined || !predicate(infoOf(session))) continue;
      sendDisconnect(session.owner, reasonCode, 'ended by the server');
      ended += 1;
    }
    return ended;
  }

  /** Publishes in the name of the server itself. Returns, or resolves with, the Reason Code. */
  publish(topic: string, payload: Uint8Array, options: PublishOptions = {}): number | Promise<number> {
    this.beginTurn();
    const message = Message.of(this.topics.named(topic), payload, { ...options, nowMs: this.nowMs });
    return lacksRoom(this, undefined, message) ? refuseWithoutRoom(this, message) : accept(this, undefined, message);
  }

  /**
   * Sends all clients away and stops. Settles when the store is closed; wires close by themselves.
   * Rejects with what the store failed for, where it has: what was not acknowledged may be lost.
   */
  async stop(options: StopOptions = {}): Promise<void> {
    this.beginTurn();
    const { serverReference } = this.settings;
    this.isDraining = true;
    this.tell({ name: 'draining', serverReference });
    const reasonCode =
      options.reasonCode ??
      (serverReference === undefined ? ReasonCode.serverShuttingDown : ReasonCode.useAnotherServer);
    for (const connection of [...this.connections]) {
      if (connection.state === 'open')
        sendDisconnect(connection, reasonCode, 'the server is shutting down', serverReference);
      else connectionEnded(connection, 'server', undefined, 'the server is shutting down');
    }
    this.#ticking?.cancel();
    this.storage.stop();
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
    const now = this.nowMs;
    this.pressure.tick();
    void this.storage.tick(this.steadyMs);
    this.#connectionDeadlines.sweep(this.steadyMs, (connection) => this.#checkConnection(connection));
    const pauseAtMs = this.steadyMs + DEADLINES_SLICE_MS;
    this.#sessionDeadlines.sweep(now, (session) =>
      this.#clock.steadyMs() < pauseAtMs ? this.#checkSession(session) : now + TICK_MS,
    );
    this.retained.sweep(now);
    this.#sysTopics.tick();
  }

  /** Returns the next deadline of a connection on the steady clock, 0 for none. */
  #checkConnection(connection: Connection): number {
    if (connection.state === 'closed') return 0;
    if (connection.state !== 'open') {
      const dueAtMs = connection.openedAtMs + this.limits.connectTimeoutMs;
      if (this.steadyMs < dueAtMs) return dueAtMs;
      this.metrics.connectTimeouts += 1;
      connectionEnded(connection, 'server', undefined, `no CONNECT within ${this.limits.connectTimeoutMs} ms`);
      return 0;
    }
    const expiresAtMs = this.#credentialEndsAtMs(connection);
    if (this.steadyMs >= expiresAtMs) {
      sendDisconnect(connection, ReasonCode.notAuthorized, 'the credential has expired');
      return 0;
    }
    const dueAtMs = dueOf(connection, connection.receivedAtMs);
    const nextAtMs = Math.min(dueAtMs, expiresAtMs);
    if (nextAtMs === Number.POSITIVE_INFINITY) return 0;
    if (connection.isSuspended) return Math.max(nextAtMs, this.steadyMs + LATE_AGAIN_MS);
    if (this.steadyMs < dueAtMs) return nextAtMs;
    if (!connection.isLate) {
      // Its packets may lie unread because this thread was busy: only after another poll is it really late.
      connection.isLate = true;
      return this.steadyMs + LATE_AGAIN_MS;
    }
    this.metrics.keepAliveTimeouts += 1;
    sendDisconnect(
      connection,
      ReasonCode.keepAliveTimeout,
      `no packet within one and a half times the Keep Alive of ${connection.keepAliveMs / 1500} s`,
    );
    return 0;
  }

  /** Sees to the keep alive of an open connection and to the end of its credential. */
  watchConnection(connection: Connection): void {
    const nextAtMs = Math.min(dueOf(connection, this.steadyMs), this.#credentialEndsAtMs(connection));
    if (nextAtMs === Number.POSITIVE_INFINITY) this.#connectionDeadlines.cancel(connection);
    else this.#connectionDeadlines.schedule(connection, nextAtMs);
  }

  /** When the credential of a connection ends, or is looked at again, on the steady clock. */
  #credentialEndsAtMs(connection: Connection): number {
    const expiresAtMs = connection.principal?.expiresAtMs ?? Number.POSITIVE_INFINITY;
    if (expiresAtMs === Number.POSITIVE_INFINITY) return expiresAtMs;
    return this.steadyMs + Math.min(Math.max(0, expiresAtMs - this.nowMs), WALL_TRUST_MS);
  }

  /** Sees to the delayed will and to the end of a session without a connection. */
  watchDeadlines(session: Session): void {
    const next = nextDeadline(session);
    if (next !== 0) this.#sessionDeadlines.schedule(session, next);
  }

  /** Publishes the will and ends the session where their time has come, and sees to what has not. */
  checkDeadlines(session: Session): void {
    const next = this.#checkSession(session);
    if (next !== 0) this.#sessionDeadlines.schedule(session, next);
  }

  /** The session has ended: the wheel would keep it until its deadline. */
  forgetDeadlines(session: Session): void {
    this.#sessionDeadlines.cancel(session);
  }

  #checkSession(session: Session): number {
    if (session.owner !== undefined || this.sessionsById.get(session.clientId) !== session) return 0;
    const willAtMs = session.will?.dueAtMs;
    if (willAtMs !== undefined && willAtMs <= this.nowMs) publishWill(this, session);
    if (session.expiresAtMs !== undefined && session.expiresAtMs <= this.nowMs) {
      this.metrics.sessionsExpired += 1;
      endSession(this, session, 'expired');
      return 0;
    }
    return nextDeadline(session);
  }

  /** A connection is over: nothing here knows it any longer. */
  forget(connection: Connection): void {
    this.connections.delete(connection);
    this.#connectionDeadlines.cancel(connection);
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

  /** Tells that a limit acted, once a second and limit. */
  limitReached(limit: LimitName, clientId: string, detail: string): void {
    const last = this.#reported.get(limit);
    if (last !== undefined && this.steadyMs - last < 1000) return;
    this.#reported.set(limit, this.steadyMs);
    this.tell({ name: 'limitReached', limit, clientId, detail });
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

/** When a connection that was last heard at this time counts as gone; Infinity without Keep Alive. */
function dueOf(connection: Connection, heardAtMs: number): number {
  return connection.keepAliveMs === 0 ? Number.POSITIVE_INFINITY : heardAtMs + connection.keepAliveMs;
}

function nextDeadline(session: Session): number {
  const will = session.will?.dueAtMs;
  const end = session.expiresAtMs;
  if (will === undefined) return end ?? 0;
  return end === undefined ? will : Math.min(will, end);
}
