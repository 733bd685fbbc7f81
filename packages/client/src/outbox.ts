/**
 * Everything that is published: what waits for a connection, for the window or for the wire, and the QoS 1 and 2 flows
 * that are open (sections 4.3, 4.4, 4.9). It outlives connections, and with a store the process.
 *
 * A publish is `waiting`, then at QoS 1 and 2 `sent`, at QoS 2 `released` after PUBREC. With a store the state is
 * durable before the packet that follows from it leaves: 'sent' with the Packet Identifier before PUBLISH, 'released'
 * before PUBREL. So whatever the server may have seen is known after a crash, and a message is never released and
 * published again. Removal is not waited for: what is found again is answered as a repeat.
 *
 * A connection that goes on with the session gets what is open again: PUBREL where PUBREC came, PUBLISH with DUP where
 * it did not, each in its order [MQTT-4.4.0-1, 4.6.0-1, 4.6.0-4]. In a new session QoS 1 is published anew; at QoS 2 a
 * PUBREC has made the message the server's [MQTT-4.3.3-8], and without one nobody knows whether it arrived: that is
 * told, as publishing it again could make two of it.
 *
 * A session that goes on from before this client was opened may hold flows of QoS 2 that nobody here knows: without a
 * store, another process left them. A message that takes the identifier of such a flow would pass for its repeat, and be
 * answered and dropped. So there PUBREL, which ends the flow, goes before the first QoS 2 message of each identifier.
 */

import { assertTopicName, NO_PROPERTIES, type PublishAckPacket } from '@dunlin/protocol';
import type { ClientEvents, ClientStats } from './client-api.ts';
import { type PublishResult, SENT } from './connection.ts';
import type { Environment } from './environment.ts';
import { MqttError, mqttError, refused } from './errors.ts';
import type { Listeners } from './events.ts';
import { bytesOf, type Link, type PublishRequest } from './link.ts';
import type { Settle } from './operation.ts';
import type { OutboxKeeper } from './outbox-keeper.ts';
import type { OutboxRecord } from './outbox-store.ts';
import { REQUESTS_OPEN_MAX } from './requests.ts';
import type { Settings } from './settings.ts';

/** One publish on its way. */
export interface Outgoing extends PublishRequest {
  sequence: number;
  /** As the outbox counts them. */
  readonly bytes: number;
  readonly expiresAtMs: number | undefined;
  packetId: number;
  state: OutboxRecord['state'];
  /** PUBLISH may have left in this session. */
  dup: boolean;
  /** Undefined where an earlier process or life published it. */
  readonly settle: Settle<PublishResult> | undefined;
  /** Of the PUBREC, which is the answer at QoS 2. */
  result: PublishResult;
  /** Where a Topic Alias in its properties means something. */
  readonly aliasOn?: Link | undefined;
}

/** Told of what becomes of publishes. */
export interface OutboxHost {
  readonly stats: ClientStats;
  /** Of 'publishAcknowledged'. */
  readonly listeners: Pick<Listeners<ClientEvents>, 'emit'>;
  /** One less is open. */
  settled(): void;
}

/** The other Packet Identifiers are those of requests. */
export const OPEN_MAX = 65_535 - REQUESTS_OPEN_MAX;
const REFUSED = 0x80;
const IDENTIFIER_NOT_FOUND = 0x92;
/** What waits is looked through for expired messages at most so often. */
const EXPIRY_SWEEP_MS = 1000;

/** See the head of the file. */
export class Outbox {
  /** Where it is kept, while the client is open. */
  keeper: OutboxKeeper | undefined;
  readonly #limits: Settings['outbox'];
  readonly #environment: Environment;
  readonly #nextPacketId: () => number;
  readonly #host: OutboxHost;
  /** Open in the session, by Packet Identifier: in the order of PUBLISH, those released in that of PUBREC. */
  readonly #open: Map<number, Outgoing>;
  /** Sent in the session and not yet on this connection; they go first. */
  readonly #again = new Set<Outgoing>();
  /** Above QoS 0, oldest first. */
  #waiting = new Set<Outgoing>();
  #waiting0 = new Set<Outgoing>();
  /** QoS 0 that leaves once the store has forgotten it: in doubt it is lost and not sent twice [MQTT-4.3.1-1]. */
  readonly #leaving0 = new Set<Outgoing>();
  #link: Link | undefined;
  /** Identifiers that no unknown flow has; undefined where there are none such, or before the first connection. */
  #clear: Set<number> | undefined;
  /** Those of them whose PUBREL has no PUBCOMP yet. */
  readonly #unconfirmed = new Set<number>();
  #isFirst = true;
  #bytes = 0;
  #sequence = 0;
  #cancelSweep: (() => void) | undefined;

