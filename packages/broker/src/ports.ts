/**
 * The ports of the broker: everything it needs from the outside world, each with a sentence that every adapter keeps.
 * The broker touches no socket, disk, clock or dice except through these. `contract/` holds the test suites.
 */
import type { ConnectPacket, QoS } from '@dunlin/protocol';
import type { Peer } from '@dunlin/transport';
import type { Message } from './message.ts';

/** A value now, or a promise of it: a step waits only where something has to be waited for. */
export type Awaitable<T> = T | Promise<T>;

export interface Timer {
  cancel(): void;
}

/** Time, and the end of the present turn of the event loop. */
export interface Clock {
  /** Wall clock in milliseconds since 1970, for what outlives the process. May jump. */
  nowMs(): number;
  /** Milliseconds since any point, never set back or forward: for keep alive, time-outs and slices of work. */
  steadyMs(): number;
  /** Calls `run` after at least `delayMs`, until cancelled every `delayMs` again. Never keeps a process alive. */
  every(delayMs: number, run: () => void): Timer;
  /** Calls `run` once, when every packet that has arrived in this turn was handled. */
  endOfTurn(run: () => void): void;
}

export interface Random {
  /** At least 96 bits that nobody can guess, in letters and digits, for Assigned Client Identifiers. */
  identifier(): string;
}

/** A session as the Store remembers it. Keys hold `number`, which the broker gives and never gives again. */
export interface SessionRecord {
  readonly number: number;
  readonly clientId: string;
  /** Whose it is, where the Authenticator said a name. */
  readonly username: string | undefined;
  /** Whom it is bound to, as `Principal.identity` names it; undefined where nobody was asked who they are. */
  readonly identity: string | undefined;
  /** Seconds; 0xFFFFFFFF never expires; 0 only where a stored session was taken up to end with its connection. */
  readonly sessionExpiryInterval: number;
  /** Wall clock at which the session ends; 0 while a client is connected, Infinity when it never ends. */
  readonly expiresAtMs: number;
  /** Queue position: an entry at or below it may have been sent, one above it never was; see `SentMark`. */
  readonly sentUpTo: number;
}

export interface SubscriptionRecord {
  readonly filter: string;
  readonly qos: QoS;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  readonly retainHandling: 0 | 1 | 2;
  /** 0: none. */
  readonly identifier: number;
  /** While not all retained messages due to it were sent: the sequence up to which they are; else undefined. */
  readonly replayUpTo: number | undefined;
}

/** One entry of a session's queue. Positions of a session only rise; the Packet Identifier follows from the position. */
export interface QueuedRecord {
  readonly position: number;
  readonly message: Message;
  readonly qos: 1 | 2;
  /** RETAIN as it will be sent. */
  readonly retain: boolean;
  readonly identifiers: readonly number[];
  /** Taken through a shared subscription: its filter with `$share`, for handing it over; else undefined. */
  readonly share: string | undefined;
}

/** One change of durable state. A batch holds those of one turn, in order. */
export type Write =
  | { readonly op: 'putSession'; readonly session: SessionRecord }
  /** With its subscriptions, queue, received identifiers and will. */
  | { readonly op: 'deleteSession'; readonly session: number }
  | { readonly op: 'putSubscription'; readonly session: number; readonly subscription: SubscriptionRecord }
  | { readonly op: 'deleteSubscription'; readonly session: number; readonly filter: string }
  | { readonly op: 'enqueue'; readonly session: number; readonly entry: QueuedRecord }
  /** The delivery is over. Written once for each entry that was enqueued, with the message as it was enqueued or read. */
  | { readonly op: 'dequeue'; readonly session: number; readonly entry: QueuedRecord }
  /** PUBREC came: from here on only PUBREL is sent again. */
  | { readonly op: 'release'; readonly session: number; readonly entry: QueuedRecord }
  /** The identifier of a QoS 2 PUBLISH whose PUBREL has not come. */
  | { readonly op: 'putReceived'; readonly session: number; readonly packetId: number }
  | { readonly op: 'deleteReceived'; readonly session: number; readonly packetId: number }
  /** `former`: what the topic had before, as it was put. */
  | { readonly op: 'putRetained'; readonly retained: Retained; readonly former: Retained | undefined }
  /** The topic has none any longer. `retained`: what it had, as it was put. */
  | { readonly op: 'deleteRetained'; readonly retained: Retained }
  | { readonly op: 'putWill'; readonly session: number; readonly will: WillRecord }
  | { readonly op: 'deleteWill'; readonly session: number };

/** A retained message. */
export interface Retained {
  readonly message: Message;
  /** Rises with every message that is put, of whatever topic, so that a replay knows what came after it began. */
  readonly sequence: number;
}

