/**
 * A Connection: one Network Connection of one client. Bytes in, packets to the stories, packets out; why it closed.
 *
 * It reads a chunk, handles every packet in it, and marks itself to be flushed at the end of the turn. Answers that
 * wait for a commit stand in one list, so that they leave in the order of what they answer. Where a step has to wait
 * (the Authenticator, another broker), decoding stops, the rest of the chunk is kept, and goes on afterwards.
 */
import {
  type ConnectPacket,
  type DecodeOptions,
  decodePacket,
  encodeWithin,
  FrameReader,
  MqttError,
  PACKET_BYTES_MAXIMUM,
  type Packet,
  type ProtocolVersion,
  ReasonCode,
  reasonCodeName,
  type TopicAliasReceiver,
  type TopicAliasSender,
} from '@dunlin/protocol';
import type { Wire, WireHandler } from '@dunlin/transport';
import {
  ACKNOWLEDGEMENT_BYTES_MAX,
  type Answer,
  AnswerLine,
  type AnswerSink,
  acknowledgement,
  writeAcknowledgement,
} from './answer-line.ts';
import { type AuthenticationProgress, receiveAuth } from './authentication.ts';
import type { Broker } from './broker.ts';
import { checkFirstByte, receiveFirstPacket } from './connect.ts';
import { type HeldDeliveries, sendPublish } from './delivery.ts';
import { connectionEnded, failConnection, receiveDisconnect } from './disconnect.ts';
import type { Message } from './message.ts';
import { Outbox } from './outbox.ts';
import type { Policy } from './policy.ts';
import type { Awaitable, Principal } from './ports.ts';
import { receivePublish, receivePubrel } from './publish.ts';
import type { Session } from './session.ts';
import { receiveSubscribe, receiveUnsubscribe } from './subscribe.ts';
import type { Topic } from './topics.ts';

/** Packets handled between two looks at the clock, and how long one chunk may hold up all others. */
const PACKETS_A_LOOK = 16;
const CHUNK_SLICE_MS = 10;
/** What a client may say while it is found out who it is; more is left unread, and so is that it hangs up. */
const AHEAD_BYTES_MAX = 16 * 1024;
/** A packet that is not whole counts as large from here on. */
const HALF_READ_LARGE_BYTES = 64 * 1024;
const PINGRESP = Uint8Array.of(0xd0, 0x00);

export type ConnectionState = 'new' | 'connecting' | 'open' | 'closed';

export class Connection implements WireHandler, AnswerSink {
  readonly broker: Broker;
  readonly wire: Wire;
  readonly policy: Policy;
  readonly #reader: FrameReader;
  readonly outbox: Outbox;
  state: ConnectionState = 'new';
  protocolVersion: ProtocolVersion = 4;
  /** A CONNECT was read far enough to say so. */
  isVersionKnown = false;
  session: Session | undefined = undefined;
  principal: Principal | undefined = undefined;
  /** Of `ConnectionCounts`. */
  countedIdentity: string | undefined = undefined;
  /** Of `Reviews`. */
  reviewsSeen = 0;
  /** An exchange of AUTH packets that is under way. */
  authentication: AuthenticationProgress | undefined = undefined;
  authenticationMethod: string | undefined = undefined;
  /** Kept where an Authentication Method was named, for authenticating again. */
  connectPacket: ConnectPacket | undefined = undefined;
  /** The bridge mark of Mosquitto: no echo, retain as published. */
  isBridge = false;
  /** Milliseconds without a packet after which the client counts as gone; 0 for never. */
  keepAliveMs = 0;
  /** Steady clock. */
  readonly openedAtMs: number;
  /** Of the wheel that sees to connect time-out and keep alive. */
  deadlineMs = 0;
  /** Steady clock at the last byte. */
  receivedAtMs: number;
  /** A keep alive sweep has found it late once; it is enforced the next time, after the socket was polled. */
  isLate = false;
  /** Largest packet the client takes. */
  maximumPacketSize = PACKET_BYTES_MAXIMUM;
  /** QoS 1 and 2 messages on their way to the client at once. */
  sendMaximum = 65_535;
  wantsProblemInformation = true;
  /** QoS 1 and 2 messages that came on this connection and are not finished, for Receive Maximum. */
  unfinishedPublishes = 0;
  aliasesIn: TopicAliasReceiver<Topic> | undefined = undefined;
  aliasesOut: TopicAliasSender | undefined = undefined;
  /** What follows a SUBACK that has not left, or CONNACK. */
  held: HeldDeliveries | undefined = undefined;
  /** The topic of the last PUBLISH: publishers repeat themselves. */
  lastTopic: Topic | undefined = undefined;
  /** Bytes received since the last pressure sweep. */
  recentBytes = 0;
  /** Read one chunk now and then only. */
  isThrottled = false;
  isDirty = false;
  #line: AnswerLine | undefined = undefined;
  #isSuspended = false;
  /** Aborted when the client hangs up meanwhile. */
  #waiting: AbortController | undefined = undefined;
  /** Memory of a packet that is not whole yet. */
  #halfReadBytes = 0;
  #peerEnded = false;

