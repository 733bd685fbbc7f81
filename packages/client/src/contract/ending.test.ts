/** How connections end, what keeps them alive, and enhanced authentication (sections 3.12 to 3.15, 4.12, 4.13). */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ProtocolVersion } from '@dunlin/protocol';
import { type Client, MqttError } from '../index.ts';
import { connected, dial, type ScriptedServer, settled } from './scripted-server.ts';

const withCode = (code: string, reasonCode?: number) => (error: unknown) => {
  assert.ok(error instanceof MqttError, String(error));
  assert.deepEqual([error.code, error.reasonCode], [code, reasonCode]);
  return true;
};

/** An operation of each kind in each state, open. */
async function openOperations(server: ScriptedServer, client: Client): Promise<Promise<unknown>[]> {
  const sent = client.publish('t', 'x', { qos: 1 });
  await server.next('publish');
  const released = client.publish('t', 'x', { qos: 2 });
  server.answer('pubrec', (await server.next('publish')).packetId);
  await server.next('pubrel');
  const waiting = client.publish('t', 'x', { qos: 1 });
  const subscribing = (async () => client.subscribe('a'))();
  await server.next('subscribe');
  const unsubscribing = client.unsubscribe('a');
  await server.next('unsubscribe');
  return [sent, released, waiting, subscribing, unsubscribing];
}

describe('every promise settles', () => {
  const endings: [string, string, (server: ScriptedServer, client: Client) => void][] = [
    ['disconnect', 'closed', (_server, client) => void client.disconnect()],
    ['a broken connection', 'connection-lost', (server) => server.cut()],
    ['a connection closed without a word', 'connection-lost', (server) => server.close()],
    ['DISCONNECT from the server', 'server-disconnected', (server) => server.sendBytes('e001 8b')],
    ['a fault of the server', 'malformed-packet', (server) => server.sendBytes('0000')],
  ];
  for (const [name, code, end] of endings) {
    test(`${name} rejects whatever is open, and what is called afterwards`, async () => {
      const { server, client } = await connected({}, { properties: { receiveMaximum: 2 } });
      const outcomes = Promise.allSettled(await openOperations(server, client));
      end(server, client);
      for (const outcome of await outcomes) {
        assert.equal(outcome.status, 'rejected');
        assert.equal((outcome.reason as MqttError).code, code);
      }
      await client.closed;
      assert.equal(client.state, 'disconnected');
      await assert.rejects(client.publish('t', 'x'), (error: MqttError) => error.code === code);
      await assert.rejects(
        async () => client.subscribe('t'),
        (error: MqttError) => error.code === code,
      );
      await assert.rejects(client.unsubscribe('t'), (error: MqttError) => error.code === code);
      await assert.rejects(client.reauthenticate(), (error: MqttError) => error.code === code);
      await client.disconnect();
    });
  }

  test('QoS 0 that has not left when the connection breaks rejects; what leaves before DISCONNECT resolves', async () => {
    const full = await connected({}, { wire: { highWaterBytes: 10 } });
    full.server.pause();
    const stuck = full.client.publish('t', 'x'.repeat(1000));
    const outcome = assert.rejects(stuck, withCode('connection-lost'));
    await settled();
    full.server.cut();
    await outcome;

    const { client } = await connected();
    const last = client.publish('t', 'x');
    await client.disconnect();
    await last;
  });

  test('QoS 0 waits for a slow wire', async () => {
    const { server, client } = await connected({}, { wire: { highWaterBytes: 10 } });
    const order: string[] = [];
    const publishing = client.publish('t', 'x'.repeat(1000)).then(() => order.push('left'));
    await server.next('publish').then(() => order.push('arrived'));
    await publishing;
    assert.deepEqual(order.sort(), ['arrived', 'left']);
  });
});

