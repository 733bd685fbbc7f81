/** Every promise settles: each operation, in each state it can wait in, by each way that its wait can end. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Client } from '../client.ts';
import { MqttError } from '../errors.ts';
import { turns, VirtualEnvironment } from '../testing/virtual-environment.ts';
import { createClient, PLAIN, type ScriptedServer, Servers } from './scripted-server.ts';

const METHOD = { authenticationMethod: 'M' };

/** What may be waited for; each is begun and not answered. */
const OPERATIONS: Readonly<Record<string, (client: Client, signal: AbortSignal) => Promise<unknown>>> = {
  'connect again': (client, signal) => client.connect({ signal }),
  'publish QoS 0': (client, signal) => client.publish('t', 'x', { signal }),
  'publish QoS 1': (client, signal) => client.publish('t', 'x', { qos: 1, signal }),
  'publish QoS 2': (client, signal) => client.publish('t', 'x', { qos: 2, signal }),
  subscribe: async (client, signal) => client.subscribe('a', { signal }),
  unsubscribe: (client, signal) => client.unsubscribe('a', { signal }),
  'a message of a subscription': async (client, signal) => {
    const result = await client.subscribe('a', { signal })[Symbol.asyncIterator]().next();
    if (result.done) throw new MqttError('closed', 'the loop ended in order');
  },
  reauthenticate: (client, signal) => client.reauthenticate(undefined, { signal }),
  drain: async (client, signal) => {
    const publishing = client.publish('t', 'x', { qos: 1 });
    publishing.catch(() => {});
    await client.drain({ signal });
  },
  disconnect: (client) => client.disconnect(),
};

/** Where an operation begins; each leaves the client in that state with a server that says nothing more. */
const STATES: Readonly<Record<string, (world: World) => Promise<ScriptedServer | undefined>>> = {
  'disconnected (never opened)': async () => undefined,
  connecting: async ({ client, servers }) => {
    client.connect().catch(() => {});
    return servers.next();
  },
  connected: connected,
  reconnecting: async (world) => {
    (await connected(world)).cut();
    await turns();
    return undefined;
  },
  'reconnecting, under way': async (world) => {
    (await connected(world)).cut();
    await turns();
    await world.environment.advance(500);
    return world.servers.next();
  },
};

/** How the wait ends. */
const ENDINGS: Readonly<
  Record<string, (world: World, server: ScriptedServer | undefined, abort: () => void) => Promise<void> | void>
> = {
  'the server closes for good': async ({ environment }, server) => {
    server?.close();
    await environment.advance(600_000);
  },
  'the server refuses for good': async ({ client, servers }, server) => {
    const refusing = server ?? (await nextServer({ client, servers }));
    if (client.state === 'connected') refusing?.sendBytes('e001 8e');
    else refusing?.send({ type: 'connack', sessionPresent: false, reasonCode: 0x87, properties: {} });
  },
  'the server breaks a rule': async ({ environment }, server) => {
    server?.sendBytes('0000');
    await environment.advance(600_000);
  },
  'the server says nothing more': ({ environment }) => environment.advance(600_000),
  'the caller aborts': (_world, _server, abort) => abort(),
  'disconnect is called': ({ client }) => client.disconnect(),
};

interface World {
  readonly client: Client;
  readonly environment: VirtualEnvironment;
  readonly servers: Servers;
}

function newWorld(): World {
  const environment = new VirtualEnvironment();
  const servers = new Servers(5, {});
  const client = createClient('mqtt://one', {
    ...PLAIN,
    keepAlive: 10,
    reconnect: { minMs: 1000, attemptsMax: 3 },
    connectTimeoutMs: 1000,
    properties: { sessionExpiryInterval: 60 },
    authentication: { method: 'M', respond: () => undefined },
    dial: servers.dial,
    environment,
  });
  return { client, environment, servers };
}

async function connected({ client, servers }: World): Promise<ScriptedServer> {
  const connecting = client.connect();
  const server = await servers.accept(false, METHOD);
  await connecting;
  await turns();
  return server;
}

/** The server of the attempt under way, where the client makes one. */
async function nextServer({ client, servers }: Pick<World, 'client' | 'servers'>): Promise<ScriptedServer | undefined> {
  if (client.state === 'disconnected') client.connect().catch(() => {});
  return servers.next();
}

for (const [state, begin] of Object.entries(STATES)) {
  describe(`every promise settles, begun while ${state}`, () => {
    for (const [operation, start] of Object.entries(OPERATIONS)) {
      for (const [ending, end] of Object.entries(ENDINGS)) {
        test(`${operation}; ${ending}`, { timeout: 20_000 }, async () => {
          const world = newWorld();
          const server = await begin(world);
          const controller = new AbortController();
          const outcome = settledOf(start(world.client, controller.signal));
          await turns();
          const isReconnecting = world.client.state === 'reconnecting' && server === undefined;
          if (isReconnecting && ending.includes('refuses')) await world.environment.advance(500);
          // A client that nobody opens waits for that; its own end is `disconnect`.
          if (world.client.state === 'disconnected' && !outcome.isSettled && ending.startsWith('the server')) {
            world.client.connect().catch(() => {});
          }
          await end(world, server, () => controller.abort());
          await turns();
          assert.equal(outcome.isSettled, true, `${operation} hangs; the client is ${world.client.state}`);
          if (outcome.error !== undefined) assert.ok(outcome.error instanceof MqttError, String(outcome.error));
          await world.client.disconnect();
          assert.equal(world.client.state, 'disconnected');
        });
      }
    }
  });
}

function settledOf(promise: Promise<unknown>): { isSettled: boolean; error: unknown } {
  const outcome: { isSettled: boolean; error: unknown } = { isSettled: false, error: undefined };
  promise.then(
    () => {
      outcome.isSettled = true;
    },
    (error) => {
      outcome.isSettled = true;
      outcome.error = error;
    },
  );
  return outcome;
}
