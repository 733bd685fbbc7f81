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
 * this object's `#current`; whoever is no longer the current one has no owner, so nothing late moves the state.
 * Waits between attempts are those of `backOffMs`, which begin anew only after a connection held: a server that accepts
 * and throws out again is not asked without end.
 */

import { type ConnackPacket, isReasonCodeAllowed } from '@dunlin/protocol';
import { type AttemptContext, attempt, type Established } from './attempt.ts';
import { backOffMs } from './back-off.ts';
import type { ClientEvents, ClientState, CloseReason } from './client-api.ts';
import { lost } from './connection.ts';
import { disconnectedBy, MqttError, mqttError } from './errors.ts';
import { type Listeners, surface } from './events.ts';
import { KeepAlive } from './keep-alive.ts';
import type { Log } from './log.ts';
import { aborted, operation, type Settle } from './operation.ts';
import type { ReconnectOptions } from './options.ts';
import { mayRetry, referredTo } from './retry-verdict.ts';
import type { Session } from './session.ts';
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

type Failure = CloseReason & { readonly error: MqttError };

/** See the head of the file. */
export class Lifecycle {
  state: ClientState = 'disconnected';
  reason: CloseReason | undefined;
  /** `disconnect` was called, or it ended by itself: nothing is accepted until it is opened again. */
  isOver = false;
  /** In use, also one that the server assigned. */
  clientId: string;
  readonly #settings: Settings;
  readonly #session: Session;
  readonly #listeners: Listeners<ClientEvents>;
  readonly #log: Log;
  readonly #ended: (error: MqttError) => void;
  readonly #reconnect: ReconnectOptions;
  readonly #certificateSeen: AttemptContext['certificateSeen'];
  readonly #waiting = new Set<Settle<ConnackPacket>>();
  #closed = Promise.withResolvers<CloseReason>();
  #attempting = new AbortController();
  #cancelTimer = (): void => {};
  #current: Established | undefined;
  /** 'connected' was told, and the end of it is not. */
  #isTold = false;
  /** The latest attempt. */
  #latest: AttemptContext | undefined;
  #acceptedAtMs = 0;
  /** Attempts since a connection held. */
  #attempts = 0;
  #hops = 0;
  /** Connections in a row that the server closed before they held. */
  #brief = 0;
  /** Where a server said to go, for the next attempt or for as long as somebody answers there and the client is open. */
  #referred: { url: URL; isForGood: boolean } | undefined;
  /** A session that reconnecting can go on with. */
  #hasSession = false;
  /** A CONNECT since the connection before had no answer; it may still come to the server. */
  #isDoubtful = false;
  /** Settles when what the session opened for the life before is let go. */
  #free: Promise<unknown> = Promise.resolve();
  /** Settles when the wire of the latest connection is gone. */
  #wireGone: Promise<void> | undefined;

  /** `ended`: the client is `disconnected`, and what the session knows nothing of rejects with the error. */
  constructor(
    settings: Settings,
    session: Session,
    listeners: Listeners<ClientEvents>,
    log: Log,
    ended: (error: MqttError) => void,
  ) {
    this.#settings = settings;
    this.#session = session;
    this.#listeners = listeners;
    this.#log = log;
    this.#ended = ended;
    this.#reconnect = settings.reconnect || {};
    this.#certificateSeen = settings.watchCertificates?.(settings, listeners) ?? (() => {});
    this.clientId = settings.connect.clientId;
  }

  /** Settles when the client is `disconnected` and its wire gone. */
  get closed(): Promise<CloseReason> {
    return this.#closed.promise;
  }

