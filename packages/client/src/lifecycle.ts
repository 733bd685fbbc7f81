/**
 * The life of a client: one state, and what moves it.
 *
 * A client outlives its connections. Its application opens it once and closes it once; in between connections come and
 * go, and the state tells which of four things is true: nothing is to be done (`disconnected`), the first connection is
 * on its way (`connecting`), there is one (`connected`), the next one is on its way (`reconnecting`). Four things move
 * it: the application opens it (`opened`), a server accepts a connection (`accepted`), something fails and another
 * attempt is to follow (`failed`), or all is over (`over`): `disconnect` was called, a failure cannot be mended, or the
 * attempts are used up. The table says where each leads; what is not in it cannot happen in that state.
 *
 * There is at most one attempt or connection at a time. An attempt belongs to an AbortController and a connection to
 * this object's `#current`; whoever is no longer the current one is not listened to, so nothing late moves the state.
 * Waits between attempts are those of `BackOff`, which begins anew only after a connection held: a server that accepts
 * and throws out again is not asked without end.
 */

import { type ConnackPacket, isReasonCodeAllowed, type Packet } from '@dunlin/protocol';
import { type AttemptFailed, attempt, type Established } from './attempt.ts';
import { BackOff } from './back-off.ts';
import type { CertificateWatch } from './certificate-watch.ts';
import type { ClientEvents, ClientState, CloseReason, ReconnectingInfo } from './client-api.ts';
import { type Connection, type ConnectionOwner, lost, type PacketTap } from './connection.ts';
import type { CertificateSeen } from './dial.ts';
import { MqttError, mqttError } from './errors.ts';
import { surface } from './events.ts';
import { heartbeat } from './heartbeat.ts';
import { aborted, operation, type Settle } from './operation.ts';
import type { ReconnectOptions } from './options.ts';
import { mayRetry, referredTo } from './retry-verdict.ts';
import type { Settings } from './settings.ts';

type Move = 'opened' | 'accepted' | 'failed' | 'over';

/** From each state, where each move leads. */
const TRANSITIONS: Readonly<Record<ClientState, Readonly<Partial<Record<Move, ClientState>>>>> = {
  disconnected: { opened: 'connecting', over: 'disconnected' },
  connecting: { accepted: 'connected', failed: 'connecting', over: 'disconnected' },
  connected: { failed: 'reconnecting', over: 'disconnected' },
  reconnecting: { accepted: 'connected', failed: 'reconnecting', over: 'disconnected' },
};

/** References followed without a wait, or a connection that held. */
const HOPS_MAX = 5;
/** Connections in a row that the server closed soon after CONNACK, from which on a reason is guessed at. */
const BRIEF_MAX = 3;

/** What the client does at the turns of its life. */
export interface LifecycleHost {
  readonly tap: PacketTap;
  /**
   * Before the first attempt, and when what was held before is let go; what it throws ends the client. Returns the Client
   * Identifier. Once the signal is aborted nothing may be held.
   */
  opening(signal: AbortSignal): Promise<string>;
  /**
   * A server accepted; `isResumed`: the session that was goes on. `isDoubtful`: a CONNECT before had no answer, so that
   * session may be one that it began.
   */
  accepted(established: Established, isResumed: boolean, isDoubtful: boolean): void;
  /** A packet behind CONNACK. What it throws ends the connection. */
  received(packet: Packet): void;
  drained(): void;
  /** The connection is over. */
  lost(error: MqttError): void;
  /** The client is `disconnected`. Settles when what it held is let go. */
  over(error: MqttError | undefined): Promise<void>;
  /** The state is another one. */
  changed(state: ClientState, reason: CloseReason | undefined): void;
  reconnecting(next: ReconnectingInfo): void;
  certificateExpiring: ClientEvents['certificateExpiring'];
}

