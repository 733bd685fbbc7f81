/** What happened in a world, in lines for people: the last of them before a violation. */
import type { BrokerEvent } from '@dunlin/broker';
import type { Packet, Properties } from '@dunlin/protocol';
import type { Violation } from './judge.ts';
import type { VirtualTime } from './virtual-time.ts';

const LINES_KEPT = 20_000;

export class Trace {
  readonly #isOn: () => boolean;
  readonly #time: VirtualTime;
  #lines: string[] = [];

  constructor(time: VirtualTime, isOn: () => boolean) {
    this.#isOn = isOn;
    this.#time = time;
  }

  packet(label: string, direction: string, packet: Packet): void {
    if (this.#isOn()) this.#say(`${label.padEnd(28)} ${direction} ${sayPacket(packet)}`);
  }

  event(event: BrokerEvent): void {
    if (!this.#isOn()) return;
    const { name, ...fields } = event;
    const text = Object.entries(fields).map(([key, value]) => `${key}=${value}`);
    this.#say(`${'broker'.padEnd(28)} ! ${name} ${text.join(' ')}`);
  }

  crash(isPowerCut: boolean): void {
    this.tell(isPowerCut ? 'the power fails' : 'the process of the broker is killed');
  }

  /** Anything else, in words. */
  tell(text: string): void {
    if (this.#isOn()) this.#say(text);
  }

  #say(text: string): void {
    if (this.#lines.length >= LINES_KEPT) this.#lines = this.#lines.slice(LINES_KEPT / 2);
    this.#lines.push(`${(this.#time.elapsedMs / 1000).toFixed(3).padStart(8)} s  ${text}`);
  }

  /** The last lines, and before them whatever else names the message or link of the violation. */
  lines(violation: Violation<string> | undefined, shown: number): readonly string[] {
    if (violation === undefined) return [];
    const last = this.#lines.slice(-shown);
    const words = [...violation.text.matchAll(/\b[mw]\d+\b|link \d+/g)].map(([word]) => word);
    const about = this.#lines
      .slice(0, -shown)
      .filter((line) => words.some((word) => new RegExp(`\\b${word}\\b`).test(line)));
    return [...about.slice(-shown), ...(about.length > 0 ? ['     …'] : []), ...last];
  }
}

function sayPacket(packet: Packet): string {
  const name = packet.type.toUpperCase();
  switch (packet.type) {
    case 'connect': {
      const will =
        packet.will === undefined
          ? ''
          : ` will "${packet.will.topic}" ${sayPayload(packet.will.payload)} QoS ${packet.will.qos} ${sayProperties(packet.will.properties)}`;
      return `${name} "${packet.clientId}" clean=${packet.cleanStart} keepAlive=${packet.keepAlive}${packet.username === undefined ? '' : ` user=${packet.username}`} ${sayProperties(packet.properties)}${will}`;
    }
    case 'connack':
      return `${name} ${packet.reasonCode} present=${packet.sessionPresent}`;
    case 'publish':
      return `${name} ${packet.packetId} "${packet.topic}" ${sayPayload(packet.payload)} QoS ${packet.qos}${packet.retain ? ' RETAIN' : ''}${packet.dup ? ' DUP' : ''} ${sayProperties(packet.properties)}`;
    case 'subscribe':
      return `${name} ${packet.packetId} ${packet.subscriptions.map(({ filter, qos, noLocal, retainAsPublished, retainHandling }) => `"${filter}" QoS ${qos}${noLocal ? ' NL' : ''}${retainAsPublished ? ' RAP' : ''} RH ${retainHandling}`).join(', ')} ${sayProperties(packet.properties)}`;
    case 'unsubscribe':
      return `${name} ${packet.packetId} ${packet.filters.map((filter) => `"${filter}"`).join(', ')}`;
    case 'suback':
    case 'unsuback':
      return `${name} ${packet.packetId} [${packet.reasonCodes}]`;
    case 'pingreq':
    case 'pingresp':
      return name;
    case 'disconnect':
    case 'auth':
      return `${name} ${packet.reasonCode} ${sayProperties(packet.properties)}`;
    default:
      return `${name} ${packet.packetId}${packet.reasonCode === 0 ? '' : ` code ${packet.reasonCode}`}`;
  }
}

function sayPayload(payload: Uint8Array): string {
  if (payload.length === 0) return '(empty)';
  const text = Buffer.from(payload).toString('latin1');
  return payload.length > 24 ? `${text.slice(0, 12)}… ${payload.length} B` : text;
}

function sayProperties(properties: Properties): string {
  return Object.entries(properties)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ');
}
