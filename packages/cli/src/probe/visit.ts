/** One visit to a server: who connects how, what is left to clear, what each check may use. */

import { randomBytes } from 'node:crypto';
import type { ClientWire, DialRequest } from '@dunlin/client';
import {
  type ConnackPacket,
  NO_PROPERTIES,
  type Properties,
  type ProtocolVersion,
  type QoS,
  type Will,
} from '@dunlin/protocol';
import { Conversation, type Onlookers } from './conversation.ts';
import { Obstacle } from './obstacle.ts';

/** What a probe needs of whoever starts it. */
export interface VisitOptions {
  /** Makes a wire. */
  readonly dial: (
    wanted: Pick<DialRequest, 'protocolVersion' | 'maximumPacketSize' | 'signal' | 'timeoutMs'>,
  ) => Promise<ClientWire>;
  readonly username: string | undefined;
  readonly password: Uint8Array | undefined;
  /** Client Identifiers begin with it. */
  readonly clientIdPrefix: string;
  /** Topics begin with it, and a slash. */
  readonly topicPrefix: string;
  /** Of one check, milliseconds. */
  readonly timeoutMs: number;
  /** Bytes. */
  readonly payloadMax: number;
  /** Ends the visit. */
  readonly signal: AbortSignal;
  readonly onlookers: Onlookers;
}

/** How a check connects; what is missing is a clean session of a new identifier. */
export interface Connecting {
  readonly version?: ProtocolVersion;
  readonly clientId?: string;
  readonly cleanStart?: boolean;
  /** Seconds. */
  readonly keepAlive?: number;
  readonly properties?: Properties;
  readonly will?: Will;
}

/** A connection that the server has accepted. */
export interface Connected {
  readonly conversation: Conversation;
  readonly connack: ConnackPacket;
}

/** Room for topic and properties beside the largest payload, bytes. */
const PACKET_OVERHEAD = 256 * 1024;
const KEEP_ALIVE_S = 60;
const CLEANUP_MS = 2000;

/** What one check may use. */
export class Attempt {
  readonly visit: VisitOptions;
  /** The version that is probed, unless a check asks for another. */
  readonly version: ProtocolVersion;
  /** The most that the server states, and at most 1: with it the server answers. */
  readonly qos: QoS;
  /** Of the connection that was made first. */
  readonly connack: ConnackPacket;
  readonly signal: AbortSignal;
  readonly #conversations: Conversation[] = [];
  readonly #cleanups: ((attempt: Attempt) => Promise<void>)[] = [];

  constructor(visit: VisitOptions, version: ProtocolVersion, connack: ConnackPacket, signal: AbortSignal) {
    this.visit = visit;
    this.version = version;
    this.connack = connack;
    this.qos = connack.properties.maximumQoS === 0 ? 0 : 1;
    this.signal = signal;
  }

  /** A topic of this probe alone. */
  topic(name: string): string {
    return `${this.visit.topicPrefix}/${name}`;
  }

  /** A Client Identifier of this probe alone; MQTT 3.1 takes 23 characters. */
  newClientId(): string {
    return `${this.visit.clientIdPrefix}${randomBytes(4).toString('hex')}`;
  }

  /** Opens a connection and says nothing yet. */
  async open(version: ProtocolVersion = this.version): Promise<Conversation> {
    const { dial, timeoutMs, payloadMax, onlookers } = this.visit;
    const maximumPacketSize = payloadMax + PACKET_OVERHEAD;
    const wire = await dial({ protocolVersion: version, maximumPacketSize, signal: this.signal, timeoutMs });
    const conversation = new Conversation(wire, version, maximumPacketSize, this.signal, onlookers);
    this.#conversations.push(conversation);
    return conversation;
  }

  /** Connects. Throws an obstacle where the server refuses. */
  async connect(connecting: Connecting = {}): Promise<Connected> {
    const conversation = await this.open(connecting.version);
    const connack = await conversation.begin(this.connectPacket(conversation.version, connecting));
    return { conversation, connack };
  }

  /** The CONNECT that `connect` sends. */
  connectPacket(version: ProtocolVersion, connecting: Connecting) {
    const { username, password } = this.visit;
    const {
      clientId = this.newClientId(),
      cleanStart = true,
      keepAlive = KEEP_ALIVE_S,
      properties = NO_PROPERTIES,
      will,
    } = connecting;
    const mayPassword = version === 5 || username !== undefined;
    return {
      type: 'connect' as const,
      protocolVersion: version,
      bridge: false,
      clientId,
      cleanStart,
      keepAlive,
      properties: version === 5 ? properties : NO_PROPERTIES,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined || !mayPassword ? {} : { password }),
      ...(will === undefined ? {} : { will }),
    };
  }

  /** What a session that outlives its connection is made with: 60 s, or the flag of the older versions. */
  lasting(clientId: string): Connecting {
    this.#cleanups.push(async (attempt) => {
      const { conversation } = await attempt.connect({ clientId });
      await conversation.leave();
    });
    return { clientId, cleanStart: this.version === 5, properties: { sessionExpiryInterval: 60 } };
  }

  /** To be called before something is retained on the topic. */
  retains(topic: string): void {
    this.#cleanups.push(async (attempt) => {
      const { conversation } = await attempt.connect();
      await conversation.publish(topic, '', { qos: attempt.qos, retain: true });
      await conversation.leave();
    });
  }

  /** Ends all connections and clears what was left; says what could not be cleared. */
  async end(): Promise<string | undefined> {
    await Promise.all(this.#conversations.map((conversation) => conversation.leave()));
    const signal = AbortSignal.timeout(CLEANUP_MS);
    const clearing = new Attempt(this.visit, this.version, this.connack, signal);
    try {
      for (const cleanup of this.#cleanups) await cleanup(clearing);
      return undefined;
    } catch (error) {
      return (error as Error).message;
    } finally {
      await Promise.all(clearing.#conversations.map((conversation) => conversation.leave()));
    }
  }
}

/** The obstacle of a check that took too long. */
export function tooSlow(timeoutMs: number): Obstacle {
  return new Obstacle(`no answer within ${timeoutMs / 1000} s`, undefined);
}