  constructor(broker: Broker, wire: Wire, policy: Policy) {
    this.broker = broker;
    this.wire = wire;
    this.policy = policy;
    const { connectPacketBytesMax, maximumPacketSize } = broker.limits;
    this.#reader = new FrameReader(Math.min(connectPacketBytesMax, maximumPacketSize));
    this.outbox = new Outbox(wire, broker.pool);
    this.openedAtMs = broker.steadyMs;
    this.receivedAtMs = broker.steadyMs;
  }

  /** CONNACK with success has left: other packets may follow. */
  get isGreeted(): boolean {
    return this.session?.connection === this;
  }
  get clientId(): string {
    return this.session?.clientId ?? '';
  }
  get isClosed(): boolean {
    return this.state === 'closed';
  }
  get unsentBytes(): number {
    return this.outbox.unsentBytes;
  }
  /** Whether a delivery may be written: the client reads fast enough. */
  get hasRoom(): boolean {
    const { outboxBytesMax } = this.broker.limits;
    if (this.held !== undefined && this.held.bytes >= outboxBytesMax) return false;
    return !this.outbox.isBlocked || this.outbox.unsentBytes < outboxBytesMax;
  }
  get decodeOptions(): DecodeOptions {
    return { strictText: this.broker.settings.strictText };
  }

  /** CONNECT is accepted: larger packets may come. */
  admitPackets(maximumPacketSize: number): void {
    this.#reader.maximumPacketSize = maximumPacketSize;
    this.#reader.maximumControlSize = this.broker.limits.controlPacketBytesMax;
    this.wire.admitted?.();
  }

  received(chunk: Buffer): void {
    if (this.state === 'closed') return;
    const broker = this.broker;
    broker.beginTurn();
    broker.metrics.bytesReceived += chunk.length;
    this.recentBytes += chunk.length;
    this.receivedAtMs = broker.steadyMs;
    this.isLate = false;
    try {
      // Whoever speaks another protocol is told at once, not after the length that its bytes happen to claim.
      if (this.state === 'new' && this.#reader.heldBytes === 0) checkFirstByte(chunk[0]);
      this.#reader.push(chunk);
      this.#handlePackets();
    } catch (error) {
      failConnection(this, error);
    }
    if (this.isThrottled) this.wire.pause();
    else if (this.outbox.isBlocked) broker.pressure.check(this);
  }

  #handlePackets(): void {
    const reader = this.#reader;
    let handled = 0;
    let pauseAtMs = Number.POSITIVE_INFINITY;
    while (!this.#isSuspended && this.state !== 'closed' && reader.next()) {
      this.#handle(reader);
      handled += 1;
      if (handled % PACKETS_A_LOOK !== 0) continue;
      const nowMs = this.broker.clockMs();
      if (handled === PACKETS_A_LOOK) pauseAtMs = nowMs + CHUNK_SLICE_MS;
      else if (nowMs >= pauseAtMs) this.#goOnLater();
    }
    if (this.#isSuspended) reader.hold();
    if (this.#isSuspended && reader.heldBytes > AHEAD_BYTES_MAX) this.wire.pause();
    this.#countHalfRead(reader.heldBytes);
  }

  #handle(reader: FrameReader): void {
    this.broker.metrics.packetsReceived += 1;
    const bytes = asBuffer(reader.bytes);
    const { start, bodyStart, end } = reader;
    if (this.state === 'open') {
      const type = bytes[start] >> 4;
      if (type === 3) {
        receivePublish(this, bytes, reader);
        return;
      }
      // PUBACK to PUBCOMP in their two-byte form, with the flags they must have.
      if (type >= 4 && type <= 7 && end - bodyStart === 2 && (bytes[start] & 0x0f) === (type === 6 ? 2 : 0)) {
        const packetId = (bytes[bodyStart] << 8) | bytes[bodyStart + 1];
        if (packetId !== 0) {
          this.#handleAcknowledgement(type, packetId, 0);
          return;
        }
      }
      this.#handlePacket(
        decodePacket(this.protocolVersion, 'server', bytes, start, bodyStart, end, this.decodeOptions),
      );
      return;
    }
    receiveFirstPacket(this, bytes, start, bodyStart, end);
  }

