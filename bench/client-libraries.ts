/** The compared clients behind one interface, each used in the way that costs it least. */
import { connect } from '@dunlin/client';
import mqtt from 'mqtt';

export const libraryNames = ['dunlin', 'mqttjs'] as const;
export type LibraryName = (typeof libraryNames)[number];

export type Level = 0 | 1 | 2;

/** A connected client. */
export interface LoadClient {
  /** `done` when the message is acknowledged, at QoS 0 when it has left. */
  publish(topic: string, payload: Uint8Array, qos: Level, done: () => void): void;
  /** Settles when the server has granted it. */
  subscribe(topic: string, qos: Level, take: () => void): Promise<void>;
  end(): Promise<void>;
}

/** How to connect; `version` is the Protocol Level. */
export interface Connecting {
  readonly port: number;
  readonly version: 4 | 5;
}

/** A failure ends the process: a run that loses something measures nothing. */
function fail(error: unknown): never {
  console.error(error);
  process.exit(1);
}

async function openDunlin({ port, version }: Connecting): Promise<LoadClient> {
  const client = await connect(`mqtt://127.0.0.1:${port}`, { protocolVersion: version, reconnect: false });
  return {
    publish: (topic, payload, qos, done) => void client.publish(topic, payload, { qos }).then(done, fail),
    subscribe: async (topic, qos, take) => void (await client.subscribe(topic, { qos }, take)),
    end: () => client.disconnect(),
  };
}

async function openMqttjs({ port, version }: Connecting): Promise<LoadClient> {
  const options = { protocolVersion: version, reconnectPeriod: 0, resubscribe: false };
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, options);
  client.on('error', fail);
  return {
    publish: (topic, payload, qos, done) => {
      client.publish(topic, payload as Buffer, { qos }, (error) => (error ? fail(error) : done()));
    },
    subscribe: async (topic, qos, take) => {
      client.on('message', take);
      await client.subscribeAsync(topic, { qos });
    },
    end: () => client.endAsync(),
  };
}

/** Connects a client of the library. */
export const openClient: Readonly<Record<LibraryName, (connecting: Connecting) => Promise<LoadClient>>> = {
  dunlin: openDunlin,
  mqttjs: openMqttjs,
};
