/**
 * Fuzzes whole connections: damaged bytes and random sequences of packets go into a Broker, one connection after the
 * other, in virtual time. The one connection goes on or closes with a right code; no exception escapes; a client beside
 * it notices nothing; and afterwards nothing is held.
 */
import { Broker, type BrokerEvent } from '@dunlin/broker';
import {
  decodePacket,
  encodePacket,
  FrameReader,
  isReasonCodeAllowed,
  MqttError,
  NO_PROPERTIES,
  type Packet,
  type ProtocolVersion,
} from '@dunlin/protocol';
import { Link, type LinkWatcher } from '../simulation/network.ts';
import { SeededRandom } from '../simulation-harness/seeded-random.ts';
import { VirtualTime } from '../simulation-harness/virtual-time.ts';
import { CORPUS } from './corpus.ts';
import type { Finding } from './decoder-target.ts';
import { mutate, withRemainingLength } from './mutator.ts';

const REST_MS = 15_000;
const BYSTANDER = 'bystander';
const BYSTANDER_TOPIC = 'bystander/own';
const LIMITS = {
  sessionExpiryMaxS: 2,
  retainedMessagesMax: 50,
  queueMessagesMax: 100,
  maximumPacketSize: 65_536,
  receiveMaximum: 10,
  topicCacheBytesMax: 65_536,
  connectTimeoutMs: 2000,
  keepAliveMaxS: 4,
  heldBytesMax: 1_000_000,
} as const;
const TO_SERVER = CORPUS.filter(({ receiver }) => receiver === 'server');

/** Runs `count` connections of a seed through one broker; resolves with the first that goes wrong. */
export async function fuzzConnections(seed: number, count: number): Promise<Finding | undefined> {
  const world = new FuzzWorld(seed);
  await world.start();
  for (let number = 0; number < count; number++) {
    await world.runOne();
    if (number % 50 === 49 || number === count - 1) await world.rest();
    if (world.wrong !== undefined)
      return { target: 'connection', seed, number, what: world.wrong, bytes: world.sent.toString('hex') };
  }
  return undefined;
}