describe('DISCONNECT', () => {
  for (const version of [3, 4, 5] as ProtocolVersion[]) {
    test(`nothing follows DISCONNECT and the client closes, level ${version} [MQTT-3.14.4-1, MQTT-3.14.4-2, MQTT-3.14.1-1, MQTT311-3.14.4-1, MQTT311-3.14.4-2]`, async () => {
      const { server, client } = await connected({}, { version });
      const from = server.bytes.length;
      const left = client.publish('t', 'x');
      const closing = client.disconnect();
      await assert.rejects(client.publish('late', 'x'), withCode('closed'));
      await left;
      assert.deepEqual(await client.closed, { by: 'client', error: undefined });
      await closing;
      await server.closed();
      assert.deepEqual(
        server.packets.map(({ type }) => type),
        ['publish', 'disconnect'],
      );
      assert.equal(server.bytes.toString('hex', from).slice(-4), 'e000');
    });
  }

  test('reason code and properties are sent [MQTT-3.14.2-1]', async () => {
    const { server, client } = await connected({ properties: { sessionExpiryInterval: 5 } });
    const properties = { sessionExpiryInterval: 60, userProperties: [['a', 'b']] as const };
    await client.disconnect({ reasonCode: 4, properties });
    const packet = await server.next('disconnect');
    assert.deepEqual([packet.reasonCode, packet.properties], [4, properties]);
  });

  test('Reason String and User Properties are left out where DISCONNECT would be too large [MQTT-3.14.2-3, MQTT-3.14.2-4]', async () => {
    const properties = { reasonString: 'x'.repeat(20), userProperties: [['a', 'b']] as const };
    const sizes: [number, object][] = [
      [100, properties],
      [12, { userProperties: properties.userProperties }],
      [5, {}],
    ];
    for (const [maximumPacketSize, expected] of sizes) {
      const { server, client } = await connected({}, { properties: { maximumPacketSize } });
      await client.disconnect({ reasonCode: 0x80, properties });
      assert.deepEqual((await server.next('disconnect')).properties, expected);
    }
  });

  test('a Session Expiry Interval that CONNECT did not have is refused, and a code that does not exist', async () => {
    const { client } = await connected();
    await assert.rejects(client.disconnect({ properties: { sessionExpiryInterval: 5 } }), withCode('invalid'));
    await assert.rejects(client.disconnect({ reasonCode: 3 }), MqttError);
    assert.equal(client.state, 'connected');
    await client.disconnect();
  });

  test('await using disconnects', async () => {
    const { server, client } = await connected();
    {
      await using used = client;
      assert.equal(used.state, 'connected');
    }
    await server.next('disconnect');
    assert.equal(client.state, 'disconnected');
  });

  test('DISCONNECT from the server closes the client and is told with its reason [MQTT-3.14.4-2, MQTT-4.13.2-1]', async () => {
    const { server, client } = await connected();
    const states: string[] = [];
    client.on('state', (state, reason) => states.push(`${state} by ${reason?.by}`));
    const properties = { reasonString: 'moving', serverReference: 'other:1883' };
    server.send({ type: 'disconnect', reasonCode: 0x9d, properties });
    const { by, error } = await client.closed;
    assert.equal(by, 'server');
    assert.equal(error?.message, 'The server ended the connection: Server moved (0x9D), moving');
    assert.ok(withCode('server-disconnected', 0x9d)(error));
    assert.deepEqual(states, ['disconnected by server']);
    await server.closed();
    assert.deepEqual(server.packets, []);
  });

  test('a 3.1.1 server may not send DISCONNECT', async () => {
    const { server, client } = await connected({}, { version: 4 });
    server.sendBytes('e000');
    assert.ok((await client.closed).error instanceof MqttError);
  });
});

describe('Keep Alive', () => {
  for (const version of [3, 4, 5] as ProtocolVersion[]) {
    test(`an idle client sends PINGREQ, level ${version} [MQTT-3.1.2-20, MQTT311-3.1.2-23]`, async () => {
      const { server, client } = await connected({ keepAlive: 1 }, { version });
      await server.next('pingreq');
      server.send({ type: 'pingresp' });
      await server.next('pingreq');
      assert.equal(client.state, 'connected');
      server.send({ type: 'pingresp' });
      await client.disconnect();
    });
  }

  test("a Server Keep Alive replaces the client's [MQTT-3.1.2-21, MQTT-3.2.2-21]", async () => {
    const { server, client } = await connected({ keepAlive: 60_000 }, { properties: { serverKeepAlive: 1 } });
    await server.next('pingreq');
    await client.disconnect();
  });

  for (const version of [3, 4, 5] as ProtocolVersion[]) {
    test(`a server that does not answer PINGREQ is given up, level ${version} [MQTT-rule-33, MQTT311-rule-2]`, async () => {
      const { server, client } = await connected({ keepAlive: 1, pingTimeoutMs: 50 }, { version });
      const publishing = client.publish('t', 'x', { qos: 1 });
      const outcome = assert.rejects(publishing, withCode('connection-lost'));
      await server.next('publish');
      await server.next('pingreq');
      const { by, error } = await client.closed;
      assert.equal(by, 'network');
      assert.match(error?.message ?? '', /PINGREQ/);
      await outcome;
    });
  }
});