  /** `open` is its own, where others see which Packet Identifiers are taken. */
  constructor(settings: Settings, open: Map<number, Outgoing>, nextPacketId: () => number, host: OutboxHost) {
    this.#limits = settings.outbox;
    this.#environment = settings.environment;
    this.#open = open;
    this.#nextPacketId = nextPacketId;
    this.#host = host;
  }

  /** Publishes that are not settled. */
  get size(): number {
    return this.#waiting0.size + this.#leaving0.size + this.#waiting.size + this.#open.size;
  }

  /** True where QoS 0 may go past the outbox. */
  get isPassable(): boolean {
    return this.#link?.isWritable === true && this.#waiting0.size + this.#leaving0.size === 0;
  }

  /** Takes a publish. Throws, and has taken nothing: 'queue-full', or what is wrong with the message. */
  publish(request: PublishRequest, settle: Settle<PublishResult>): Outgoing {
    const { payload, qos, properties } = request;
    const topic = this.#link?.topicOf(request) ?? request.topic;
    const { messageExpiryInterval: expiryS } = properties;
    const outgoing: Outgoing = {
      topic,
      payload,
      qos,
      retain: request.retain,
      properties,
      sequence: ++this.#sequence,
      bytes: bytesOf([topic, payload, Object.values(properties)]),
      expiresAtMs: expiryS === undefined ? undefined : this.#environment.wallClockMs() + expiryS * 1000,
      packetId: 0,
      state: 'waiting',
      dup: false,
      settle,
      result: SENT,
      aliasOn: this.#link,
    };
    const isFirst = qos === 0 ? this.#waiting0.size + this.#leaving0.size === 0 : this.#waiting.size === 0;
    const isNow = isFirst && this.#maySend(outgoing);
    if (!isNow) assertTopicName(topic);
    this.keeper?.check(outgoing);
    this.#makeRoom(outgoing);
    this.#bytes += outgoing.bytes;
    if (isNow) this.#send(outgoing);
    else this.#wait(outgoing);
    return outgoing;
  }