class FuzzWorld implements LinkWatcher {
  readonly #random: SeededRandom;
  readonly #time: VirtualTime;
  readonly #broker: Broker;
  readonly #bystander: Bystander;
  #links = 0;
  #attacker: Attacker | undefined;
  wrong: string | undefined = undefined;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
    this.#time = new VirtualTime(this.#random.fork());
    const identifiers = this.#random.fork();
    this.#broker = new Broker({
      clock: this.#time,
      random: { identifier: () => String(identifiers.below(1e9)) },
      limits: LIMITS,
      settings: { sysIntervalS: 1, strictText: this.#random.chance(0.7) },
    });
    this.#broker.onEvent((event) => this.#heard(event));
    this.#bystander = new Bystander((text) => this.#fail(text));
  }

  get sent(): Buffer {
    return this.#attacker?.bytes ?? Buffer.alloc(0);
  }

  #fail(text: string): void {
    this.wrong ??= text;
  }

  async start(): Promise<void> {
    await this.#broker.start();
    this.#bystander.connect(this.#dial());
    this.#time.every(300, () => this.#bystander.publish());
    await this.#pass(1000);
  }

  #dial(): Link {
    this.#links += 1;
    const options = { latencyMs: this.#random.pick([0, 3]), capacityBytes: 65_536, isSplit: this.#random.chance(0.3) };
    const link = new Link(this.#links, this.#time, this.#random.fork(), options, this);
    this.#broker.attach(link.server, { name: 'fuzz' });
    return link;
  }

  received(link: Link, chunk: Buffer): void {
    if (this.#attacker?.link === link) this.#attacker.delivered += chunk.length;
  }

  handled(): void {}

  written(link: Link, bytes: Buffer): void {
    if (this.#attacker?.link === link) this.#attacker.written(Buffer.from(bytes));
  }

  #heard(event: BrokerEvent): void {
    if (event.name === 'internalError' || event.name === 'storeFailed') this.#fail(`${event.name}: ${event.error}`);
    if (event.name === 'clientDisconnected' && event.clientId === BYSTANDER)
      this.#fail(`the client beside it was disconnected: ${event.reasonCode} ${event.reason}`);
  }

  async #pass(durationMs: number): Promise<void> {
    try {
      await this.#time.pass(durationMs, () => this.wrong !== undefined);
    } catch (error) {
      this.#fail(`an exception escaped: ${(error as Error).stack}`);
    }
  }

  async runOne(): Promise<void> {
    const attacker = new Attacker(this.#dial(), this.#random, (text) => this.#fail(text));
    this.#attacker = attacker;
    attacker.attack();
    await this.#pass(this.#random.between(20, 400));
    attacker.check([...this.#broker.connections].some(({ wire }) => wire === attacker.link.server));
    attacker.leave();
    await this.#pass(30);
  }

  /** Lets every deadline pass: of all that came only the client beside it may be left. */
  async rest(): Promise<void> {
    await this.#pass(REST_MS);
    if (this.wrong !== undefined) return;
    const broker = this.#broker;
    const left: Record<string, [number, number]> = {
      connections: [broker.connections.size, 1],
      sessions: [broker.sessionsById.size, 1],
      subscriptions: [broker.router.size, 1],
      'bytes held': [broker.pressure.heldBytes, 0],
      'bytes in outboxes': [broker.pool.waitingBytes, 0],
    };
    for (const [what, [count, right]] of Object.entries(left))
      if (count !== right) this.#fail(`${count} ${what} are left where ${right} is right`);
    if (broker.retained.count > LIMITS.retainedMessagesMax)
      this.#fail(`${broker.retained.count} messages are retained`);
    if (broker.topics.bytes > 2 * LIMITS.topicCacheBytesMax)
      this.#fail(`the table of topics holds ${broker.topics.bytes} bytes`);
    this.#bystander.check();
  }
}

/** A client of good manners that publishes to itself at QoS 1 and gets all of it, in order. */
class Bystander {
  readonly #fail: (text: string) => void;
  readonly #reader = new FrameReader(268_435_460);
  #link: Link | undefined;
  #said = 0;
  #heard = 0;
  #answered = 0;

  constructor(fail: (text: string) => void) {
    this.#fail = fail;
  }

  connect(link: Link): void {
    this.#link = link;
    link.client.open({
      received: (chunk) => this.#received(chunk),
      ended: () => this.#fail('the connection beside it was closed'),
      drained: () => {},
      closed: () => this.#fail('the connection beside it broke'),
    });
    this.#send({
      type: 'connect',
      protocolVersion: 5,
      bridge: false,
      clientId: BYSTANDER,
      cleanStart: true,
      keepAlive: 0,
      properties: {},
    });
    this.#send({
      type: 'subscribe',
      packetId: 1,
      properties: NO_PROPERTIES,
      subscriptions: [{ filter: BYSTANDER_TOPIC, qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 2 }],
    });
  }

  publish(): void {
    this.#said += 1;
    const payload = Buffer.from(String(this.#said));
    this.#send({
      type: 'publish',
      dup: false,
      qos: 1,
      retain: false,
      topic: BYSTANDER_TOPIC,
      packetId: 2,
      properties: {},
      payload,
    });
  }

  check(): void {
    if (this.#heard < this.#said - 1 || this.#answered < this.#said - 1)
      this.#fail(`the client beside it said ${this.#said}, got ${this.#heard} back and ${this.#answered} answered`);
  }

  #send(packet: Packet): void {
    this.#link?.client.write(Buffer.from(encodePacket(packet, 5)));
  }

  #received(chunk: Uint8Array): void {
    this.#reader.push(chunk);
    while (this.#reader.next()) {
      const { bytes, start, bodyStart, end } = this.#reader;
      const packet = decodePacket(5, 'client', bytes, start, bodyStart, end);
      if (packet.type === 'puback') this.#answered += 1;
      if (packet.type !== 'publish') continue;
      const text = Buffer.from(packet.payload).toString();
      // Others may publish to its topic: what is not a number in order is theirs.
      if (text === String(this.#heard + 1)) this.#heard += 1;
      if (packet.qos === 1)
        this.#send({ type: 'puback', packetId: packet.packetId, reasonCode: 0, properties: NO_PROPERTIES });
    }
  }
}