  get connack(): ConnackPacket | undefined {
    return this.#current?.connack;
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

  /** What operations reject with once the client is `disconnected`. */
  overError(attempt: string): MqttError {
    const cause = this.reason?.error;
    if (cause === undefined) return new MqttError('closed', `${attempt}: the client was disconnected`);
    return new MqttError(cause.code, `${attempt}: ${cause.message}`, { ...cause, cause });
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
    this.#referred = undefined;
    this.#move('over', reason);
    const failed = this.overError('The operation was not finished');
    const free = Promise.all([this.#free, this.#session.end(failed, error)]);
    this.#ended(failed);
    this.#free = free;
    for (const settle of this.#waiting) settle.reject(asked);
    this.#waiting.clear();
    const { resolve } = this.#closed;
    // A store that never answers is not waited for without end.
    Promise.allSettled([this.#wireGone, this.#bounded(free)]).then(() => resolve(reason));
  }

  /** The connection broke a rule, or code of the application that decides about it failed. */
  #fail(error: Error): void {
    const typed = mqttError(error, 'connection-failed');
    const { reasonCode = UNSPECIFIED_ERROR } = typed;
    // In 3.x a DISCONNECT would say that all is well.
    if (this.#settings.connect.protocolVersion === 5) {
      this.#current?.connection.send({ type: 'disconnect', reasonCode: sayable(reasonCode), properties: {} });
    }
    this.#end('network', typed);
  }

  /** The connection is over; the client goes on where that makes sense. */
  #end(by: CloseReason['by'], error: MqttError): void {
    this.#drop(error);
    this.#retry({ by, error });
    this.#isDoubtful = false;
  }

  /** What the session opens or lets go, within `connectTimeoutMs`. */
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
    const failed = (error: MqttError): void => this.over({ by: 'client', error });
    const opening = this.#free
      .then(() => (signal.aborted ? this.clientId : this.#session.open(this.clientId, signal, failed)))
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
        if (!signal.aborted) failed(error);
      },
    );
  }

  #attempt(signal: AbortSignal): void {
    const isResuming = this.#hasSession || (this.state === 'connecting' && !this.#settings.connect.cleanStart);
    const context: AttemptContext = {
      settings: this.#settings,
      url: this.#referred?.url,
      clientId: this.clientId,
      cleanStart: !isResuming,
      tap: this.#log,
      certificateSeen: this.#certificateSeen,
      isAsked: false,
    };
    this.#latest = context;
    attempt(context, signal).then(
      (established) => {
        if (signal.aborted) established.connection.destroy();
        else this.#accepted(established, isResuming);
      },
      (error: MqttError) => {
        this.#isDoubtful ||= context.isAsked && error.packet === undefined;
        if (signal.aborted) return;
        const by = error.packet === undefined ? 'network' : 'server';
        // The server before may know another one.
        if (by === 'network') this.#referred = undefined;
        this.#retry({ by, error });
      },
    );
  }

  #accepted(established: Established, isResuming: boolean): void {
    const { connection, connack } = established;
    const { environment, connect, pingTimeoutMs } = this.#settings;
    const { properties, sessionPresent } = connack;
    this.#current = established;
    this.clientId = properties.assignedClientIdentifier ?? this.clientId;
    this.#acceptedAtMs = environment.nowMs();
    this.#wireGone = connection.gone;
    const expiry = properties.sessionExpiryInterval ?? connect.properties.sessionExpiryInterval ?? 0;
    const version = connect.protocolVersion;
    this.#hasSession = version === 5 ? expiry > 0 : !connect.cleanStart;
    connection.owner = {
      received: (packet) => {
        if (packet.type === 'disconnect') this.#end('server', disconnectedBy(packet));
        else this.#session.receive(packet);
      },
      drained: () => this.#session.outbox.pump(),
      failed: (error) => this.#fail(error),
      closed: (error) => this.#end('network', lost(error, this.#guess())),
    };
    const dead = (error: MqttError): void => {
      connection.destroy(error);
      this.#end('network', error);
    };
    const keepAlive = properties.serverKeepAlive ?? connect.keepAlive;
    connection.keepAlive = new KeepAlive(environment, keepAlive, pingTimeoutMs, connection, dead);
    if (this.state === 'reconnecting') this.#session.stats.reconnects += 1;
    // MQTT 3.1 has no Session Present: whoever asked for the session has to assume it.
    this.#session.begin(established, sessionPresent || (version === 3 && isResuming), this.#isDoubtful);
    // What was sent may have failed the connection, or a listener have called `disconnect`.
    if (this.#current !== established) return;
    this.#move('accepted', undefined);
    for (const settle of this.#waiting) settle.resolve(connack);
    this.#waiting.clear();
    environment.setTimer(0, () => connection.resume());
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
    if (this.#current === undefined) return;
    const { connection } = this.#current;
    connection.owner = undefined;
    this.#current = undefined;
    connection.keepAlive?.stop();
    connection.close(error);
    if (this.#isHeld) {
      this.#attempts = 0;
      this.#hops = 0;
      this.#brief = 0;
    }
    this.#session.pause(error ?? new MqttError('closed', 'The client was disconnected'));
  }

  /** Another attempt, or the end. */
  #retry(reason: Failure): void {
    const { error } = reason;
    const { environment, connectAttempts, reconnect } = this.#settings;
    const isFirst = this.state === 'connecting';
    const isFollowing = this.#follow(error);
    if (!isFollowing) {
      this.#attempts += 1;
      this.#hops = 0;
    }
    const { attemptsMax = this.#attempts } = this.#reconnect;
    const isLeft = this.#attempts <= (isFirst ? connectAttempts - 1 : attemptsMax);
    const isWanted = isFirst || reconnect !== false;
    if (!isWanted || !(isFollowing || (this.#isMendable(error) && isLeft))) {
      this.over(reason);
      return;
    }
    const delayMs = isFollowing ? 0 : backOffMs(this.#reconnect, this.#attempts, environment);
    this.#attempting = new AbortController();
    const { signal } = this.#attempting;
    this.#cancelTimer = environment.setTimer(delayMs, () => this.#attempt(signal));
    this.#move('failed', reason);
    // A listener may have called `disconnect`.
    if (signal.aborted) return;
    const attempt = this.#attempts;
    this.#log.line('info', `attempt ${attempt} in ${Math.round(delayMs)} ms: ${error.message}`);
    this.#listeners.emit('reconnecting', { attempt, delayMs, error });
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
  #follow(error: MqttError): boolean {
    if (!this.#referred?.isForGood) this.#referred = undefined;
    const url = this.#latest?.url;
    if (!this.#settings.followServerReference || url === undefined || this.#hops >= HOPS_MAX) return false;
    const referred = referredTo(error, url);
    if (referred === undefined) return false;
    this.#referred = referred;
    this.#hops += 1;
    return true;
  }

  #move(move: Move, reason: CloseReason | undefined): void {
    const next = TRANSITIONS[this.state][move];
    if (next === undefined) throw new Error(`a client that is ${this.state} cannot be ${move}`);
    this.reason = reason;
    if (next === this.state) return;
    this.state = next;
    const error = reason?.error;
    if (error === undefined) this.#log.line('info', next);
    else this.#log.line('warn', `${next}: ${error.message}`);
    const wasTold = this.#isTold;
    this.#isTold = false;
    this.#listeners.emit('state', next, reason);
    if (wasTold && reason !== undefined) this.#listeners.emit('disconnected', reason);
    // Not where a listener has disconnected: the end of it is told already.
    if (this.connack === undefined) return;
    this.#isTold = true;
    this.#listeners.emit('connected', this.connack);
  }
}

const UNSPECIFIED_ERROR = 0x80;
const SESSION_TAKEN_OVER = 0x8e;

/** The code as DISCONNECT may say it. */
function sayable(reasonCode: number): number {
  return isReasonCodeAllowed('disconnect', reasonCode, 'client') ? reasonCode : UNSPECIFIED_ERROR;
}