  #handlePacket(packet: Packet): void {
    if (packet.type === 'subscribe') receiveSubscribe(this, packet);
    else if (packet.type === 'unsubscribe') receiveUnsubscribe(this, packet);
    else if (packet.type === 'pingreq') this.#pong();
    else if (packet.type === 'puback') this.#handleAcknowledgement(4, packet.packetId, packet.reasonCode);
    else if (packet.type === 'pubrec') this.#handleAcknowledgement(5, packet.packetId, packet.reasonCode);
    else if (packet.type === 'pubrel') this.#handleAcknowledgement(6, packet.packetId, packet.reasonCode);
    else if (packet.type === 'pubcomp') this.#handleAcknowledgement(7, packet.packetId, packet.reasonCode);
    else if (packet.type === 'disconnect') receiveDisconnect(this, packet);
    else if (packet.type === 'auth') receiveAuth(this, packet);
    else
      throw new MqttError(
        'protocol-error',
        0x82,
        `Cannot handle ${packet.type.toUpperCase()}: a client must not send it here [MQTT-3.1.0-2]`,
      );
  }

  #handleAcknowledgement(type: number, packetId: number, reasonCode: number): void {
    const session = this.session as Session;
    if (type === 4) session.puback(packetId);
    else if (type === 7) session.pubcomp(packetId);
    else if (type === 6) receivePubrel(this, packetId);
    else {
      const answer = session.pubrec(packetId, reasonCode);
      if (answer !== undefined) this.acknowledge(0x62, packetId, answer.reasonCode, answer.ticket);
    }
  }

  /** Its packets are costly: others have their turn before the rest of the chunk. */
  #goOnLater(): void {
    this.#isSuspended = true;
    this.wire.pause();
    this.broker.metrics.chunksPaused += 1;
    this.broker.endOfTurn(() => this.#goOn(() => undefined));
  }

  /** Memory for packets that are not whole counts as held; where it runs short, whoever sends a large one must go. */
  #countHalfRead(bytes: number): void {
    if (bytes === this.#halfReadBytes || this.state === 'closed') return;
    const { pressure } = this.broker;
    pressure.add(bytes - this.#halfReadBytes);
    this.#halfReadBytes = bytes;
    if (bytes >= HALF_READ_LARGE_BYTES && pressure.isExhausted)
      throw new MqttError(
        'quota-exceeded',
        ReasonCode.quotaExceeded,
        'Cannot hold more of the packet: memory is short',
      );
  }

  /** Runs `then` with the value when it is there, and decodes nothing until then; reads on to abort `gone` at a hang-up. */
  whenSettled<T>(value: Awaitable<T>, then: (value: T) => void, gone?: AbortController): void {
    if (!(value instanceof Promise)) {
      then(value);
      return;
    }
    this.#isSuspended = true;
    this.#waiting = gone;
    if (gone === undefined) this.wire.pause();
    value.then(
      (settled) => this.#goOn(() => then(settled)),
      (error: unknown) => this.#goOn(() => failConnection(this, error)),
    );
  }

  #goOn(step: () => void): void {
    this.#isSuspended = false;
    this.#waiting = undefined;
    if (this.state === 'closed') return;
    this.broker.beginTurn();
    this.receivedAtMs = this.broker.steadyMs;
    try {
      step();
      this.#handlePackets();
    } catch (error) {
      failConnection(this, error);
    }
    if (this.#isSuspended || (this.state as ConnectionState) === 'closed') return;
    if (this.#peerEnded) this.ended();
    else if (!this.isThrottled) this.wire.resume();
  }

  /** Whether decoding waits for a step of the server: what the client says meanwhile is not heard. */
  get isSuspended(): boolean {
    return this.#isSuspended;
  }

  /** Reads at full speed again. */
  resumeReading(): void {
    if (!this.#isSuspended && this.state !== 'closed') this.wire.resume();
  }

  /** The client sends no more: after what it sent was handled, the connection is over. */
  ended(): void {
    this.#peerEnded = true;
    this.#waiting?.abort();
    if (this.#isSuspended || this.state === 'closed') return;
    this.broker.beginTurn();
    connectionEnded(this, 'network', undefined, 'the client closed the connection');
  }

  drained(): void {
    if (this.state === 'closed') return;
    this.broker.beginTurn();
    this.outbox.drained();
    this.session?.pump();
    this.broker.pressure.relieved(this);
  }

  closed(error: Error | undefined): void {
    this.outbox.drop();
    if (this.state === 'closed') return;
    if (error === undefined && this.#waiting !== undefined) {
      this.ended();
      return;
    }
    this.broker.beginTurn();
    const reason = error?.message ?? 'the network connection ended';
    // What a transport finds wrong has a code, such as EPROTO of a text frame.
    const { code: check } = (error ?? {}) as { readonly code?: string };
    connectionEnded(this, 'network', undefined, reason, check === undefined ? {} : { check });
  }

  /** Sends at QoS 0, or drops where the client takes no packet of the size. False: it reads too slowly for that. */
  sendQoS0(message: Message, retain: boolean, identifiers: readonly number[]): boolean {
    if ((this.outbox.isBlocked || this.held !== undefined) && !this.hasRoom) {
      this.broker.metrics.messagesDroppedSlow += 1;
      return false;
    }
    const header = 0x30 | (retain ? 1 : 0);
    if (this.held !== undefined) this.held.add(message, header, identifiers);
    else sendPublish(this, message, 0, header, identifiers, true);
    return true;
  }

  /** Sends at QoS 1 or 2. Returns false where the client takes no packet of the size: it counts as delivered. */
  sendAcknowledged(
    message: Message,
    qos: 1 | 2,
    packetId: number,
    retain: boolean,
    dup: boolean,
    identifiers: readonly number[],
  ): boolean {
    return sendPublish(
      this,
      message,
      packetId,
      0x30 | (qos << 1) | (retain ? 1 : 0) | (dup ? 8 : 0),
      identifiers,
      qos === 1 && !dup,
    );
  }

  /** Sends PUBREL on a resumed session [MQTT-4.4.0-1]: out of line, before the PUBLISHes that are sent again. */
  sendPubrel(packetId: number): void {
    this.write(acknowledgement(0x62, packetId, 0));
  }

  /** Sends PUBACK, PUBREC, PUBREL or PUBCOMP (`header` is its first byte) in line, when `ticket` is durable. */
  acknowledge(header: number, packetId: number, reasonCode: number, ticket: number, then?: () => void): void {
    this.answer(acknowledgement(header, packetId, this.protocolVersion === 5 ? reasonCode : 0), ticket, then);
  }

  /** PUBACK or PUBREC with a failure: 5.0 clients are told why, 3.x clients get the ordinary one [MQTT311-3.3.5-2]. */
  answerRefusal(header: number, packetId: number, reasonCode: number, ticket: number): void {
    this.answer(this.#refusal(header, packetId, reasonCode), ticket);
  }

  #refusal(header: number, packetId: number, reasonCode: number): Uint8Array | number | undefined {
    if (this.protocolVersion !== 5) return acknowledgement(header, packetId, 0);
    const type = header === 0x40 ? 'puback' : 'pubrec';
    return this.encode({ type, packetId, reasonCode, properties: { reasonString: reasonCodeName(reasonCode) } });
  }

  /** Sends a packet in line, when `ticket` is durable (0: nothing to wait for); then calls `then`. */
  answer(packet: Uint8Array | number | undefined, ticket: number, then?: () => void): void {
    if (this.#isNext(ticket)) {
      if (packet !== undefined) this.write(packet);
      then?.();
      return;
    }
    this.reserveAnswer(packet, ticket, then);
    this.#line?.send();
  }

  /** Whether an answer may leave at once. */
  #isNext(ticket: number): boolean {
    return (this.#line === undefined || this.#line.isEmpty) && (ticket === 0 || this.broker.commits.isDurable(ticket));
  }

  /** Takes a place in line for an answer that is not known yet; `settleAnswer` fills it. */
  reserveAnswer(packet: Uint8Array | number | undefined, ticket: number, then?: () => void): Answer {
    this.#line ??= new AnswerLine(this, this.broker.commits);
    return this.#line.add(packet, ticket, then);
  }

  /** Fills a place in line with PUBACK or PUBREC of a message that was taken. */
  settleAnswer(answer: Answer, header: number, packetId: number, reasonCode: number, ticket: number): void {
    answer.packet = acknowledgement(header, packetId, this.protocolVersion === 5 ? reasonCode : 0);
    answer.ticket = ticket;
    this.#line?.send();
  }

  /** Runs `then` when the promise settles, if the connection still lives; decoding goes on meanwhile. */
  whenAnswered<T>(value: Promise<T>, then: (value: T) => void): void {
    const step = (run: () => void) => {
      if (this.state === 'closed') return;
      this.broker.beginTurn();
      try {
        run();
      } catch (error) {
        failConnection(this, error);
      }
    };
    value.then(
      (settled) => step(() => then(settled)),
      (error: unknown) => step(() => failConnection(this, error)),
    );
  }

  /** PINGRESP waits for nothing but CONNACK [MQTT-3.2.0-1]. */
  #pong(): void {
    if (this.isGreeted) this.write(PINGRESP);
    else this.answer(PINGRESP, 0);
  }

  /** A packet for the client within its limits: Reason String and User Properties go first. Undefined: it cannot be sent. */
  encode(packet: Packet): Uint8Array | undefined {
    return encodeWithin(packet, this.protocolVersion, this.maximumPacketSize, !this.wantsProblemInformation);
  }

  /** Sends a packet now, out of line. */
  send(packet: Packet): void {
    const bytes = this.encode(packet);
    if (bytes !== undefined) this.write(bytes);
  }

  /** Sends the bytes of a packet, or an acknowledgement, now, out of line. */
  write(packet: Uint8Array | number): void {
    if (!this.isDirty) this.broker.touch(this);
    const { outbox } = this;
    if (typeof packet !== 'number') outbox.append(packet);
    else {
      const buffer = outbox.reserve(ACKNOWLEDGEMENT_BYTES_MAX);
      outbox.length = writeAcknowledgement(buffer, outbox.length, packet);
    }
    this.broker.metrics.packetsSent += 1;
  }

  /** End of the turn: what was written leaves. */
  flush(): void {
    this.isDirty = false;
    this.outbox.flush();
  }

  /** The wire is about to close: what was written leaves first. */
  finish(): void {
    this.isDirty = false;
    this.outbox.finish();
  }

  /** Everything that keeps memory alive goes. */
  release(): void {
    this.#waiting?.abort();
    this.broker.pressure.add(-this.#halfReadBytes);
    this.#halfReadBytes = 0;
    this.#line = undefined;
    this.held = undefined;
    this.aliasesIn = undefined;
    this.aliasesOut = undefined;
    this.lastTopic = undefined;
  }
}

/** Chunks come as Buffers; what the reader had to assemble does not. */
function asBuffer(bytes: Uint8Array): Buffer {
  return bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