  /** Forgets a publish that was not sent; one that was goes on. */
  cancel(outgoing: Outgoing): void {
    const lists = [this.#waiting, this.#waiting0, this.#leaving0];
    if (lists.some((list) => list.delete(outgoing)) || this.#isUnsent(outgoing)) this.#close(outgoing);
  }

  /** Takes what the store has kept, in its order; what was published meanwhile comes behind it. */
  restore(kept: readonly Outgoing[]): void {
    const local = [...this.#waiting, ...this.#waiting0].sort(bySequence);
    this.#waiting.clear();
    this.#waiting0.clear();
    for (const outgoing of kept) {
      const { bytes, sequence, packetId, state } = outgoing;
      this.#sequence = Math.max(this.#sequence, sequence);
      this.#bytes += bytes;
      if (state === 'waiting') this.#waitingFor(outgoing).add(outgoing);
      else this.#open.set(packetId, outgoing);
      this.#sweepLater(outgoing);
    }
    for (const outgoing of local) {
      outgoing.sequence = ++this.#sequence;
      try {
        this.keeper?.check(outgoing);
        this.#wait(outgoing);
      } catch (error) {
        this.#fail(outgoing, mqttError(error));
      }
    }
  }

  /** A connection: sends what is open and what waits. */
  begin(link: Link, isResumed: boolean): void {
    this.#link = link;
    this.#again.clear();
    const taken = isResumed ? [] : this.#beginAnew();
    this.#clear =
      isResumed && this.keeper === undefined && (this.#isFirst || this.#clear) ? (this.#clear ?? new Set()) : undefined;
    this.#isFirst = false;
    this.#forgetUnconfirmed();
    this.#waiting0 = new Set([...this.#leaving0, ...this.#waiting0]);
    this.#leaving0.clear();
    const released: number[] = [];
    for (const [packetId, outgoing] of this.#open) {
      if (outgoing.state === 'released') released.push(packetId);
      else this.#again.add(outgoing);
    }
    this.#whenKept(() => {
      for (const packetId of released) this.#pubrel(packetId, 0);
      this.pump();
    });
    for (const { topic, result } of taken) this.#host.listeners.emit('publishAcknowledged', topic, result);
  }

  /** The connection is over; all waits for the next one. */
  pause(): void {
    this.#link = undefined;
  }

  /** All is over: every publish fails with the error. A store keeps what is in it. */
  end(error: MqttError): void {
    const lists = [this.#open, this.#waiting, this.#leaving0, this.#waiting0];
    const all = lists.flatMap((list) => [...list.values()]);
    for (const list of [this.#again, ...lists]) list.clear();
    this.#isFirst = true;
    this.#unconfirmed.clear();
    this.#link = undefined;
    this.keeper = undefined;
    this.#cancelSweep?.();
    this.#cancelSweep = undefined;
    for (const { bytes, settle } of all) {
      this.#bytes -= bytes;
      settle?.reject(error);
    }
  }

  puback(packet: PublishAckPacket): void {
    const outgoing = this.#open.get(packet.packetId);
    if (outgoing?.qos === 1) this.#answered(outgoing, packet);
  }

  /** Answers with PUBREL, or ends the flow where the server refused [MQTT-4.3.3-4]. */
  pubrec(packet: PublishAckPacket): void {
    const { packetId, reasonCode, properties } = packet;
    const outgoing = this.#open.get(packetId);
    if (outgoing?.state === 'released') {
      // A PUBREC that comes again after PUBREL says nothing new, whatever its code.
      this.#pubrel(packetId, 0);
    } else if (outgoing?.qos !== 2) {
      if (reasonCode < REFUSED) this.#pubrel(packetId, IDENTIFIER_NOT_FOUND);
    } else if (reasonCode >= REFUSED) this.#answered(outgoing, packet);
    else {
      outgoing.result = { reasonCode, properties };
      outgoing.state = 'released';
      this.#again.delete(outgoing);
      // Behind those whose PUBREC came before.
      this.#open.delete(packetId);
      this.#open.set(packetId, outgoing);
      this.#whenKept(() => this.#pubrel(packetId, 0), outgoing);
    }
  }

  pubcomp({ packetId }: PublishAckPacket): void {
    this.#unconfirmed.delete(packetId);
    const outgoing = this.#open.get(packetId);
    if (outgoing?.state !== 'released') return;
    this.#accepted(outgoing, outgoing.result);
    this.pump();
  }

  /** Sends what may be sent now. */
  pump(): void {
    for (const outgoing of this.#again) {
      if (!this.#hasWindow() || this.#link?.isWritable !== true) break;
      this.#again.delete(outgoing);
      this.#transmit(outgoing);
    }
    for (const waiting of [this.#waiting, this.#waiting0]) {
      for (const outgoing of waiting) {
        if (!this.#maySend(outgoing)) break;
        waiting.delete(outgoing);
        if (this.#isExpired(outgoing)) continue;
        if (outgoing.qos > 0 || this.keeper === undefined) this.#send(outgoing);
        else this.#sendForgotten(outgoing);
      }
    }
  }

  #waitingFor({ qos }: Outgoing): Set<Outgoing> {
    return qos === 0 ? this.#waiting0 : this.#waiting;
  }

  /** Its PUBLISH waits for the store alone. */
  #isUnsent(outgoing: Outgoing): boolean {
    return !outgoing.dup && this.#open.get(outgoing.packetId) === outgoing;
  }

  /** Last in its line. */
  #wait(outgoing: Outgoing): void {
    this.#waitingFor(outgoing).add(outgoing);
    this.keeper?.put(outgoing);
    this.#sweepLater(outgoing);
  }

  /** Each that is open holds one unit of the server's Receive Maximum until it is over [MQTT-4.9.0-1]. */
  #hasWindow(): boolean {
    return this.#open.size - this.#again.size < Math.min(this.#link?.limits.receiveMaximum ?? 0, OPEN_MAX);
  }

  /** What is open goes before what is new. */
  #maySend({ qos }: Outgoing): boolean {
    return this.#link?.isWritable === true && (qos === 0 || (this.#again.size === 0 && this.#hasWindow()));
  }

  /** Whether the server took the message or held it for the repeat of a flow from before is unknown. */
  #forgetUnconfirmed(): void {
    for (const packetId of this.#unconfirmed) {
      const outgoing = this.#open.get(packetId);
      if (outgoing !== undefined) this.#fail(outgoing, unknownOutcome(outgoing.topic));
      this.#clear?.delete(packetId);
    }
    this.#unconfirmed.clear();
  }

  /** The server has no session: identifiers and flows start anew. Returns what it had taken over before. */
  #beginAnew(): Outgoing[] {
    const taken: Outgoing[] = [];
    const anew: Outgoing[] = [];
    for (const outgoing of [...this.#open.values()].sort(bySequence)) {
      const { qos, state, dup, result, topic, packetId } = outgoing;
      if (state === 'released') {
        this.#settleAccepted(outgoing, result);
        taken.push(outgoing);
      } else if (qos === 2 && dup) {
        this.#fail(outgoing, unknownOutcome(topic));
      } else {
        this.#open.delete(packetId);
        Object.assign(outgoing, { state: 'waiting', packetId: 0, dup: false });
        anew.push(outgoing);
        this.keeper?.put(outgoing);
      }
    }
    this.#waiting = new Set([...anew, ...this.#waiting]);
    return taken;
  }

  /** QoS 0 that the store has had. Where the connection is over first, it waits for the next one here alone. */
  #sendForgotten(outgoing: Outgoing): void {
    this.#leaving0.add(outgoing);
    this.keeper?.remove(outgoing.sequence);
    this.#whenKept(() => {
      if (this.#leaving0.delete(outgoing)) this.#send(outgoing);
    });
  }

  #send(outgoing: Outgoing): void {
    if (outgoing.qos === 0) return void this.#transmit(outgoing);
    outgoing.packetId = this.#nextPacketId();
    outgoing.state = 'sent';
    this.#open.set(outgoing.packetId, outgoing);
    const { packetId } = outgoing;
    if (outgoing.qos === 2 && this.#clear?.has(packetId) === false) {
      this.#clear.add(packetId);
      this.#unconfirmed.add(packetId);
      this.#pubrel(packetId, 0);
    }
    this.#whenKept(() => {
      if (this.#isUnsent(outgoing)) this.#transmit(outgoing);
    }, outgoing);
  }

  /** PUBLISH leaves. What cannot be sent fails. */
  #transmit(outgoing: Outgoing): void {
    const link = this.#link;
    if (link === undefined) return;
    try {
      link.publish(this.#asOf(outgoing, link), outgoing.packetId, outgoing.dup);
      this.#host.stats.sent += 1;
      outgoing.dup = true;
    } catch (error) {
      this.#fail(outgoing, mqttError(error));
      return;
    }
    if (outgoing.qos > 0) return;
    const { settle } = outgoing;
    if (settle !== undefined) link.left().then(settle.resolve, settle.reject);
    this.#close(outgoing);
  }

  /**
   * The message as it is sent on `link`: with what is left of its Message Expiry Interval, whole seconds and at least 1
   * (a 0 might be taken for none), and without the application's Topic Alias where that was for another connection.
   */
  #asOf(outgoing: Outgoing, link: Link): PublishRequest {
    const { expiresAtMs, properties, aliasOn } = outgoing;
    const changed = { ...properties };
    if (properties.topicAlias !== undefined && aliasOn !== link) delete changed.topicAlias;
    else if (expiresAtMs === undefined) return outgoing;
    if (expiresAtMs !== undefined) {
      const leftS = Math.ceil((expiresAtMs - this.#environment.wallClockMs()) / 1000);
      changed.messageExpiryInterval = Math.min(properties.messageExpiryInterval ?? 0, Math.max(1, leftS));
    }
    return { ...outgoing, properties: changed };
  }

  #pubrel(packetId: number, reasonCode: number): void {
    this.#link?.send({ type: 'pubrel', packetId, reasonCode, properties: NO_PROPERTIES });
  }

  #answered(outgoing: Outgoing, packet: PublishAckPacket): void {
    const { reasonCode, properties } = packet;
    if (reasonCode < REFUSED) this.#accepted(outgoing, { reasonCode, properties });
    else this.#fail(outgoing, refused(`Cannot publish to "${outgoing.topic}"`, reasonCode, packet));
    this.pump();
  }

  /** Told last: who listens may end the client. */
  #accepted(outgoing: Outgoing, result: PublishResult): void {
    this.#settleAccepted(outgoing, result);
    this.#host.listeners.emit('publishAcknowledged', outgoing.topic, result);
  }

  #settleAccepted(outgoing: Outgoing, result: PublishResult): void {
    this.#host.stats.acknowledged += 1;
    outgoing.settle?.resolve(result);
    this.#close(outgoing);
  }

  #fail(outgoing: Outgoing, error: MqttError): void {
    outgoing.settle?.reject(error);
    this.#close(outgoing);
  }

  /** It is settled and in no list any more. */
  #close(outgoing: Outgoing): void {
    const { bytes, packetId, sequence } = outgoing;
    this.#again.delete(outgoing);
    this.#open.delete(packetId);
    this.#bytes -= bytes;
    this.keeper?.remove(sequence);
    this.#host.settled();
  }

  #makeRoom({ topic, bytes }: Outgoing): void {
    const { messagesMax, bytesMax, onFull } = this.#limits;
    while (this.size >= messagesMax || this.#bytes + bytes > bytesMax) {
      const [oldest] = [...first(this.#waiting), ...first(this.#waiting0)].sort(bySequence);
      this.#host.stats.refused += 1;
      if (onFull === 'reject' || oldest === undefined || bytes > bytesMax) throw this.#full(topic);
      this.#waitingFor(oldest).delete(oldest);
      this.#fail(oldest, this.#full(oldest.topic));
    }
  }

  #full(topic: string): MqttError {
    const { messagesMax, bytesMax } = this.#limits;
    const found = `${this.size} publishes wait with ${this.#bytes} bytes`;
    const message = `Cannot publish to "${topic}": ${found}, at most ${messagesMax} with ${bytesMax} may`;
    return new MqttError('queue-full', message);
  }

  /** Fails a publish that waited too long. */
  #isExpired(outgoing: Outgoing): boolean {
    if (outgoing.expiresAtMs === undefined || outgoing.expiresAtMs > this.#environment.wallClockMs()) return false;
    this.#host.stats.expired += 1;
    const message = `Cannot publish to "${outgoing.topic}": its Message Expiry Interval is over`;
    this.#fail(outgoing, new MqttError('expired', message));
    return true;
  }

  #sweepLater({ expiresAtMs }: Outgoing): void {
    if (expiresAtMs === undefined || this.#cancelSweep !== undefined) return;
    this.#cancelSweep = this.#environment.setTimer(EXPIRY_SWEEP_MS, () => {
      this.#cancelSweep = undefined;
      for (const waiting of [this.#waiting, this.#waiting0])
        for (const outgoing of waiting) {
          if (this.#isExpired(outgoing)) waiting.delete(outgoing);
          else this.#sweepLater(outgoing);
        }
    });
  }

  /** Runs when the state of `outgoing`, or all before, is durable; at once without a store. Not once the link is over. */
  #whenKept(run: () => void, outgoing?: Outgoing): void {
    const link = this.#link;
    const runHere = (): void => {
      if (this.#link === link) run();
    };
    if (this.keeper === undefined) run();
    else if (outgoing === undefined) this.keeper.after(runHere);
    else this.keeper.put(outgoing, runHere);
  }
}

function unknownOutcome(topic: string): MqttError {
  const found = 'the session was lost, whether the server took the message is unknown';
  return new MqttError('session-lost', `Cannot publish to "${topic}": ${found}`);
}

function first<Value>(set: Set<Value>): Value[] {
  for (const value of set) return [value];
  return [];
}

function bySequence(a: Outgoing, b: Outgoing): number {
  return a.sequence - b.sequence;
}
