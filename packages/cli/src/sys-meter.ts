/** What a server says of itself under `$SYS/broker/`, and how fast its counters move. */

/** The topics that Mosquitto and Dunlin have alike, and those that one of them has, below `$SYS/broker/`. */
const COUNTERS = {
  packetsIn: 'messages/received',
  packetsOut: 'messages/sent',
  publishesIn: 'publish/messages/received',
  publishesOut: 'publish/messages/sent',
  dropped: 'publish/messages/dropped',
  bytesIn: 'bytes/received',
  bytesOut: 'bytes/sent',
} as const;
const GAUGES = {
  connected: 'clients/connected',
  sessions: 'clients/total',
  away: 'clients/disconnected',
  sockets: 'connections/socket/count',
  retained: 'retained messages/count',
  subscriptions: 'subscriptions/count',
  queued: 'store/messages/count',
  heldBytes: 'store/messages/bytes',
} as const;
/** Averages a minute, for as long as a counter was seen only once. */
const LOADS = {
  packetsIn: 'load/messages/received/1min',
  packetsOut: 'load/messages/sent/1min',
  publishesIn: 'load/publish/received/1min',
  publishesOut: 'load/publish/sent/1min',
  dropped: 'load/publish/dropped/1min',
  bytesIn: 'load/bytes/received/1min',
  bytesOut: 'load/bytes/sent/1min',
} as const;

/** Counters that only grow. */
export type CounterName = keyof typeof COUNTERS;
/** Numbers that go up and down. */
export type GaugeName = keyof typeof GAUGES;

/** The filter of everything that is looked at. */
export const SYS_FILTER = '$SYS/#';
const PREFIX = '$SYS/broker/';
/** A server says everything of one time in one go; so long after the uptime all of it has come. */
export const SYS_BURST_MS = 250;
/** Topics kept; a server has some dozens. */
const TOPICS_MAX = 1000;
const TEXT_MAX = 200;

/** Takes the messages of `$SYS` and answers what is known. */
export class SysMeter {
  /** Messages of `$SYS`, known ones and others. */
  messages = 0;
  readonly #values = new Map<string, string>();
  #before = new Map<string, number>();
  #uptimeBefore: number | undefined;
  #rates = new Map<CounterName, number>();

  /** Takes a message; true where it is the uptime, with which a server begins to say how it is. */
  take(topic: string, payload: Uint8Array): boolean {
    this.messages += 1;
    if (!topic.startsWith(PREFIX)) return false;
    const name = topic.slice(PREFIX.length);
    if (!this.#values.has(name) && this.#values.size >= TOPICS_MAX) return false;
    this.#values.set(name, Buffer.from(payload).toString().slice(0, TEXT_MAX));
    return name === 'uptime';
  }

  /** All of one time has come: works out rates from what it was the time before. */
  settle(): void {
    const { uptimeSeconds } = this;
    if (uptimeSeconds === undefined || uptimeSeconds === this.#uptimeBefore) return;
    const seconds = uptimeSeconds - (this.#uptimeBefore ?? uptimeSeconds);
    const now = new Map<string, number>();
    this.#rates = new Map();
    for (const [name, topic] of Object.entries(COUNTERS) as [CounterName, string][]) {
      const value = this.#number(topic);
      if (value === undefined) continue;
      now.set(topic, value);
      const before = this.#before.get(topic);
      // A server that started anew counts from 0.
      if (before !== undefined && seconds > 0 && value >= before) this.#rates.set(name, (value - before) / seconds);
    }
    this.#before = now;
    this.#uptimeBefore = uptimeSeconds;
  }

  /** True where anything of `$SYS/broker/` was said. */
  get isKnown(): boolean {
    return this.#values.size > 0;
  }

  /** As the server says it, such as `mosquitto version 2.0.11`. */
  get version(): string | undefined {
    return this.#values.get('version');
  }

  get uptimeSeconds(): number | undefined {
    return this.#number('uptime');
  }

  /** Undefined where the server does not say it, or has not said it lately. */
  gauge(name: GaugeName): number | undefined {
    return this.#number(GAUGES[name]);
  }

  counter(name: CounterName): number | undefined {
    return this.#number(COUNTERS[name]);
  }

  /** A second, between the last two times that the server said it; before, its own average of a minute. */
  rate(name: CounterName): number | undefined {
    const load = this.#number(LOADS[name]);
    return this.#rates.get(name) ?? (load === undefined ? undefined : load / 60);
  }

  /** The uptime of Mosquitto ends in ` seconds`. */
  #number(topic: string): number | undefined {
    const value = Number.parseFloat(this.#values.get(topic) ?? '');
    return Number.isFinite(value) && value >= 0 ? value : undefined;
  }
}