export interface WillRecord {
  readonly message: Message;
  /** Seconds between the end of the connection and publication. */
  readonly delayInterval: number;
  /** Seconds from publication to expiry; undefined for never. */
  readonly messageExpiryInterval: number | undefined;
  /** Wall clock at which it is published; 0 while the client is connected. */
  readonly dueAtMs: number;
  /** Who left it, as `will-owner.ts` writes it; undefined where that is not known. */
  readonly owner: string | undefined;
}

/** A queue entry read back, with how far its delivery had come. */
export interface StoredEntry extends QueuedRecord {
  readonly released: boolean;
}

/** What a queue holds, without its entries: known at start however long it is. */
export interface QueueSummary {
  readonly messages: number;
  /** Sum of their `heldBytes`. */
  readonly bytes: number;
  /** Those that came through a shared subscription. */
  readonly shares: number;
  /** No entry has a higher position; 0 where there never was one. */
  readonly lastPosition: number;
}

export interface StoredSession {
  readonly record: SessionRecord;
  readonly subscriptions: readonly SubscriptionRecord[];
  readonly received: readonly number[];
  readonly will: WillRecord | undefined;
  readonly queue: QueueSummary;
}

/** What a Store has, in short. */
export interface StoreContents {
  /** The highest number of any session that it has something of, be it about to be removed; 0 for none. */
  readonly lastSession: number;
  readonly retained: RetainedSummary;
}

/** What there is of retained messages: known at start, however many they are. */
export interface RetainedSummary {
  readonly messages: number;
  /** Sum of their `retainedBytes`. */
  readonly bytes: number;
  /** No retained message has a higher sequence; 0 where there never was one. */
  readonly lastSequence: number;
}

/** Goes along the retained messages whose topics match a filter, while others are put and deleted. */
export interface RetainedCursor {
  readonly isDone: boolean;
  /**
   * The next one, as it is committed now; undefined where none was found among the `looksMax` topics that it may look
   * at. What stays as it is comes once; what is put, replaced or deleted meanwhile comes once at the most.
   */
  next(looksMax: number): Retained | undefined;
  /** Nobody asks for a while: it keeps its place, and no messages in memory that the store has elsewhere. */
  pause(): void;
}

/** Reads retained messages at once: what was committed last. Each method throws where that cannot be read. */
export interface RetainedReader {
  get(topic: string): Retained | undefined;
  /** `filter` is well formed and not shared. No order is promised. */
  cursor(filter: string): RetainedCursor;
  /** Topics of up to `limit` messages that have expired, until they are deleted. */
  expired(nowMs: number, limit: number): readonly string[];
}

/** Durable state, with one write method. A crash leaves a prefix of the batches, each whole or not at all. */
export interface Store {
  /** Whether what it keeps takes memory of this process, and is therefore counted as held by it. */
  readonly inMemory: boolean;
  /**
   * Returns undefined where every write of the batch already survives what this store promises to survive, else a
   * promise that resolves then. Never called again before it has settled. A rejection is fatal for the broker.
   */
  commit(batch: readonly Write[]): Awaitable<void>;
  /** Bytes that may still be written before what it stands on is full; Infinity where that cannot be. */
  freeBytes(): Awaitable<number>;
  /** What there is to be taken up, asked once, at start. */
  contents(): Awaitable<StoreContents>;
  /** Every session, once, at start. */
  sessions(): AsyncIterable<StoredSession>;
  /** Up to `limit` entries of one queue with positions above `after`, in order. */
  queue(session: number, after: number, limit: number): Awaitable<readonly StoredEntry[]>;
  readonly retained: RetainedReader;
  close(): Promise<void>;
}

/** Joins brokers. Two threads and two machines are joined in the same way. */
export interface Bus {
  /**
   * Hands a message to every broker with an interest, the own one included. Returns, or resolves, when the message
   * can no longer be lost (QoS 0: at once): false only where it is certain that nobody was interested. The message's
   * bytes may be reused when the call returns: a bus that needs them longer calls `message.own()` first.
   */
  publish(message: Message): Awaitable<boolean>;
  /**
   * Sets who takes the messages of this broker's interest; true where somebody wanted it. Where that is a promise,
   * `publish` waits for it, and rejects as it does.
   */
  receive(distribute: (message: Message) => Awaitable<boolean>): void;
  /** Interest in a filter (without `$share/<group>/`), told for each subscription; ends with as many `unsubscribe`. */
  subscribe(filter: string): void;
  unsubscribe(filter: string): void;
}

/** Says which broker owns a session. */
export interface Directory {
  /** Returns, or resolves, when the former owner (another broker) has let go. */
  claim(clientId: string): Awaitable<void>;
  /** The session has ended or moved. */
  release(clientId: string): void;
}

