/** Follows the packets of one device on its connections, and holds them against the rules for clients. */
import { decodePacket, FrameReader, type Packet, type ProtocolVersion, type PublishPacket } from '@dunlin/protocol';
import type { ClientJudge } from './invariants.ts';
import type { Ledger } from './ledger.ts';

/** The session as the device has to see it; it outlives connections. */
export class SessionWatch {
  readonly device: string;
  /** Open in the session, by Packet Identifier, in the order in which they were sent. */
  readonly publishes = new Map<
    number,
    { readonly id: string; readonly order: number; isReceived: boolean; isReleased: boolean }
  >();
  /** What a packet may have an identifier for besides. */
  readonly requests = new Map<number, Packet>();
  order = 0;

  constructor(device: string) {
    this.device = device;
  }

  /** The server begins a new session, or the client forgets the one that was. */
  clear(): void {
    this.publishes.clear();
    this.requests.clear();
  }
}

export interface WatchContext {
  readonly version: ProtocolVersion;
  readonly label: string;
  readonly process: number;
  readonly session: SessionWatch;
  readonly ledger: Ledger;
  readonly judge: ClientJudge;
  readonly said: (direction: '▶' | '◀', packet: Packet) => void;
  /** CONNACK came. */
  readonly accepted: (isPresent: boolean) => void;
  /** Undefined without a store. What it holds for certain, by the id of the message. */
  readonly keptState: ((id: string) => string | undefined) | undefined;
}

const PACKET_BYTES_MAX = 268_435_460;

/** The first word of a payload names the message. */
export function idOf(payload: Uint8Array): string {
  return Buffer.from(payload).toString('latin1').split(' ', 1)[0];
}