describe('enhanced authentication', () => {
  const method = 'TEST';
  const bytes = (text: string) => new TextEncoder().encode(text);
  const string = (data: Uint8Array | undefined) => new TextDecoder().decode(data);

  test('challenges are answered with AUTH 0x18 and the method, and nothing else until CONNACK [MQTT-4.12.0-3, MQTT-4.12.0-5, MQTT-3.1.2-30, MQTT-3.15.1-1, MQTT-3.15.2-1, MQTT-3.15.2-2, MQTT-3.15.2-3]', async () => {
    const verified: string[] = [];
    const authentication = {
      method,
      data: bytes('first'),
      respond: async (data: Uint8Array | undefined) => bytes(`${string(data)}!`),
      verify: (data: Uint8Array | undefined) => void verified.push(string(data)),
    };
    const { server, connecting } = dial({ authentication });
    const { properties } = await server.next('connect');
    assert.deepEqual([properties.authenticationMethod, string(properties.authenticationData)], [method, 'first']);
    for (const challenge of ['a', 'b']) {
      const authenticationData = bytes(challenge);
      server.send({ type: 'auth', reasonCode: 0x18, properties: { authenticationMethod: method, authenticationData } });
      const answer = await server.next('auth');
      assert.equal(answer.reasonCode, 0x18);
      assert.deepEqual(Object.keys(answer.properties), ['authenticationMethod', 'authenticationData']);
      assert.equal(answer.properties.authenticationMethod, method);
      assert.equal(string(answer.properties.authenticationData), `${challenge}!`);
    }
    const proof = { authenticationMethod: method, authenticationData: bytes('proof') };
    server.send({ type: 'connack', sessionPresent: false, reasonCode: 0, properties: proof });
    await connecting;
    assert.deepEqual(verified, ['proof']);
  });

  test('a client that cannot answer, or does not believe the server, gives up', async () => {
    const failing = { method, respond: () => Promise.reject(new Error('no secret')) };
    const first = dial({ authentication: failing });
    await first.server.next('connect');
    first.server.send({ type: 'auth', reasonCode: 0x18, properties: { authenticationMethod: method } });
    await assert.rejects(first.connecting, (error: MqttError) => error.message === 'no secret');
    await first.server.closed();

    const verify = () => {
      throw new Error('wrong proof');
    };
    const second = dial({ authentication: { method, respond: () => undefined, verify } });
    await second.server.next('connect');
    const properties = { authenticationMethod: method };
    second.server.send({ type: 'connack', sessionPresent: false, reasonCode: 0, properties });
    await second.connecting.catch(() => {});
    await second.server.closed();
  });

  test('another method, or AUTH to a client without one, ends the connection [MQTT-4.12.0-5, MQTT-4.12.0-7]', async () => {
    const authentication = { method, respond: () => undefined };
    const first = dial({ authentication });
    await first.server.next('connect');
    first.server.send({ type: 'auth', reasonCode: 0x18, properties: { authenticationMethod: 'OTHER' } });
    await assert.rejects(first.connecting, (error: MqttError) => error.reasonCode === 0x82);

    const second = dial({ authentication });
    await second.server.next('connect');
    second.server.send({ type: 'connack', sessionPresent: false, reasonCode: 0, properties: {} });
    await assert.rejects(second.connecting, (error: MqttError) => error.reasonCode === 0x82);

    const { client } = await connected();
    await assert.rejects(client.reauthenticate(), withCode('not-supported'));
  });

  test('authentication again begins with AUTH 0x19 and the same method, while messages go on [MQTT-4.12.1-1]', async () => {
    const authentication = { method, respond: (data: Uint8Array | undefined) => bytes(`${string(data)}!`) };
    const properties = { authenticationMethod: method };
    const { server, client } = await connected({ authentication }, { properties });
    const again = client.reauthenticate(bytes('again'));
    const begin = await server.next('auth');
    assert.deepEqual([begin.reasonCode, begin.properties.authenticationMethod], [0x19, method]);
    await client.publish('t', 'x');
    await server.next('publish');
    server.send({ type: 'auth', reasonCode: 0x18, properties: { ...properties, authenticationData: bytes('c') } });
    assert.equal(string((await server.next('auth')).properties.authenticationData), 'c!');
    server.send({ type: 'auth', reasonCode: 0, properties });
    await again;
  });

  test('authentication that fails later ends the connection and rejects [MQTT-4.12.1-2]', async () => {
    const authentication = { method, respond: () => undefined };
    const properties = { authenticationMethod: method };
    const { server, client } = await connected({ authentication }, { properties });
    const again = client.reauthenticate();
    const outcome = assert.rejects(again, withCode('server-disconnected', 0x87));
    await server.next('auth');
    await assert.rejects(client.reauthenticate(), withCode('invalid'));
    server.sendBytes('e001 87');
    await outcome;
    await server.closed();
  });

  test('authentication again whose proof is wrong ends the connection and rejects', async () => {
    let isWrong = false;
    const verify = (): void => {
      if (isWrong) throw new Error('wrong proof');
    };
    const authentication = { method, respond: () => undefined, verify };
    const properties = { authenticationMethod: method };
    const { server, client } = await connected({ authentication }, { properties });
    isWrong = true;
    const again = assert.rejects(client.reauthenticate(), withCode('connection-failed'));
    await server.next('auth');
    server.send({ type: 'auth', reasonCode: 0, properties });
    await again;
    await server.closed();
  });

  test('authentication that timed out does not stand in the way of the next', async () => {
    const authentication = { method, respond: () => undefined };
    const properties = { authenticationMethod: method };
    const { server, client } = await connected({ authentication }, { properties });
    await assert.rejects(client.reauthenticate(bytes('old'), { timeoutMs: 1 }), withCode('timed-out'));
    const again = client.reauthenticate(bytes('new'));
    for (const expected of ['old', 'new']) {
      const { reasonCode, properties: sent } = await server.next('auth');
      assert.deepEqual([reasonCode, string(sent.authenticationData)], [0x19, expected]);
      server.send({ type: 'auth', reasonCode: 0, properties });
    }
    await again;
  });

  test('AUTH that nobody asked for ends the connection', async () => {
    const authentication = { method, respond: () => undefined };
    const properties = { authenticationMethod: method };
    const { server } = await connected({ authentication }, { properties });
    server.send({ type: 'auth', reasonCode: 0x18, properties });
    await server.expectEnd(0x82);
  });
});

