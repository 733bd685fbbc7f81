/** What a random client does, and when. */
import type {
  ConnectPacket,
  Properties,
  ProtocolVersion,
  PublishPacket,
  QoS,
  SubscriptionRequest,
  Will,
} from '@dunlin/protocol';
import type { SeededRandom } from '../simulation-harness/seeded-random.ts';
import type { VirtualTime } from '../simulation-harness/virtual-time.ts';
import { REFUSED_USER } from './observer.ts';
import type { ScriptedClient } from './scripted-client.ts';

export const TOPICS = ['a', 'a/b', 'a/b/c', 'a/c', 'b/x', 'b', 'a/', '/a', '$own/t', 'a/\u00fc'];
const FILTERS = ['a', 'a/#', 'a/+', '+/b', '#', '+', 'a/b/c', 'b/x', '+/+/c', '/+', '$own/#', '$own/t', 'a/\u00fc'];
const SHARED = ['$share/g/a/#', '$share/g/b/+', '$share/h/a/#', '$share/h/#', '$share/g/a/b'];

export interface ScriptOptions {
  /** Mean time between two actions of a client. */
  readonly paceMs: number;
  /** Largest payload. */
  readonly payloadMax: number;
  /** Whether it now and then publishes more than a queue keeps in memory. */
  readonly floods: boolean;
}

const ACTIONS = {
  publish: 46,
  burst: 6,
  subscribe: 13,
  unsubscribe: 5,
  ping: 3,
  slow: 4,
  stopReading: 4,
  goodbye: 5,
  goodbyeWithWill: 2,
  cut: 3,
  halfClose: 1,
  stall: 3,
  vanish: 1,
  takeOver: 3,
} as const;

/** Numbers the messages of one world. */
export interface Numbering {
  next: number;
}

export class Script {
  readonly #client: ScriptedClient;
  readonly #random: SeededRandom;
  readonly #time: VirtualTime;
  readonly #options: ScriptOptions;
  readonly #numbering: Numbering;
  #isOver = false;
  /** 0 while it is connected. */
  #awayUntilMs = 0;

  constructor(client: ScriptedClient, time: VirtualTime, options: ScriptOptions, numbering: Numbering) {
    this.#client = client;
    this.#random = client.random;
    this.#time = time;
    this.#options = options;
    this.#numbering = numbering;
  }

  start(): void {
    this.#later();
  }

  /** Does nothing more. */
  stop(): void {
    this.#isOver = true;
  }

