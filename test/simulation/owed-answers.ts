/** The answers that a broker owes on one connection: each in its turn, when its writes are durable, with the right Reason Codes. */
import type { Write } from '@dunlin/broker';
import type { DisconnectPacket, Packet, PublishPacket } from '@dunlin/protocol';
import { sameNumbers } from './expectation.ts';
import type { BrokerJudge } from './invariants.ts';
import type { Change } from './journal.ts';
import { raisesMark } from './mark-raise.ts';
import type { Observed, ObservedConnection } from './observed.ts';
import type { OracleSession } from './oracle-session.ts';
import { endsReplay } from './replay-end.ts';

/** An answer the broker owes. */
interface Answer {
  readonly type: Packet['type'];
  readonly packetId: number;
  /** 5.0 Reason Codes; undefined where any success will do. */
  readonly reasonCodes: readonly number[] | undefined;
  /** Must be committed before it leaves. */
  readonly writes: readonly Write[];
  /** What its packet has changed, which is certain when it has left. */
  readonly change: Change;
  readonly then?: () => void;
}

export type AnswerPacket = Exclude<
  Packet,
  PublishPacket | DisconnectPacket | { type: 'connect' | 'pingreq' | 'pingresp' | 'auth' | 'subscribe' | 'unsubscribe' }
>;

/** The writes that each answer waits for. */
const AWAITED: Readonly<Record<string, readonly Write['op'][]>> = {
  connack: ['putSession', 'deleteSession', 'putWill', 'deleteWill'],
  puback: ['enqueue', 'putRetained', 'deleteRetained'],
  pubrec: ['enqueue', 'putRetained', 'deleteRetained', 'putReceived'],
  pubrel: ['release'],
  pubcomp: ['deleteReceived'],
  suback: ['putSubscription'],
  unsuback: ['deleteSubscription'],
};

export class OwedAnswers {
  readonly #connection: ObservedConnection;
  readonly #world: Observed;
  readonly #judge: BrokerJudge;
  readonly #answers: Answer[] = [];
  #pings = 0;
  /** PUBRELs that a resumed session owes. */
  readonly #releases = new Set<number>();

  constructor(connection: ObservedConnection, world: Observed) {
    this.#connection = connection;
    this.#world = world;
    this.#judge = world.judge;
  }

  /** What has not left, for people. */
  get texts(): string[] {
    return this.#answers.map(({ type, packetId }) => `${type.toUpperCase()} ${packetId}`);
  }

  owe(answer: Answer): void {
    this.#answers.push(answer);
  }

  owePingresp(): void {
    this.#pings += 1;
  }

  /** The session goes on: what had PUBREC gets PUBREL. */
  oweReleases({ inflight }: OracleSession): void {
    for (const [packetId, one] of inflight) if (one.state === 'received') this.#releases.add(packetId);
  }

  sentPingresp(): void {
    this.#pings -= 1;
    this.#judge.check(
      this.#pings >= 0,
      'answers-in-order',
      () => `${this.#connection.label}: PINGRESP nobody asked for`,
    );
  }

  /** An answer leaves. Returns whether it is the one that was owed first. */
  sent(packet: AnswerPacket): boolean {
    const packetId = packet.type === 'connack' ? 0 : packet.packetId;
    if (packet.type === 'pubrel' && this.#releases.delete(packetId)) return false;
    // Who comes while it stops is sent away.
    if (packet.type === 'connack' && packet.reasonCode !== 0 && this.#world.isStopping) return false;
    // A will for which there is no memory.
    if (packet.type === 'connack' && packet.reasonCode !== 0 && this.#connection.connect?.will !== undefined) {
      if (this.#world.isMemoryShort) return false;
    }
    const owed = this.#answers[0];
    const text = `${packet.type.toUpperCase()} ${packetId}`;
    if (owed === undefined || owed.type !== packet.type || owed.packetId !== packetId) {
      this.#judge.broken(
        'answers-in-order',
        `${this.#connection.label}: ${text} where ${owed === undefined ? 'nothing' : `${owed.type.toUpperCase()} ${owed.packetId}`} was due`,
      );
      return false;
    }
    this.#answers.shift();
    const awaited = AWAITED[packet.type];
    const missing = owed.writes.find(
      (write, index) =>
        awaited.includes(write.op) &&
        !endsReplay(write, owed.writes.slice(0, index)) &&
        !raisesMark(write, owed.writes.slice(0, index)) &&
        !this.#world.isCommitted(write),
    );
    this.#judge.check(
      missing === undefined,
      'durable-first',
      () => `${this.#connection.label}: ${text} leaves before its "${missing?.op}" is committed`,
    );
    this.#checkReasonCodes(packet, owed);
    owed.change.isAcknowledged = true;
    owed.then?.();
    return true;
  }

  #checkReasonCodes(packet: Packet, owed: Answer): void {
    if (owed.reasonCodes === undefined) return;
    const sent = 'reasonCodes' in packet ? packet.reasonCodes : 'reasonCode' in packet ? [packet.reasonCode] : [];
    let due = owed.reasonCodes;
    if (this.#connection.version !== 5) {
      if (packet.type === 'connack') due = due[0] === 0 ? [0] : sent[0] > 0 ? sent : [1];
      else if (packet.type === 'suback')
        due = due.map((code, index) => (code < 0x80 ? code : this.#connection.version === 3 ? sent[index] : 0x80));
      else due = packet.type === 'unsuback' ? [] : [0];
    }
    this.#judge.check(
      sameNumbers(sent, due),
      'answers-in-order',
      () =>
        `${this.#connection.label}: ${packet.type.toUpperCase()} ${owed.packetId} with [${sent}] where [${due}] is right`,
    );
  }
}
