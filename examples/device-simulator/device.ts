/** One simulated device: it stays connected, hears its commands, and, where it is a player, says what it shows. */
import { createClient } from '@dunlin/client';
import type { SimulatedDevice } from './fleet.ts';

/** Where the server is. */
export interface Server {
  readonly port: number;
  readonly tlsPort: number;
  /** PEM: who the certificate of the server is from. */
  readonly ca: string;
}

/** What a process counts of its devices. */
export interface Counts {
  connected: number;
  /** Connections that there were. */
  connects: number;
  /** Attempts that failed. */
  failures: number;
  commands: number;
  views: number;
}

export interface RunningDevice {
  /** Settles when the device has its first connection and its subscription, or gave up. */
  readonly ready: Promise<void>;
  /** Publishes a view, where it is a player and connected. */
  view(): void;
  stop(): Promise<void>;
}

/** Back-off from 1 s to 300 s, as the firmware of the fleets has it. */
const RECONNECT = { minMs: 1_000, maxMs: 300_000 };

export function startDevice(device: SimulatedDevice, server: Server, counts: Counts): RunningDevice {
  const { id, type, clientId, token, certificate, commandTopic } = device;
  const url = certificate === undefined ? `mqtt://127.0.0.1:${server.port}` : `mqtts://127.0.0.1:${server.tlsPort}`;
  const client = createClient(url, {
    ...{ clientId, username: id, keepAlive: 60, reconnect: RECONNECT, connectAttempts: Number.POSITIVE_INFINITY },
    // Cameras speak 3.1.1, players 5.0.
    protocolVersion: type === 'camera' ? 4 : 5,
    ...(certificate === undefined
      ? { password: token }
      : { tls: { ca: server.ca, cert: certificate.chain, key: certificate.key } }),
  });
  let isConnected = false;
  const count = (isNow: boolean): void => {
    if (isNow === isConnected) return;
    isConnected = isNow;
    counts.connected += isNow ? 1 : -1;
    counts.connects += isNow ? 1 : 0;
  };
  client.on('connected', () => count(true));
  client.on('disconnected', () => count(false));
  client.on('reconnecting', () => {
    counts.failures += 1;
  });
  const start = async (): Promise<void> => {
    await client.connect();
    await client.subscribe(commandTopic, { qos: 1 }, () => {
      counts.commands += 1;
    });
  };
  return {
    ready: start().catch((error: unknown) => {
      counts.failures += 1;
      if (counts.failures === 1) console.error(`${id}: ${error instanceof Error ? error.message : error}`);
    }),
    view() {
      if (type !== 'player' || !isConnected) return;
      const view = { id: crypto.randomUUID(), artwork: 1 + Math.floor(Math.random() * 999) };
      client.publish(`players/${id}/view`, view, { qos: 1 }).then(
        () => {
          counts.views += 1;
        },
        () => {},
      );
    },
    stop: () => client.disconnect(),
  };
}