/** See the head of the file. */
export class Lifecycle {
  state: ClientState = 'disconnected';
  reason: CloseReason | undefined;
  /** `disconnect` was called, or it ended by itself: nothing is accepted until it is opened again. */
  isOver = false;
  connack: ConnackPacket | undefined;
  /** In use, also one that the server assigned. */
  clientId: string;
  readonly #settings: Settings;
  readonly #host: LifecycleHost;
  readonly #reconnect: ReconnectOptions;
  readonly #backOff: BackOff;
  readonly #certificates: CertificateWatch | undefined;
  readonly #waiting = new Set<Settle<ConnackPacket>>();
  #closed = Promise.withResolvers<CloseReason>();
  #attempting = new AbortController();
  #cancelTimer = (): void => {};
  #cancelHeartbeat = (): void => {};
  #current: Established | undefined;
  #acceptedAtMs = 0;
  /** Attempts since a connection held. */
  #attempts = 0;
  #hops = 0;
  /** Connections in a row that the server closed before they held. */
  #brief = 0;
  /** Where a server said to go, for the next attempt or for as long as somebody answers there. */
  #referred: { url: URL; isForGood: boolean } | undefined;
  /** A session that reconnecting can go on with. */
  #hasSession = false;
  /** A CONNECT since the connection before had no answer; it may still come to the server. */
  #isDoubtful = false;
  /** Settles when what the host opened for the life before is let go. */
  #free: Promise<unknown> = Promise.resolve();
  /** Settles when the wire of the latest connection is gone. */
  #wireGone: Promise<void> = Promise.resolve();