  #later(): void {
    this.#time.after(this.#random.wait(this.#options.paceMs), () => {
      if (this.#isOver) return;
      this.#act();
      this.#later();
    });
  }

  #act(): void {
    const client = this.#client;
    if (client.link === undefined) {
      this.#comeBack();
      return;
    }
    this.#awayUntilMs = 0;
    if (!client.isConnected) {
      if (this.#random.chance(0.1)) this.#leave();
      return;
    }
    if (this.#options.floods && this.#random.chance(0.1)) this.#flood();
    else this.#do(this.#random.weighted(ACTIONS));
  }

  /** At once, or after sessions and wills have had time to come due. */
  #comeBack(): void {
    const now = this.#time.nowMs();
    if (this.#awayUntilMs === 0)
      this.#awayUntilMs = now + (this.#random.chance(0.3) ? this.#random.between(500, 12_000) : 0);
    if (now >= this.#awayUntilMs) this.connect();
  }

  #do(action: keyof typeof ACTIONS): void {
    const client = this.#client;
    const random = this.#random;
    const link = client.link;
    switch (action) {
      case 'publish':
        client.publish(this.message());
        return;
      case 'burst':
        this.#burst(random.between(3, 25));
        return;
      case 'subscribe':
        this.#subscribe();
        return;
      case 'unsubscribe':
        client.unsubscribe([random.pick(FILTERS), ...(random.chance(0.3) ? [random.pick(SHARED)] : [])]);
        return;
      case 'ping':
        client.send({ type: 'pingreq' });
        return;
      case 'slow':
        client.isSlow = true;
        this.#time.after(random.between(50, 4000), () => client.catchUp());
        return;
      case 'stopReading':
        link?.client.pause();
        this.#time.after(random.between(50, 6000), () => link?.client.resume());
        return;
      case 'goodbye':
        client.disconnect(0, client.mayChangeExpiry && random.chance(0.3) ? random.pick([0, 1, 5, 600]) : undefined);
        return;
      case 'goodbyeWithWill':
        if (client.version === 5) client.disconnect(4, undefined);
        return;
      case 'cut':
        link?.cut();
        return;
      case 'halfClose':
        link?.client.end();
        return;
      case 'stall':
        link?.stall(random.between(10, 5000));
        return;
      case 'vanish':
        this.#vanish();
        return;
      case 'takeOver':
        this.#takeOver();
        return;
    }
  }

  #flood(): void {
    const topic = this.#random.pick(TOPICS);
    const qos = this.#random.between(1, 2) as QoS;
    for (let count = this.#random.between(500, 3000); count > 0; count--)
      this.#client.publish({ ...this.message(), topic, qos, retain: false, payload: this.#payload('m') });
  }

  #burst(count: number): void {
    const isSameTopic = this.#random.chance(0.5);
    const first = this.message();
    this.#client.publish(first);
    for (let i = 1; i < count; i++) {
      const message = this.message();
      this.#client.publish(isSameTopic ? { ...message, topic: first.topic } : message);
    }
  }

  #subscribe(): void {
    const random = this.#random;
    const requests: SubscriptionRequest[] = [];
    for (let count = random.chance(0.7) ? 1 : random.between(2, 4); count > 0; count--) requests.push(this.#request());
    this.#client.subscribe(requests, random.chance(0.5) ? random.between(1, 300) : 0);
  }

  #request(): SubscriptionRequest {
    const random = this.#random;
    const is5 = this.#client.version === 5;
    const isShared = random.chance(0.2);
    const filter = random.chance(0.03) ? 'denied/#' : isShared ? random.pick(SHARED) : random.pick(FILTERS);
    return {
      filter,
      qos: random.below(3) as QoS,
      noLocal: is5 && !isShared && random.chance(0.2),
      retainAsPublished: is5 && random.chance(0.3),
      retainHandling: is5 && random.chance(0.4) ? (random.between(1, 2) as 1 | 2) : 0,
    };
  }

  #vanish(): void {
    this.#client.link?.stall(Number.POSITIVE_INFINITY);
    this.#client.abandon();
  }

  #takeOver(): void {
    this.#client.abandon();
    this.connect();
  }

  #leave(): void {
    const { link } = this.#client;
    this.#client.abandon();
    link?.client.close();
  }

  /** A random message, its Packet Identifier still open. */
  message(): PublishPacket {
    const random = this.#random;
    const is5 = this.#client.version === 5;
    const retain = random.chance(0.2);
    const topic = random.chance(0.03)
      ? 'denied/t'
      : random.chance(0.05)
        ? `a/${random.below(2000)}`
        : random.pick(TOPICS);
    const payload = retain && random.chance(0.2) ? new Uint8Array(0) : this.#payload('m');
    return {
      type: 'publish',
      dup: false,
      qos: random.below(3) as QoS,
      retain,
      topic,
      packetId: 0,
      properties: is5 && payload.length > 0 ? this.#properties() : {},
      payload,
    };
  }

  #payload(kind: string): Uint8Array {
    const number = this.#numbering.next++;
    const fill = this.#random.chance(0.1) ? this.#random.below(this.#options.payloadMax) : this.#random.below(40);
    return Buffer.from(`${kind}${number}:${String.fromCharCode(97 + (number % 26)).repeat(fill)}`);
  }

  #properties(): Properties {
    const random = this.#random;
    const properties: Properties = {};
    if (random.chance(0.2)) properties.messageExpiryInterval = random.pick([0, 1, 2, 3, 10, 1000]);
    if (random.chance(0.1)) properties.contentType = 'text/plain';
    if (random.chance(0.1)) properties.responseTopic = 'a/answer';
    if (random.chance(0.1)) properties.correlationData = Buffer.from([0, 1, random.below(256)]);
    if (random.chance(0.1))
      properties.userProperties = [
        ['k', 'v'],
        ['k', String(random.below(10))],
      ];
    if (random.chance(0.1)) properties.payloadFormatIndicator = 1;
    return properties;
  }

  #will(version: ProtocolVersion): Will {
    const random = this.#random;
    const properties: Properties = {};
    if (version === 5) {
      if (random.chance(0.6)) properties.willDelayInterval = random.pick([0, 1, 2, 5, 30]);
      if (random.chance(0.3)) properties.messageExpiryInterval = random.pick([1, 2, 60]);
      if (random.chance(0.2)) properties.userProperties = [['will', 'yes']];
    }
    return {
      topic: random.pick(TOPICS),
      payload: this.#payload('w'),
      qos: random.below(3) as QoS,
      retain: random.chance(0.2),
      properties,
    };
  }

  /** Opens a connection with random options; sometimes the first packets follow CONNECT at once. */
  connect(): void {
    const random = this.#random;
    const client = this.#client;
    const version = random.chance(0.1) ? (client.version === 3 ? 3 : random.pick([4, 5] as const)) : client.version;
    const needsId = client.clientId === '' && version !== 5;
    const isRefused = random.chance(0.03);
    const cleanStart = needsId || client.owesCleanStart || (!isRefused && random.chance(0.25));
    const properties: Properties = version === 5 ? this.#connectProperties() : {};
    const packet: ConnectPacket = {
      type: 'connect',
      protocolVersion: version,
      bridge: false,
      clientId: needsId && version === 3 ? `late-${random.below(1000)}` : client.clientId,
      cleanStart,
      keepAlive: random.chance(0.5) ? random.pick([1, 2, 10, 60]) : 0,
      properties,
    };
    if (random.chance(0.35)) packet.will = this.#will(version);
    if (isRefused) packet.username = REFUSED_USER;
    if (client.clientId === '' && packet.clientId !== '') client.clientId = packet.clientId;
    client.connect(packet);
    if (cleanStart && !isRefused && random.chance(0.3)) this.#pipeline(properties);
    if (packet.keepAlive > 0 && random.chance(0.8)) this.#keepAlive(packet.keepAlive);
  }

  /** What a program does that does not wait for answers. */
  #pipeline(properties: Properties): void {
    const random = this.#random;
    const client = this.#client;
    if (random.chance(0.6)) this.#subscribe();
    for (let count = random.below(4); count > 0; count--) client.publish(this.message());
    if (random.chance(0.3)) client.send({ type: 'pingreq' });
    if (random.chance(0.3))
      client.disconnect(0, (properties.sessionExpiryInterval ?? 0) > 0 && random.chance(0.3) ? 1 : undefined);
    else if (random.chance(0.2)) client.link?.client.end();
  }

  #keepAlive(seconds: number): void {
    const { link } = this.#client;
    const again = () => {
      if (this.#client.link !== link || this.#isOver) return;
      if (this.#client.isConnected) this.#client.send({ type: 'pingreq' });
      this.#time.after(seconds * 900, again);
    };
    this.#time.after(seconds * 900, again);
  }

  #connectProperties(): Properties {
    const random = this.#random;
    const properties: Properties = {};
    if (random.chance(0.8)) properties.sessionExpiryInterval = random.pick([0, 1, 3, 10, 600, 0xffffffff]);
    if (random.chance(0.4)) properties.receiveMaximum = random.pick([1, 2, 5, 100]);
    if (random.chance(0.15)) properties.maximumPacketSize = random.pick([60, 100, 200, 2000]);
    if (random.chance(0.4)) properties.topicAliasMaximum = random.pick([1, 2, 10, 100]);
    if (random.chance(0.2)) properties.requestProblemInformation = 0;
    return properties;
  }
}
