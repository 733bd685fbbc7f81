/** Publishes numbers at QoS 1 or 2 and sends again what was not acknowledged, until it is (section 4.4). */
import type { Packet } from '@dunlin/protocol';
import { CrashClient, NEVER_EXPIRES } from './crash-client.ts';

interface Unfinished {
  readonly number: number;
  isReceived: boolean;
}

const PACKET_IDS = 0xffff;

export class Publisher extends CrashClient {
  readonly topic: string;
  readonly qos: 1 | 2;
  readonly retain: boolean;
  /** Numbers whose PUBACK, or whose PUBREC, has come: the server has taken them. */
  readonly acknowledged: number[] = [];
  /** The last number given. */
  last = 0;
  readonly #window: number;
  readonly #unfinished = new Map<number, Unfinished>();
  #packetId = 0;
  #limit = 0;

  constructor(options: { port: number; clientId: string; topic: string; qos: 1 | 2; retain: boolean; window: number }) {
    super({ ...options, sessionExpiryInterval: NEVER_EXPIRES });
    this.topic = options.topic;
    this.qos = options.qos;
    this.retain = options.retain;
    this.#window = options.window;
  }

  get unfinished(): number {
    return this.#unfinished.size;
  }

  /** Publishes up to so many more numbers, as acknowledgements come. */
  publish(count: number): void {
    this.#limit = this.last + count;
    if (this.isConnected) this.#fill();
  }

  /** Publishes nothing new. */
  pause(): void {
    this.#limit = this.last;
  }

  protected override greeted(): void {
    for (const [packetId, { number, isReceived }] of this.#unfinished) {
      if (isReceived) this.send({ type: 'pubrel', packetId, reasonCode: 0, properties: {} });
      else this.#send(packetId, number, true);
    }
    this.#fill();
  }

  protected override handle(packet: Packet): void {
    if (packet.type !== 'puback' && packet.type !== 'pubrec' && packet.type !== 'pubcomp') return;
    const unfinished = this.#unfinished.get(packet.packetId);
    if (unfinished === undefined) return;
    if (packet.type !== 'pubcomp' && packet.reasonCode >= 0x80)
      throw new Error(`${this.clientId}: ${packet.type} with ${packet.reasonCode}`);
    if (packet.type === 'pubrec') {
      if (!unfinished.isReceived) this.acknowledged.push(unfinished.number);
      unfinished.isReceived = true;
      this.send({ type: 'pubrel', packetId: packet.packetId, reasonCode: 0, properties: {} });
      return;
    }
    if (packet.type === 'puback') this.acknowledged.push(unfinished.number);
    this.#unfinished.delete(packet.packetId);
    this.#fill();
  }

  #fill(): void {
    while (this.#unfinished.size < this.#window && this.last < this.#limit) {
      this.#packetId = (this.#packetId % PACKET_IDS) + 1;
      this.last += 1;
      this.#unfinished.set(this.#packetId, { number: this.last, isReceived: false });
      this.#send(this.#packetId, this.last, false);
    }
  }

  #send(packetId: number, number: number, dup: boolean): void {
    this.send({
      type: 'publish',
      topic: this.topic,
      qos: this.qos,
      retain: this.retain,
      dup,
      packetId,
      properties: {},
      payload: Buffer.from(`${this.clientId} ${number}`),
    });
  }
}
