/** Outgoing publishes: the server's window, the QoS 1 and 2 flows, and what each publish came to (section 4.3). */

import {
  NO_PROPERTIES,
  type PacketIdentifiers,
  type Properties,
  type PublishAckPacket,
  type QoS,
  SenderFlow,
} from '@dunlin/protocol';
import { MqttError, refused } from './errors.ts';
import type { PacketSink, Settle } from './session.ts';

/** A message to publish. The payload must stay as it is until the publish has settled. */
export interface PublishRequest {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly properties: Properties;
}

/** What the server answered to a publish. */
export interface PublishResult {
  /** 0x00, or 0x10 where the server says that nobody subscribes (5.0). Always 0x00 at QoS 0. */
  readonly reasonCode: number;
  /** Of the PUBACK or PUBREC. */
  readonly properties: Properties;
}

/** One publish on its way. */
export interface Outgoing {
  readonly request: PublishRequest;
  readonly settle: Settle<PublishResult>;
  /** 0 while it waits for the window. */
  packetId: number;
  /** Of the PUBREC, which is the answer at QoS 2. */
  result: PublishResult;
}

const SENT: PublishResult = Object.freeze({ reasonCode: 0, properties: NO_PROPERTIES });

/** Keeps the publishes of one session. */
export class Publishing {
  readonly #sink: PacketSink;
  readonly #identifiers: PacketIdentifiers;
  readonly #publishesMax: number;
  readonly #flow = new SenderFlow<Outgoing>(0);
  /** Those above QoS 0 that wait for the window, oldest first. */
  readonly #waiting = new Set<Outgoing>();
  /** Topic Aliases that this connection has introduced. */
  readonly #aliases = new Set<number>();

  constructor(sink: PacketSink, identifiers: PacketIdentifiers, publishesMax: number) {
    this.#sink = sink;
    this.#identifiers = identifiers;
    this.#publishesMax = publishesMax;
  }

  /** Publishes that are not settled. */
  get size(): number {
    return this.#waiting.size + this.#flow.size;
  }

  /** A connection begins: so many may be open at once [MQTT-3.3.4-7]. */
  begin(receiveMaximum: number): void {
    this.#flow.resume(receiveMaximum);
    this.#aliases.clear();
  }

  /**
   * Sends, or lets wait where the window is closed [MQTT-4.9.0-2]; order is kept among those above QoS 0.
   *
   * `settle` hears of a fault at once. At QoS 0 it is the sink's business to tell when the bytes have left.
   */
  publish(request: PublishRequest, settle: Settle<PublishResult>): Outgoing {
    const outgoing: Outgoing = { request, settle, packetId: 0, result: SENT };
    if (request.qos > 0 && this.size >= this.#publishesMax) {
      const message = `Cannot publish to "${request.topic}": ${this.size} publishes wait, which is the limit`;
      settle.reject(new MqttError('queue-full', message));
    } else if (request.qos > 0 && (this.#waiting.size > 0 || !this.#flow.hasQuota())) {
      this.#waiting.add(outgoing);
    } else {
      this.#send(outgoing);
    }
    return outgoing;
  }

  /** Forgets a publish that was not sent. False: it is on its way and goes on. */
  cancel(outgoing: Outgoing): boolean {
    return this.#waiting.delete(outgoing);
  }

  puback(packet: PublishAckPacket): void {
    const outgoing = this.#flow.puback(packet.packetId);
    if (outgoing !== undefined) this.#finish(outgoing, packet);
  }

  /** Answers with PUBREL, or ends the flow where the server refused [MQTT-4.3.3-4]. */
  pubrec(packet: PublishAckPacket): void {
    const { packetId, reasonCode, properties } = packet;
    const outgoing = this.#flow.get(packetId);
    const step = this.#flow.pubrec(packetId, reasonCode);
    if (step === 'release') {
      // A PUBREC that comes again after PUBREL says nothing new, whatever its code.
      if (outgoing !== undefined && reasonCode < REFUSED) outgoing.result = { reasonCode, properties };
      this.#pubrel(packetId, 0);
    } else if (step === 'unknown') {
      if (reasonCode < REFUSED) this.#pubrel(packetId, IDENTIFIER_NOT_FOUND);
    } else if (outgoing !== undefined) {
      this.#finish(outgoing, packet);
    }
  }

  pubcomp(packet: PublishAckPacket): void {
    const outgoing = this.#flow.pubcomp(packet.packetId);
    if (outgoing === undefined) return;
    this.#identifiers.free(outgoing.packetId);
    outgoing.settle.resolve(outgoing.result);
    this.#pump();
  }

  /** The connection is over and nothing will be sent again: every publish fails with the error. */
  end(error: Error): void {
    const open = [...[...this.#flow.entries()].map((entry) => entry.item), ...this.#waiting];
    this.#waiting.clear();
    this.#flow.clear();
    for (const outgoing of open) {
      if (outgoing.packetId !== 0) this.#identifiers.free(outgoing.packetId);
      outgoing.settle.reject(error);
    }
  }

  #send(outgoing: Outgoing): void {
    const { request, settle } = outgoing;
    const packet = { type: 'publish' as const, dup: false, packetId: 0, ...request };
    try {
      this.#checkAlias(request);
      if (request.qos === 0) {
        this.#sink.send(packet);
        this.#learnAlias(request);
        settle.resolve(SENT);
        return;
      }
      outgoing.packetId = this.#identifiers.next();
      packet.packetId = outgoing.packetId;
      this.#sink.send(packet);
    } catch (error) {
      if (outgoing.packetId !== 0) this.#identifiers.free(outgoing.packetId);
      settle.reject(error as Error);
      return;
    }
    this.#learnAlias(request);
    this.#flow.open(outgoing.packetId, request.qos as 1 | 2, outgoing);
  }

  #checkAlias({ topic, properties: { topicAlias } }: PublishRequest): void {
    if (topic !== '' || topicAlias === undefined || this.#aliases.has(topicAlias)) return;
    const message = `Cannot publish with Topic Alias ${topicAlias} alone: it stands for no topic yet (3.3.2.3.4)`;
    throw new MqttError('invalid', message);
  }

  #learnAlias({ topic, properties: { topicAlias } }: PublishRequest): void {
    if (topic !== '' && topicAlias !== undefined) this.#aliases.add(topicAlias);
  }

  #pubrel(packetId: number, reasonCode: number): void {
    this.#sink.send({ type: 'pubrel', packetId, reasonCode, properties: NO_PROPERTIES });
  }

  #finish(outgoing: Outgoing, { reasonCode, properties, ...rest }: PublishAckPacket): void {
    this.#identifiers.free(outgoing.packetId);
    if (reasonCode < REFUSED) outgoing.settle.resolve({ reasonCode, properties });
    else {
      const attempt = `Cannot publish to "${outgoing.request.topic}"`;
      outgoing.settle.reject(refused(attempt, reasonCode, { reasonCode, properties, ...rest }));
    }
    this.#pump();
  }

  #pump(): void {
    for (const outgoing of this.#waiting) {
      if (!this.#flow.hasQuota()) return;
      this.#waiting.delete(outgoing);
      this.#send(outgoing);
    }
  }
}

const REFUSED = 0x80;
const IDENTIFIER_NOT_FOUND = 0x92;