/** Who a connection is, as the Authenticator found. */
export interface Principal {
  /** As rules and events name it, once checked; undefined where there is none, or nobody has checked it. */
  readonly username: string | undefined;
  /**
   * Whom sessions are bound to: who comes with another identity may not take one up. Names what proved it as well, since
   * two authorities may both know an "ada". Undefined where nobody is asked who they are: then nothing is bound.
   */
  readonly identity: string | undefined;
  /** Facts for rules, such as `{ partnerId: '…' }`. */
  readonly attributes: Readonly<Record<string, string>>;
  /** Groups and roles, for rules. */
  readonly groups: readonly string[];
  /** The certificate that counted, where one did. */
  readonly certificate: CertificateFacts | undefined;
  /** Wall clock at which the credential ends and the connection with it; Infinity for never. */
  readonly expiresAtMs: number;
  /** What the credential itself says the client may do, in a form that the Authorizer knows; undefined for nothing. */
  readonly claims: unknown;
}

/** What rules and revocation ask of a client certificate that was found good. */
export interface CertificateFacts {
  /** The name that the configuration gives to the authority which issued it. */
  readonly authority: string;
  /** In upper-case hexadecimal, whole octets without those of zeros in front, unique within its authority. */
  readonly serial: string;
  /** The subject's last Common Name; undefined where it has none. */
  readonly commonName: string | undefined;
}

/** What an Authenticator sees of a CONNECT or of a later AUTH. */
export interface AuthenticationRequest {
  readonly peer: Peer;
  /** Name of the listener the connection came through. */
  readonly listener: string;
  /** With the Client Identifier that the session will have. */
  readonly connect: ConnectPacket;
  /** Authentication Data of this step, of CONNECT first, then of each AUTH. The Authenticator may keep it. */
  readonly data: Uint8Array | undefined;
  /** What the `challenge` answer of the step before carried; undefined on the first. */
  readonly state: unknown;
  /** The principal when this is a re-authentication (section 4.12.1). */
  readonly current: Principal | undefined;
  /** Aborted when the client has hung up: nobody waits for the answer, and what is not begun for it can be left out. */
  readonly gone: AbortSignal;
}

/** Why a client is not let in, or may not stay. */
export interface Refusal {
  readonly kind: 'refuse';
  /** One of CONNACK's, as of 5.0; 3.x clients get the nearest they know. */
  readonly reasonCode: number;
  /** The check that failed, in a word or a few joined by `-`, such as `password` or `certificate-revoked`: for events. */
  readonly check: string;
  /** More for the event, which only operators see; holds no secret. */
  readonly detail?: string;
  /** Sent to a 5.0 client as Reason String; says nothing that helps to guess. */
  readonly reason?: string;
}

export type AuthenticationResult =
  | { readonly kind: 'accept'; readonly principal: Principal; readonly data?: Uint8Array }
  /** Only where CONNECT named an Authentication Method: sent as AUTH 0x18. */
  | { readonly kind: 'challenge'; readonly data: Uint8Array | undefined; readonly state: unknown }
  | Refusal;

/** Asked who a client is. May answer later; may challenge where CONNECT named an Authentication Method. */
export interface Authenticator {
  /** Whether it handles the Authentication Method; others get 0x8C [MQTT-4.12.0-1]. */
  supports(method: string): boolean;
  authenticate(request: AuthenticationRequest): Awaitable<AuthenticationResult>;
  /**
   * Whether one who was let in may stay, asked by `Broker.reviewConnections` after something changed (a user was
   * disabled, a certificate revoked). Without it everybody stays.
   */
  review?(principal: Principal, clientId: string): Refusal | undefined;
}

/** What one session may do, compiled once; synchronous because it stands on the data path. */
export interface Permissions {
  /** 0x00, or the Reason Code of the refusal (0x87 in general). */
  mayPublish(topic: string, qos: QoS, retain: boolean): number;
  /** The same for a Will Message, at CONNECT and when it is sent. */
  mayLeaveWill(topic: string, qos: QoS, retain: boolean): number;
  /** The QoS to grant at most (0, 1, 2), or the Reason Code of the refusal. `filter` is without `$share/<group>/`. */
  maySubscribe(filter: string, qos: QoS): number;
  /** Whether all that the filter matches may be received, so that `mayReceive` need not be asked for it. */
  mayReceiveAll(filter: string): boolean;
  /** Asked for each message to a subscription of which `mayReceiveAll` is false. */
  mayReceive(topic: string): boolean;
  /** Names the rule that decided, for the event of a denial. */
  explain(action: PermittedAction, name: string, qos: QoS, retain: boolean): string;
}

export type PermittedAction = 'publish' | 'will' | 'subscribe' | 'receive';

/** Asked what a client may do. */
export interface Authorizer {
  /** `undefined` permits everything, which costs nothing on the data path. Asked again by `Broker.reviewPermissions`. */
  permissions(clientId: string, principal: Principal): Permissions | undefined;
}