describe('an end without DISCONNECT, and PINGREQ by hand', () => {
  test('an abrupt end sends no DISCONNECT, so the server publishes the will [MQTT-3.1.2-8]', async () => {
    const { server, client } = await connected();
    const waiting = assert.rejects(client.publish('t', 'x', { qos: 1 }), withCode('closed'));
    await server.next('publish');
    await client.disconnect({ abrupt: true });
    await waiting;
    await server.closed();
    assert.deepEqual(server.packets, []);
    assert.equal(client.state, 'disconnected');
  });

  test('ping sends PINGREQ at once, also without a keep alive; without a connection it does nothing', async () => {
    const { server, client } = await connected({ keepAlive: 0 });
    client.ping();
    await server.next('pingreq');
    await client.disconnect();
    client.ping();
    assert.equal(client.state, 'disconnected');
  });
});

describe('events', () => {
  test('packets, states, messages and acknowledgements are told', async () => {
    const told: string[] = [];
    const on = {
      packetSent: ({ type }: { type: string }) => void told.push(`> ${type}`),
      packetReceived: ({ type }: { type: string }) => void told.push(`< ${type}`),
      state: (state: string) => void told.push(state),
      publishAcknowledged: (topic: string) => void told.push(`acknowledged ${topic}`),
    };
    const { server, client } = await connected({ on });
    const publishing = client.publish('t', 'x', { qos: 1 });
    server.answer('puback', (await server.next('publish')).packetId);
    await publishing;
    await client.disconnect();
    const expected = [
      'connecting',
      '> connect',
      '< connack',
      'connected',
      '> publish',
      '< puback',
      'acknowledged t',
      '> disconnect',
      'disconnected',
    ];
    assert.deepEqual(told, expected);
  });

  test('messages behind CONNACK wait until the caller of connect could listen', async () => {
    const { server, connecting } = dial({ cleanStart: false });
    await server.next('connect');
    server.send({ type: 'connack', sessionPresent: true, reasonCode: 0, properties: {} });
    server.publish({ topic: 'queued', qos: 1, packetId: 1 });
    const client = await connecting;
    const topics: string[] = [];
    client.on('message', ({ topic }) => topics.push(topic));
    await server.next('puback');
    await settled();
    assert.deepEqual(topics, ['queued']);
  });
});