export class WireWatch {
  readonly #context: WatchContext;
  readonly #out = new FrameReader(PACKET_BYTES_MAX);
  readonly #in = new FrameReader(PACKET_BYTES_MAX);
  /** Identifiers whose answers are owed, in order, by type of the answer. */
  readonly #owed: Record<'puback' | 'pubrec' | 'pubcomp' | 'pubrel', number[]> = {
    puback: [],
    pubrec: [],
    pubcomp: [],
    pubrel: [],
  };
  /** Messages of QoS 1 and 2 sent on this connection and not finished. */
  readonly #window = new Set<number>();
  #receiveMaximum = 65_535;
  #latestOrder = 0;

  constructor(context: WatchContext) {
    this.#context = context;
  }

  written(bytes: Uint8Array): void {
    this.#read(this.#out, 'server', bytes, (packet) => this.#left(packet));
  }

  received(bytes: Uint8Array): void {
    this.#read(this.#in, 'client', bytes, (packet) => this.#came(packet));
  }

  #read(reader: FrameReader, side: 'client' | 'server', bytes: Uint8Array, take: (packet: Packet) => void): void {
    reader.push(Buffer.from(bytes));
    while (reader.next()) {
      const { bytes, start, bodyStart, end } = reader;
      const packet = decodePacket(this.#context.version, side, bytes, start, bodyStart, end);
      this.#context.said(side === 'server' ? '▶' : '◀', packet);
      take(packet);
    }
  }

  #left(packet: Packet): void {
    const { session, ledger, judge } = this.#context;
    switch (packet.type) {
      case 'connect':
        if (packet.cleanStart) session.clear();
        break;
      case 'publish':
        this.#publish(packet);
        break;
      case 'subscribe':
      case 'unsubscribe':
        this.#checkFree(packet.packetId, `${packet.type} takes`);
        session.requests.set(packet.packetId, packet);
        // Until SUBACK nobody knows which QoS the session has.
        for (const filter of filtersOf(packet)) ledger.revoked(session.device, filter);
        break;
      case 'puback':
      case 'pubrec':
      case 'pubcomp':
        this.#answer(packet.type, packet.packetId);
        break;
      case 'pubrel':
        if (packet.reasonCode === 0) this.#pubrel(packet.packetId);
        break;
      case 'disconnect':
        judge.check(
          packet.reasonCode === 0,
          'good-behaviour',
          () => `${this.#context.label} sends code ${packet.reasonCode}`,
        );
        break;
    }
  }

  #publish({ qos, dup, packetId, payload }: PublishPacket): void {
    const { session, ledger, judge, process, label, keptState } = this.#context;
    const id = idOf(payload);
    ledger.sent(id, process);
    if (qos === 0) return;
    const known = session.publishes.get(packetId);
    if (known === undefined) {
      this.#checkFree(packetId, `${id} takes`);
      // Questions and answers may well be alike.
      const other = ledger.messages.has(id) ? [...session.publishes].find(([, one]) => one.id === id) : undefined;
      judge.check(other === undefined, 'resend', () => `${label} sends ${id} as ${packetId}, before as ${other?.[0]}`);
      session.publishes.set(packetId, {
        id,
        order: dup ? this.#latestOrder : ++session.order,
        isReceived: false,
        isReleased: false,
      });
    } else {
      const { order } = known;
      judge.check(
        known.id === id,
        'packet-identifiers',
        () => `${label} sends ${id} as ${packetId}, which ${known.id} has`,
      );
      judge.check(
        dup && !this.#window.has(packetId),
        'resend',
        () => `${label} sends ${id} again${dup ? ' on one connection' : ' without DUP'}`,
      );
      judge.check(order >= this.#latestOrder, 'resend', () => `${label} sends ${id} again out of its order`);
      judge.check(!known.isReleased, 'resend', () => `${label} sends ${id} again behind PUBREL`);
      this.#latestOrder = order;
    }
    this.#open(packetId);
    const state = keptState?.(id);
    judge.check(
      keptState === undefined || state === 'sent',
      'durability',
      () => `${id} leaves and is kept as ${state}`,
    );
  }

  #pubrel(packetId: number): void {
    const { session, judge, label, keptState } = this.#context;
    const known = session.publishes.get(packetId);
    if (known === undefined) return;
    if (!known.isReceived) judge.broken('acknowledgements-in-order', `${label} sends PUBREL ${packetId} before PUBREC`);
    known.isReleased = true;
    this.#answer('pubrel', packetId);
    this.#open(packetId);
    const state = keptState?.(known.id);
    judge.check(
      keptState === undefined || state === 'released',
      'durability',
      () => `PUBREL of ${known.id} leaves and it is kept as ${state}`,
    );
  }

  #open(packetId: number): void {
    this.#window.add(packetId);
    this.#context.judge.check(
      this.#window.size <= this.#receiveMaximum,
      'receive-maximum',
      () => `${this.#context.label} has ${this.#window.size} open, ${this.#receiveMaximum} may be`,
    );
  }

  #answer(type: 'puback' | 'pubrec' | 'pubcomp' | 'pubrel', packetId: number): void {
    const owed = this.#owed[type];
    const at = owed.indexOf(packetId);
    // PUBREL of a connection before is sent again without PUBREC on this one.
    if (type === 'pubrel' && at < 0) return;
    this.#context.judge.check(
      at === 0,
      'acknowledgements-in-order',
      () => `${this.#context.label}: ${type} ${packetId}, owed are ${owed}`,
    );
    owed.splice(at, 1);
  }

  #checkFree(packetId: number, what: string): void {
    const { session, judge, label } = this.#context;
    judge.check(
      !session.requests.has(packetId) && !session.publishes.has(packetId),
      'packet-identifiers',
      () => `${label}: ${what} ${packetId}, which is in use`,
    );
  }

  #came(packet: Packet): void {
    const { session, judge, label } = this.#context;
    switch (packet.type) {
      case 'connack':
        this.#context.accepted(packet.sessionPresent);
        this.#receiveMaximum = packet.properties.receiveMaximum ?? 65_535;
        session.requests.clear();
        if (!packet.sessionPresent && this.#context.version > 3) session.clear();
        break;
      case 'publish':
        if (packet.qos > 0) this.#owed[packet.qos === 1 ? 'puback' : 'pubrec'].push(packet.packetId);
        break;
      case 'pubrel':
        this.#owed.pubcomp.push(packet.packetId);
        break;
      case 'puback':
      case 'pubcomp':
        this.#finished(packet.packetId);
        break;
      case 'pubrec':
        this.#pubrec(packet.packetId, packet.reasonCode);
        break;
      case 'suback':
      case 'unsuback':
        this.#requestAnswered(packet);
        break;
      case 'disconnect':
        judge.check(
          ALLOWED_CODES.includes(packet.reasonCode),
          'good-behaviour',
          () => `the server sends ${label} away with ${packet.reasonCode} ${packet.properties.reasonString ?? ''}`,
        );
        break;
    }
  }

  #pubrec(packetId: number, reasonCode: number): void {
    if (reasonCode >= 0x80) {
      this.#finished(packetId);
      return;
    }
    const known = this.#context.session.publishes.get(packetId);
    if (known === undefined) return;
    known.isReceived = true;
    if (!this.#owed.pubrel.includes(packetId)) this.#owed.pubrel.push(packetId);
  }

  #finished(packetId: number): void {
    this.#context.session.publishes.delete(packetId);
    this.#window.delete(packetId);
  }

  #requestAnswered(packet: Extract<Packet, { type: 'suback' | 'unsuback' }>): void {
    const { session, ledger } = this.#context;
    const request = session.requests.get(packet.packetId);
    session.requests.delete(packet.packetId);
    if (request?.type !== 'subscribe') return;
    const ending = [...session.requests.values()].flatMap((one) => (one.type === 'unsubscribe' ? one.filters : []));
    for (const [index, { filter }] of request.subscriptions.entries())
      if (!ending.includes(filter) && packet.reasonCodes[index] < 0x80)
        ledger.granted(session.device, filter, packet.reasonCodes[index]);
  }
}

function filtersOf(packet: Extract<Packet, { type: 'subscribe' | 'unsubscribe' }>): readonly string[] {
  return packet.type === 'unsubscribe' ? packet.filters : packet.subscriptions.map(({ filter }) => filter);
}

/** What a server may say to a client that did nothing wrong: shutting down, keep alive, taken over, administrative, load. */
const ALLOWED_CODES: readonly number[] = [0x00, 0x8b, 0x8d, 0x8e, 0x98, 0x89];