/** The connection under attack: what it sends, what came back. */
class Attacker {
  readonly link: Link;
  readonly #random: SeededRandom;
  readonly #fail: (text: string) => void;
  readonly #version: ProtocolVersion;
  readonly #reader = new FrameReader(268_435_460);
  readonly #answers: Packet[] = [];
  bytes: Buffer = Buffer.alloc(0);
  /** Bytes that the broker has received. */
  delivered = 0;

  constructor(link: Link, random: SeededRandom, fail: (text: string) => void) {
    this.link = link;
    this.#random = random;
    this.#fail = fail;
    this.#version = random.pick([3, 4, 5, 5] as const);
  }

  attack(): void {
    this.link.client.open({
      received: () => {},
      ended: () => this.link.client.close(),
      drained: () => {},
      closed: () => {},
    });
    const pieces: Buffer[] = [this.#connect()];
    for (let count = this.#random.below(12); count > 0; count--) pieces.push(this.#packet());
    this.bytes = Buffer.concat(pieces);
    for (const piece of pieces) this.link.client.write(piece);
    if (this.#random.chance(0.2)) this.link.client.end();
  }

  #connect(): Buffer {
    const random = this.#random;
    const properties =
      this.#version === 5
        ? {
            sessionExpiryInterval: random.pick([0, 1, 100, 0xffffffff]),
            receiveMaximum: random.pick([1, 3, 65_535]),
            topicAliasMaximum: random.pick([0, 2, 65_535]),
            maximumPacketSize: random.pick([30, 200, 268_435_455]),
          }
        : {};
    const will = random.chance(0.3)
      ? {
          topic: random.pick(['w', 'a/b', 'a']),
          payload: Buffer.from('gone'),
          qos: 1 as const,
          retain: random.chance(0.5),
          properties: {},
        }
      : undefined;
    const bytes = Buffer.from(
      encodePacket(
        {
          type: 'connect',
          protocolVersion: this.#version,
          bridge: this.#version !== 5 && random.chance(0.05),
          clientId: random.pick(['x', 'y', 'fuzzer']),
          cleanStart: random.chance(0.5),
          keepAlive: random.pick([0, 1, 60]),
          properties,
          ...(will === undefined ? {} : { will }),
        },
        this.#version,
      ),
    );
    if (random.chance(0.15)) return mutate(random, bytes, TO_SERVER);
    if (random.chance(0.05)) return random.pick(TO_SERVER).bytes;
    return bytes;
  }

  #packet(): Buffer {
    const random = this.#random;
    const fitting = TO_SERVER.filter(({ version }) => version === this.#version);
    const seedling = random.pick(random.chance(0.9) ? fitting : CORPUS);
    if (random.chance(0.4)) return this.#valid();
    if (random.chance(0.3)) return seedling.bytes;
    const mutated = mutate(random, seedling.bytes, TO_SERVER);
    return random.chance(0.6) ? withRemainingLength(mutated) : mutated;
  }

  /** A packet without fault, though not always where it belongs. */
  #valid(): Buffer {
    const random = this.#random;
    const packetId = random.between(1, 4);
    const topic = random.pick(['a', 'a/b', 'b', BYSTANDER_TOPIC, '$SYS/x', 'long/'.repeat(random.below(300))]);
    const qos = random.below(3) as 0 | 1 | 2;
    const packets: Packet[] = [
      {
        type: 'publish',
        dup: false,
        qos,
        retain: random.chance(0.4),
        topic: topic === '' ? 't' : topic,
        packetId: qos === 0 ? 0 : packetId,
        properties: {},
        payload: Buffer.alloc(random.below(600), 0x66),
      },
      { type: 'pubrel', packetId, reasonCode: 0, properties: {} },
      { type: 'puback', packetId, reasonCode: 0, properties: {} },
      { type: 'pubrec', packetId, reasonCode: 0, properties: {} },
      { type: 'pubcomp', packetId, reasonCode: 0, properties: {} },
      {
        type: 'subscribe',
        packetId,
        properties: {},
        subscriptions: [
          {
            filter: random.pick(['#', 'a/+', '$share/g/#', '+/+', '$SYS/#']),
            qos,
            noLocal: false,
            retainAsPublished: false,
            retainHandling: 0,
          },
        ],
      },
      { type: 'unsubscribe', packetId, properties: {}, filters: [random.pick(['#', 'a/+', '$share/g/#'])] },
      { type: 'pingreq' },
    ];
    return Buffer.from(encodePacket(random.pick(packets), this.#version));
  }

  written(bytes: Buffer): void {
    try {
      this.#reader.push(bytes);
      while (this.#reader.next()) this.#answers.push(this.#decode());
    } catch (error) {
      this.#fail(`the broker answers with what cannot be read: ${(error as Error).message}`);
    }
  }

  #decode(): Packet {
    const { bytes, start, bodyStart, end } = this.#reader;
    const inVersion = (version: ProtocolVersion) =>
      decodePacket(version, 'client', bytes, start, bodyStart, end, { strictText: false });
    if (this.#answers.length > 0) return inVersion(this.#spoken);
    // Which form a CONNACK has that refuses a level nobody knows is the broker's choice.
    for (const version of [3, 4, 5] as const) {
      try {
        const packet = inVersion(version);
        if (packet.type !== 'connack' || packet.reasonCode !== 0 || version === this.#spoken) return packet;
      } catch (error) {
        if (!(error instanceof MqttError)) throw error;
      }
    }
    return inVersion(this.#spoken);
  }

  /** The version of the CONNECT as it was sent in the end. */
  get #spoken(): ProtocolVersion {
    const { bytes } = this;
    let at = 1;
    while (at < 5 && bytes[at++] >= 0x80);
    const level = bytes[at + 2 + bytes.readUInt16BE(Math.min(at, Math.max(0, bytes.length - 2)))] & 0x7f;
    return level === 3 || level === 5 ? level : 4;
  }

  /** Looks at what came back. `isHeld`: the broker keeps the connection. */
  check(isHeld: boolean): void {
    const [first] = this.#answers;
    if (first !== undefined && first.type !== 'connack') this.#fail(`the first answer is ${first.type.toUpperCase()}`);
    const isOpen = first?.type === 'connack' && first.reasonCode === 0;
    for (const [index, packet] of this.#answers.entries()) {
      if (packet.type === 'connack' && index > 0) this.#fail('a second CONNACK');
      if (packet.type !== 'disconnect') continue;
      if (index < this.#answers.length - 1) this.#fail('DISCONNECT is not the last packet');
      if (this.#spoken !== 5) this.#fail('DISCONNECT to a 3.x client');
      else if (!isReasonCodeAllowed('disconnect', packet.reasonCode, 'server') || packet.reasonCode < 0x80)
        this.#fail(`DISCONNECT with 0x${packet.reasonCode.toString(16)}`);
      else if (packet.reasonCode === 0x80) this.#fail('DISCONNECT with "unspecified error"');
    }
    if (isOpen && isHeld && this.delivered === this.bytes.length) this.#checkClose();
  }

  /** A fault that the decoder finds must end the connection; the packets before it may have done so already. */
  #checkClose(): void {
    const fault = this.#fault();
    if (fault !== undefined) this.#fail(`the connection goes on after ${fault.code}: ${fault.message}`);
  }

  #fault(): MqttError | undefined {
    const reader = new FrameReader(LIMITS.maximumPacketSize);
    try {
      reader.push(this.bytes);
      for (let index = 0; reader.next(); index++) {
        const { bytes, start, bodyStart, end } = reader;
        if (index === 0) continue;
        decodePacket(this.#spoken, 'server', bytes, start, bodyStart, end, { strictText: false });
      }
      return undefined;
    } catch (error) {
      return error instanceof MqttError ? error : undefined;
    }
  }

  leave(): void {
    if (this.#random.chance(0.5)) this.link.client.close();
    else this.link.cut();
  }
}
