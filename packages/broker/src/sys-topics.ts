/** `$SYS`: what the broker says of itself, under the names that Mosquitto's users know. Retained, in memory only. */
import type { Broker } from './broker.ts';
import type { CounterName } from './metrics.ts';

type Value = (broker: Broker, sessions: SessionCount) => number | string;

interface SessionCount {
  readonly total: number;
  readonly connected: number;
}

const counter =
  (name: CounterName): Value =>
  (broker) =>
    broker.metrics[name];

/** Topic below `$SYS/broker/` and what it says. */
export const SYS_TOPICS: Readonly<Record<string, Value>> = {
  version: (broker) => broker.version,
  uptime: (broker) => `${Math.floor((broker.steadyMs - broker.startedAtMs) / 1000)} seconds`,
  'clients/total': (_, sessions) => sessions.total,
  'clients/connected': (_, sessions) => sessions.connected,
  'clients/active': (_, sessions) => sessions.connected,
  'clients/disconnected': (_, sessions) => sessions.total - sessions.connected,
  'clients/inactive': (_, sessions) => sessions.total - sessions.connected,
  'clients/expired': counter('sessionsExpired'),
  'messages/received': counter('packetsReceived'),
  'messages/sent': counter('packetsSent'),
  'publish/messages/received': counter('messagesReceived'),
  'publish/messages/sent': counter('messagesSent'),
  'publish/messages/dropped': (broker) =>
    broker.metrics.messagesDroppedSlow +
    broker.metrics.messagesDroppedQueueFull +
    broker.metrics.messagesDroppedTooLarge +
    broker.metrics.messagesExpired,
  'publish/bytes/received': counter('publishBytesReceived'),
  'publish/bytes/sent': counter('publishBytesSent'),
  'bytes/received': counter('bytesReceived'),
  'bytes/sent': counter('bytesSent'),
  'retained messages/count': (broker) => broker.retained.count,
  'store/messages/bytes': (broker) => broker.pressure.heldBytes + broker.retained.bytes,
  'subscriptions/count': (broker) => broker.router.size,
  'connections/socket/count': (broker) => broker.connections.size,
};

/** Rates a minute, averaged over 1, 5 and 15 minutes. */
const LOADS: Readonly<Record<string, CounterName>> = {
  connections: 'connectsAccepted',
  'messages/received': 'packetsReceived',
  'messages/sent': 'packetsSent',
  'publish/received': 'messagesReceived',
  'publish/sent': 'messagesSent',
  'publish/dropped': 'messagesDroppedSlow',
  'bytes/received': 'bytesReceived',
  'bytes/sent': 'bytesSent',
  sockets: 'connectionsAccepted',
};
const WINDOWS = [1, 5, 15];

export class SysTopics {
  readonly #broker: Broker;
  readonly #said = new Map<string, string>();
  readonly #averages = new Map<string, number>();
  readonly #counted = new Map<CounterName, number>();
  #lastAtMs: number | undefined = undefined;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  /** Publishes when the interval has passed. */
  tick(): void {
    const { settings, steadyMs } = this.#broker;
    const intervalMs = settings.sysIntervalS * 1000;
    if (intervalMs > 0 && steadyMs - (this.#lastAtMs ?? 0) >= intervalMs) this.publish();
  }

  /** Publishes what has changed since the last time. */
  publish(): void {
    const broker = this.#broker;
    if (broker.settings.sysIntervalS === 0) return;
    const elapsedMs = broker.steadyMs - (this.#lastAtMs ?? broker.steadyMs);
    this.#lastAtMs = broker.steadyMs;
    const sessions = countSessions(broker);
    for (const [name, value] of Object.entries(SYS_TOPICS)) this.#say(name, String(value(broker, sessions)));
    if (elapsedMs > 0) this.#sayLoads(elapsedMs / 60_000);
  }

  #sayLoads(minutes: number): void {
    for (const [name, counterName] of Object.entries(LOADS)) {
      const count = this.#broker.metrics[counterName];
      const perMinute = (count - (this.#counted.get(counterName) ?? 0)) / minutes;
      for (const window of WINDOWS) {
        const key = `load/${name}/${window}min`;
        const before = this.#averages.get(key) ?? 0;
        const average = perMinute + Math.exp(-minutes / window) * (before - perMinute);
        this.#averages.set(key, average);
        this.#say(key, average.toFixed(2));
      }
    }
    for (const counterName of Object.values(LOADS)) this.#counted.set(counterName, this.#broker.metrics[counterName]);
  }

  #say(name: string, value: string): void {
    if (this.#said.get(name) === value) return;
    this.#said.set(name, value);
    const broker = this.#broker;
    broker.unattended(broker.publish(`$SYS/broker/${name}`, Buffer.from(value), { retain: true }));
  }
}

function countSessions(broker: Broker): SessionCount {
  let connected = 0;
  for (const session of broker.sessionsById.values()) if (session.owner !== undefined) connected += 1;
  return { total: broker.sessionsById.size, connected };
}