  constructor(settings: Settings, host: LifecycleHost) {
    this.#settings = settings;
    this.#host = host;
    this.#reconnect = settings.reconnect || {};
    this.#backOff = new BackOff(this.#reconnect, settings.environment.random);
    this.#certificates = settings.certificateWatch?.(
      settings.environment,
      settings.certificateWarningDays,
      host.certificateExpiring,
    );
    this.clientId = settings.connect.clientId;
  }

  /** Settles when the client is `disconnected` and its wire gone. */
  get closed(): Promise<CloseReason> {
    return this.#closed.promise;
  }

  get connection(): Connection | undefined {
    return this.#current?.connection;
  }

  get authenticating(): Established['authenticating'] | undefined {
    return this.#current?.authenticating;
  }

  /** Opens the client, where it is not; settles with the next CONNACK that accepts. */
  connect(signal: AbortSignal | undefined): Promise<ConnackPacket> {
    return operation(this.#settings.environment, 'Cannot connect', { signal }, (settle) => {
      if (this.connack !== undefined) {
        settle.resolve(this.connack);
        return undefined;
      }
      this.#waiting.add(settle);
      if (this.state === 'disconnected') this.#open();
      return () => {
        this.#waiting.delete(settle);
        // Others may still wait for it.
        if (this.state === 'connecting' && this.#waiting.size === 0)
          this.over({ by: 'client', error: aborted('Cannot connect', signal) });
      };
    });
  }

  /** The connection broke a rule, or code of the application that decides about it failed. */
  fail(error: Error): void {
    const connection = this.connection;
    if (connection === undefined) return;
    const typed = mqttError(error, 'connection-failed');
    const { reasonCode = UNSPECIFIED_ERROR } = typed;
    // In 3.x a DISCONNECT would say that all is well.
    if (this.#settings.connect.protocolVersion === 5) {
      connection.send({ type: 'disconnect', reasonCode: sayable(reasonCode), properties: {} });
    }
    this.end({ by: 'network', error: typed });
  }

  /** The connection is over; the client goes on where that makes sense. */
  end(reason: CloseReason & { readonly error: MqttError }): void {
    const established = this.#current;
    if (established === undefined) return;
    this.#drop(reason.error);
    this.#retry(reason, established.url);
    this.#isDoubtful = false;
  }

  /** All is over, whatever the state. */
  over(reason: CloseReason): void {
    if (this.isOver) return;
    this.isOver = true;
    const { error } = reason;
    const asked = error ?? new MqttError('closed', 'Cannot connect: the client was disconnected');
    this.#attempting.abort(asked);
    this.#cancelTimer();
    this.#drop(error);
    this.#referred = this.#referred?.isForGood ? this.#referred : undefined;
    this.#move('over', reason);
    const letGo = this.#host.over(error);
    const free = Promise.all([this.#free, letGo]);
    this.#free = free;
    for (const settle of this.#waiting) settle.reject(asked);
    this.#waiting.clear();
    const { resolve } = this.#closed;
    // A store that never answers is not waited for without end.
    const isFree = this.#bounded(free).catch(() => {});
    Promise.all([this.#wireGone, isFree]).then(() => resolve(reason));
  }

  /** What the host opens or lets go, within `connectTimeoutMs`. */
  #bounded<Value>(promise: Promise<Value>, signal?: AbortSignal): Promise<Value> {
    const { environment, connectTimeoutMs: timeoutMs } = this.#settings;
    return operation(environment, 'Cannot connect', { signal, timeoutMs }, (settle) => {
      promise.then(settle.resolve, settle.reject);
      return undefined;
    });
  }

  #open(): void {
    if (this.isOver) this.#closed = Promise.withResolvers();
    this.isOver = false;
    this.#hasSession = false;
    this.#attempts = 0;
    this.#hops = 0;
    this.#attempting = new AbortController();
    const { signal } = this.#attempting;
    this.#move('opened', undefined);
    const opening = this.#free
      .then(() => (signal.aborted ? this.clientId : this.#host.opening(signal)))
      .catch((error) => {
        throw mqttError(error, 'outbox-failed');
      });
    this.#free = opening.catch(() => {});
    this.#bounded(opening, signal).then(
      (clientId) => {
        this.clientId = clientId;
        if (!signal.aborted) this.#attempt(signal);
      },
      (error) => {
        if (!signal.aborted) this.over({ by: 'client', error });
      },
    );
  }

  #attempt(signal: AbortSignal): void {
    const { cleanStart } = this.#settings.connect;
    const isResuming = this.#hasSession || (this.state === 'connecting' && !cleanStart);
    const context = {
      settings: this.#settings,
      url: this.#referred?.url,
      clientId: this.clientId,
      cleanStart: !isResuming,
      tap: this.#host.tap,
      certificateSeen: (certificate: CertificateSeen) => this.#certificates?.seen(certificate),
    };
    attempt(context, signal).then(
      (established) => {
        if (signal.aborted) established.connection.destroy();
        else this.#accepted(established, isResuming);
      },
      ({ error, url, isUnanswered }: AttemptFailed) => {
        this.#isDoubtful ||= isUnanswered;
        if (signal.aborted) return;
        const by = error.code === 'refused' || error.code === 'server-disconnected' ? 'server' : 'network';
        // The server before may know another one.
        if (by === 'network') this.#referred = undefined;
        this.#retry({ by, error }, url);
      },
    );
  }

  #accepted(established: Established, isResuming: boolean): void {
    const { connection, connack } = established;
    const { environment, connect, pingTimeoutMs } = this.#settings;
    const { properties } = connack;
    this.#current = established;
    this.connack = connack;
    this.clientId = properties.assignedClientIdentifier ?? this.clientId;
    this.#acceptedAtMs = environment.nowMs();
    const expiry = properties.sessionExpiryInterval ?? connect.properties.sessionExpiryInterval ?? 0;
    const version = connect.protocolVersion;
    this.#hasSession = version === 5 ? expiry > 0 : !connect.cleanStart;
    const gone = Promise.withResolvers<void>();
    this.#wireGone = gone.promise;
    connection.owner = this.#ownerOf(established, gone.resolve);
    this.#cancelHeartbeat = heartbeat(
      connection,
      environment,
      properties.serverKeepAlive ?? connect.keepAlive,
      pingTimeoutMs,
      (error) => {
        connection.destroy(error);
        this.end({ by: 'network', error });
      },
    );
    // MQTT 3.1 has no Session Present: whoever asked for the session has to assume it.
    this.#host.accepted(established, connack.sessionPresent || (version === 3 && isResuming), this.#isDoubtful);
    // What was sent may have failed the connection, or a listener have called `disconnect`.
    if (this.#current !== established) return;
    this.#move('accepted', undefined);
    for (const settle of this.#waiting) settle.resolve(connack);
    this.#waiting.clear();
    // A listener may have called `disconnect`.
    if (this.#current !== established) return;
    this.#certificates?.start();
    environment.setTimer(0, () => connection.resume());
  }

  #ownerOf(established: Established, gone: () => void): ConnectionOwner {
    const isCurrent = (): boolean => this.#current === established;
    return {
      received: (packet) => {
        if (isCurrent()) this.#host.received(packet);
      },
      drained: () => {
        if (isCurrent()) this.#host.drained();
      },
      failed: (error) => {
        if (isCurrent()) this.fail(error);
      },
      closed: (error) => {
        gone();
        if (isCurrent()) this.end({ by: 'network', error: lost(error, this.#guess()) });
      },
    };
  }

  get #isHeld(): boolean {
    return this.#settings.environment.nowMs() - this.#acceptedAtMs >= (this.#reconnect.heldMs ?? 10_000);
  }

  /** Before 5.0 no DISCONNECT says that another client took the session over. */
  #guess(): string {
    if (this.#isHeld || this.#settings.connect.protocolVersion === 5 || ++this.#brief < BRIEF_MAX) return '';
    return `, ${this.#brief} times soon after CONNACK: is there another client "${this.clientId}"?`;
  }

  /** Lets the connection go, where there is one. */
  #drop(error: MqttError | undefined): void {
    const { connection } = this;
    if (connection === undefined) return;
    this.#current = undefined;
    this.connack = undefined;
    this.#cancelHeartbeat();
    this.#certificates?.stop();
    connection.close(error);
    if (this.#isHeld) {
      this.#backOff.reset();
      this.#attempts = 0;
      this.#hops = 0;
      this.#brief = 0;
    }
    this.#host.lost(error ?? new MqttError('closed', 'The client was disconnected'));
  }

  /** Another attempt, or the end. */
  #retry(reason: CloseReason & { readonly error: MqttError }, url: URL | undefined): void {
    const { error } = reason;
    const isFirst = this.state === 'connecting';
    const isFollowing = this.#follow(error, url);
    if (!isFollowing) {
      this.#attempts += 1;
      this.#hops = 0;
    }
    const { attemptsMax = Number.POSITIVE_INFINITY } = this.#reconnect;
    const attemptsLeft = (isFirst ? this.#settings.connectAttempts - 1 : attemptsMax) - this.#attempts;
    const isWanted = isFirst || this.#settings.reconnect !== false;
    const isMendable = isFollowing || this.#isMendable(error);
    if (!isWanted || !isMendable || (!isFollowing && attemptsLeft < 0)) {
      this.over(reason);
      return;
    }
    const delayMs = isFollowing ? 0 : this.#backOff.next();
    this.#attempting = new AbortController();
    const { signal } = this.#attempting;
    this.#cancelTimer = this.#settings.environment.setTimer(delayMs, () => this.#attempt(signal));
    this.#move('failed', reason);
    // A listener may have called `disconnect`.
    if (!signal.aborted) this.#host.reconnecting({ attempt: this.#attempts, delayMs, error });
  }

  #isMendable(error: MqttError): boolean {
    const { shouldRetry } = this.#reconnect;
    try {
      if (shouldRetry !== undefined) return shouldRetry(error, this.#attempts);
    } catch (thrown) {
      surface(thrown);
    }
    // Taken over by an attempt of this client that was given up.
    return (this.#isDoubtful && error.reasonCode === SESSION_TAKEN_OVER) || mayRetry(error, this.#settings.isAskedAnew);
  }

  /** True where the server named another one, and the next attempt goes there. */
  #follow(error: MqttError, url: URL | undefined): boolean {
    if (!this.#referred?.isForGood) this.#referred = undefined;
    if (!this.#settings.followServerReference || url === undefined || this.#hops >= HOPS_MAX) return false;
    const referred = referredTo(error, url);
    if (referred === undefined) return false;
    this.#hops += 1;
    this.#referred = referred;
    return true;
  }

  #move(move: Move, reason: CloseReason | undefined): void {
    const next = TRANSITIONS[this.state][move];
    if (next === undefined) throw new Error(`a client that is ${this.state} cannot be ${move}`);
    this.reason = reason;
    if (next === this.state) return;
    this.state = next;
    this.#host.changed(next, reason);
  }
}

const UNSPECIFIED_ERROR = 0x80;
const SESSION_TAKEN_OVER = 0x8e;

/** The code as DISCONNECT may say it. */
function sayable(reasonCode: number): number {
  return isReasonCodeAllowed('disconnect', reasonCode, 'client') ? reasonCode : UNSPECIFIED_ERROR;
}
