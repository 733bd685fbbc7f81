import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freePort } from '../../../test/free-port.ts';
import { type Peer, TcpServer } from '../../../test/scripted-tcp-server.ts';
import { MQTTClient, type MQTTClientParameters, MQTTException } from './index.ts';

async function made(options: MQTTClientParameters = {}, version: 3 | 4 = 4) {
  const server = await TcpServer.start(version);
  const client = new MQTTClient('test', '127.0.0.1', { port: server.port, ...options });
  const received: string[] = [];
  client.set_callback((topic, msg) => void received.push(`${topic.decode()} ${msg.decode()}`));
  return { server, client, received };
}

/** A client that a server has accepted. */
async function connected(options: MQTTClientParameters = {}) {
  const { server, client, received } = await made(options);
  const connecting = client.connect();
  const peer = await server.accept();
  await connecting;
  return { server, client, received, peer };
}

async function subscribed(client: MQTTClient, peer: Peer, topic = 'a'): Promise<void> {
  const subscribing = client.subscribe(topic, 1);
  await peer.grant(1);
  assert.equal(await subscribing, undefined);
}

const withCode = (code: number, meaning: RegExp) => (error: unknown) => {
  assert.ok(error instanceof MQTTException, String(error));
  assert.equal(error.code, code);
  assert.match(error.meaning, meaning);
  return true;
};

test('connect resolves 0 and says what the document has as defaults: 3.1.1, a clean session, no keep alive', async () => {
  const { server, client } = await made();
  const connecting = client.connect();
  const { connect } = await server.accept();
  assert.equal(await connecting, 0);
  const { protocolVersion, clientId, cleanStart, keepAlive, username, password, will } = connect;
  assert.deepEqual(
    { protocolVersion, clientId, cleanStart, keepAlive, username, password, will },
    {
      protocolVersion: 4,
      clientId: 'test',
      cleanStart: true,
      keepAlive: 0,
      username: undefined,
      password: undefined,
      will: undefined,
    },
  );
  assert.equal(await client.disconnect(), undefined);
});

test('every parameter reaches CONNECT, in its order', async () => {
  const server = await TcpServer.start(3);
  const bytes = new TextEncoder();
  const client = new MQTTClient(
    bytes.encode('id'),
    '127.0.0.1',
    server.port,
    'ada',
    Uint8Array.of(1, 2),
    60,
    false,
    {},
    false,
    3,
  );
  client.set_last_will(bytes.encode('gone'), 'bye', true, 1);
  const connecting = client.connect(false);
  const { connect } = await server.accept();
  await connecting;
  assert.deepEqual(
    [connect.protocolVersion, connect.clientId, connect.cleanStart, connect.keepAlive],
    [3, 'id', false, 60],
  );
  assert.deepEqual([connect.username, Buffer.from(connect.password ?? []).toString('hex')], ['ada', '0102']);
  const { topic = '', payload = '', retain, qos } = connect.will ?? {};
  assert.deepEqual([topic, Buffer.from(payload).toString(), retain, qos], ['gone', 'bye', true, 1]);
  await client.disconnect();
});

test('every optional parameter may come by its name', async () => {
  const { server, client } = await made({ user: 'ada', password: 'x', keepalive: 9, reconn: false });
  client.set_last_will('gone', 'bye', { qos: 1 });
  const connecting = client.connect({ clean_session: false });
  const peer = await server.accept();
  await connecting;
  assert.deepEqual(
    [peer.connect.username, peer.connect.keepAlive, peer.connect.cleanStart, peer.connect.will?.qos],
    ['ada', 9, false, 1],
  );
  assert.equal(peer.connect.will?.retain, false);
  const publishing = client.publish('a', 'x', { qos: 1, retain: true });
  const { packetId, qos, retain } = await peer.next('publish');
  assert.deepEqual([qos, retain], [1, true]);
  peer.send({ type: 'puback', packetId, reasonCode: 0, properties: {} });
  assert.equal(await publishing, undefined);
  const subscribing = client.subscribe('a', { qos: 1 });
  assert.equal((await peer.grant(1)).subscriptions[0].qos, 1);
  await subscribing;
  await client.disconnect();
});

test('publish and subscribe have QoS 0 and no retain by default; topic and message may be bytes', async () => {
  const { client, peer } = await connected();
  const bytes = new TextEncoder();
  await client.publish(bytes.encode('a'), Uint8Array.of(0xff));
  const { topic, payload, qos, retain } = await peer.next('publish');
  assert.deepEqual([topic, [...payload], qos, retain], ['a', [0xff], 0, false]);
  const subscribing = client.subscribe(bytes.encode('b'));
  const { subscriptions } = await peer.grant(0);
  await subscribing;
  assert.deepEqual([subscriptions[0].filter, subscriptions[0].qos], ['b', 0]);
  await client.disconnect();
});

for (const [code, meaning] of [
  [1, /protocol version/],
  [2, /identifier/],
  [3, /unavailable/],
  [4, /bad user name/],
  [5, /not authorized/],
] as const) {
  test(`connect throws MQTTException ${code} where CONNACK says so, and the state is -1`, async () => {
    const { server, client } = await made();
    const failed = assert.rejects(client.connect(), withCode(code, meaning));
    const peer = await server.next();
    await peer.next('connect');
    peer.socket.write(Uint8Array.of(0x20, 2, 0, code));
    await failed;
    assert.equal(client.get_mqttsta(), -1);
  });
}

test('connect throws MQTTException -1 where nobody listens; what follows tells why', async () => {
  const client = new MQTTClient('test', '127.0.0.1', await freePort());
  await assert.rejects(client.connect(), withCode(-1, /ECONNREFUSED/));
  await assert.rejects(client.wait_msg(), withCode(-1, /ECONNREFUSED/));
  await assert.rejects(client.publish('a', 'x'), withCode(-1, /ECONNREFUSED/));
  assert.equal(client.get_mqttsta(), -1);
});

test('without connect every call that needs a connection says so; disconnect, close and a disabled ping do nothing', async () => {
  const client = new MQTTClient('test', 'localhost');
  assert.equal(client.get_mqttsta(), -1);
  const calls = [client.publish('a', 'x'), client.subscribe('a'), client.check_msg(), client.wait_msg()];
  for (const call of calls) await assert.rejects(call, withCode(-1, /connect\(\) is expected first$/));
  await assert.rejects(new MQTTClient('t', 'localhost', { keepalive: 5 }).ping(), withCode(-1, /connect\(\) is/));
  await client.disconnect();
  await client.close();
  assert.equal(await client.ping(), undefined);
});

test('the callback runs only inside wait_msg and check_msg, for one message each', async () => {
  const { client, received, peer } = await connected();
  await subscribed(client, peer);
  for (const text of ['1', '2', '3']) peer.publish('a', text);
  assert.equal(await client.wait_msg(), undefined);
  assert.deepEqual(received, ['a 1']);
  assert.equal(await client.check_msg(), undefined);
  assert.deepEqual(received, ['a 1', 'a 2']);
  await client.wait_msg();
  assert.deepEqual(received, ['a 1', 'a 2', 'a 3']);
  await client.check_msg();
  assert.equal(received.length, 3);
  await client.disconnect();
});

test('a loop of check_msg lets messages arrive', async () => {
  const { client, received, peer } = await connected();
  await subscribed(client, peer);
  peer.publish('a', '1');
  while (received.length === 0) await client.check_msg();
  await client.disconnect();
});

test('a message of QoS 1 is acknowledged when it was taken and the callback has settled', async () => {
  const { client, peer } = await connected();
  await subscribed(client, peer);
  peer.publish('a', '1', 7);
  const called = Promise.withResolvers<void>();
  const finished = Promise.withResolvers<void>();
  client.set_callback(() => {
    called.resolve();
    return finished.promise;
  });
  const waiting = client.wait_msg();
  await called.promise;
  // What the client sends is in order: nothing was acknowledged before this.
  await client.publish('order', '');
  await peer.next('publish');
  assert.deepEqual(peer.types, []);
  finished.resolve();
  await waiting;
  assert.equal((await peer.next('puback')).packetId, 7);
  await client.disconnect();
});

test('what a session of before brings is acknowledged when it is taken, without a subscription here', async () => {
  const { server, client, received } = await made();
  const connecting = client.connect(false);
  const peer = await server.accept({ sessionPresent: true });
  peer.publish('kept', '1', 9);
  await connecting;
  await client.publish('order', '');
  await peer.next('publish');
  await client.wait_msg();
  assert.equal((await peer.next('puback')).packetId, 9);
  assert.deepEqual(received, ['kept 1']);
  await client.disconnect();
});

test('wait_msg rejects with what the callback throws, and the message counts as taken', async () => {
  const { client, peer } = await connected();
  await subscribed(client, peer);
  client.set_callback(() => {
    throw new RangeError('mine');
  });
  peer.publish('a', '1', 7);
  await assert.rejects(client.wait_msg(), { name: 'RangeError', message: 'mine' });
  assert.equal((await peer.next('puback')).packetId, 7);
  await client.disconnect();
});

test('a message for nobody is an error that names set_callback', async () => {
  const server = await TcpServer.start();
  const client = new MQTTClient('test', '127.0.0.1', server.port);
  const connecting = client.connect();
  const peer = await server.accept();
  await connecting;
  await subscribed(client, peer);
  peer.publish('a', '1');
  await assert.rejects(client.wait_msg(), { name: 'TypeError', message: /set_callback\(\) is expected first$/ });
  await client.disconnect();
});

test('messages of QoS 0 above queue_max are dropped and counted', async () => {
  const { client, received, peer } = await connected({ queue_max: 2 });
  await subscribed(client, peer);
  for (const text of ['1', '2', '3']) peer.publish('a', text);
  peer.publish('a', '4', 4);
  // SUBACK comes behind them.
  await subscribed(client, peer, 'b');
  for (let count = 0; count < 4; count++) await client.check_msg();
  assert.deepEqual(received, ['a 1', 'a 2', 'a 4']);
  assert.equal(client.dropped, 1);
  await client.disconnect();
});

test('a topic that is subscribed to again is one subscription: its messages come once', async () => {
  const { client, received, peer } = await connected();
  await subscribed(client, peer);
  await subscribed(client, peer);
  peer.publish('a', '1');
  await subscribed(client, peer, 'b');
  await client.check_msg();
  await client.check_msg();
  assert.deepEqual(received, ['a 1']);
  await client.disconnect();
  assert.equal((await peer.next('disconnect')).type, 'disconnect');
});

test('a refused subscription throws MQTTException 128', async () => {
  const { client, peer } = await connected();
  const failed = assert.rejects(client.subscribe('secret'), withCode(128, /refused the subscription/));
  await peer.grant(0x80);
  await failed;
  await client.disconnect();
});

test('QoS 2 and wrong arguments are refused and nothing is sent', async () => {
  const { client, peer } = await connected();
  const qos2 = { name: 'RangeError', message: /qos is 2, an integer from 0 to 1 \(umqtt has no QoS 2\) is expected/ };
  const two = 2 as 1;
  await assert.rejects(client.publish('a', 'x', false, two), qos2);
  await assert.rejects(client.subscribe('a', two), qos2);
  assert.throws(() => client.set_last_will('a', 'x', false, two), qos2);
  await assert.rejects(client.publish('a', { value: 1 } as unknown as string), {
    name: 'TypeError',
    message: 'Cannot publish: msg is of type Object, a string or bytes (Uint8Array) is expected',
  });
  await assert.rejects(client.publish('a', 'x', 1 as unknown as boolean), { name: 'TypeError', message: /retain is/ });
  await assert.rejects(client.subscribe(5 as unknown as string), TypeError);
  await assert.rejects(client.connect('yes' as unknown as boolean), { name: 'TypeError', message: /clean_session is/ });
  await assert.rejects(client.publish('a/#', 'x'), withCode(-1, /wildcard/));
  assert.throws(() => client.set_callback('cb' as unknown as () => void), { message: /callback is of type string/ });
  assert.throws(() => client.error_register_cb(undefined as unknown as () => void), TypeError);
  assert.throws(() => new MQTTClient('id', 'localhost', { version: 5 as 4 }), { message: /version is 5/ });
  assert.equal(client.get_mqttsta(), 0);
  await client.disconnect();
  assert.equal((await peer.next('disconnect')).type, 'disconnect');
});

test('ping asks the server where there is a keep alive, and does nothing where there is none', async () => {
  const { client, peer } = await connected({ keepalive: 60 });
  const pinging = client.ping();
  await peer.next('pingreq');
  peer.send({ type: 'pingresp' });
  assert.equal(await pinging, undefined);
  await client.disconnect();
  const silent = await connected();
  assert.equal(await silent.client.ping(), undefined);
  await silent.client.disconnect();
  assert.equal((await silent.peer.next('disconnect')).type, 'disconnect');
});

test('get_mqttsta is 1 while connecting, 0 when connected, -1 after disconnect, which sends DISCONNECT', async () => {
  const { server, client } = await made();
  const connecting = client.connect();
  assert.equal(client.get_mqttsta(), 1);
  const peer = await server.accept();
  await connecting;
  assert.equal(client.get_mqttsta(), 0);
  const waiting = assert.rejects(client.wait_msg(), withCode(-1, /closed here/));
  await client.disconnect();
  await waiting;
  await peer.next('disconnect');
  assert.equal(client.get_mqttsta(), -1);
  await assert.rejects(client.wait_msg(), withCode(-1, /connect\(\) is expected first/));
});

test('close ends the connection without DISCONNECT in any state, and connect works again', async () => {
  const { server, client, peer } = await connected();
  const waiting = assert.rejects(client.wait_msg(), withCode(-1, /closed here/));
  assert.equal(await client.close(), undefined);
  await waiting;
  await peer.closed;
  assert.deepEqual(peer.types, []);
  assert.equal(client.get_mqttsta(), -1);

  const abandoned = assert.rejects(client.connect(), withCode(-1, /disconnected/));
  const silent = await server.next();
  await silent.next('connect');
  await client.close();
  await abandoned;
  await silent.closed;

  const again = client.connect();
  await server.accept();
  assert.equal(await again, 0);
  assert.equal(client.get_mqttsta(), 0);
  await client.disconnect();
  await client.close();
});

test('connect on a connection replaces that', async () => {
  const { server, client, peer } = await connected();
  const again = client.connect(false);
  const next = await server.accept();
  assert.equal(await again, 0);
  assert.equal(next.connect.cleanStart, false);
  await peer.closed;
  assert.deepEqual(peer.types, []);
  await client.disconnect();
});

test('without reconn a lost connection rejects wait_msg and the next, calls the error callback once, and is state 2', async () => {
  const { server, client, peer } = await connected({ reconn: false });
  await subscribed(client, peer);
  const errors: MQTTException[] = [];
  const states: number[] = [];
  client.error_register_cb((error) => {
    errors.push(error);
    states.push(client.get_mqttsta());
  });
  const waiting = assert.rejects(client.wait_msg(), withCode(-1, /lost/));
  peer.cut();
  await waiting;
  await assert.rejects(client.wait_msg(), withCode(-1, /lost/));
  await assert.rejects(client.check_msg(), withCode(-1, /lost/));
  await assert.rejects(client.publish('a', 'x'), withCode(-1, /lost/));
  assert.equal(client.get_mqttsta(), 2);
  assert.deepEqual([errors.map((error) => error instanceof MQTTException && error.code), states], [[-1], [2]]);
  // By hand: nothing is subscribed to again.
  const again = client.connect();
  const next = await server.accept();
  await again;
  assert.equal(client.get_mqttsta(), 0);
  await client.publish('order', '');
  await next.next('publish');
  await client.disconnect();
});

test('without reconn what came before the end is taken first', async () => {
  const { client, received, peer } = await connected({ reconn: false });
  await subscribed(client, peer);
  peer.publish('a', '1');
  peer.socket.end();
  await peer.closed;
  while (client.get_mqttsta() === 0) await new Promise(setImmediate);
  await client.wait_msg();
  assert.deepEqual(received, ['a 1']);
  await assert.rejects(client.wait_msg(), withCode(-1, /lost/));
});

test('with reconn wait_msg keeps waiting, subscriptions return and the error callback stays silent', async () => {
  const { server, client, received, peer } = await connected();
  await subscribed(client, peer);
  let calls = 0;
  client.error_register_cb(() => {
    calls += 1;
  });
  const waiting = client.wait_msg();
  peer.cut();
  const next = await server.accept();
  const { subscriptions } = await next.grant(1);
  assert.deepEqual([subscriptions[0].filter, subscriptions[0].qos], ['a', 1]);
  next.publish('a', 'again');
  await waiting;
  assert.deepEqual([received, calls, client.get_mqttsta()], [['a again'], 0, 0]);
  await client.disconnect();
});

test('with reconn a publish waits for the connection, and the state in between is 1', async () => {
  const { server, client, peer } = await connected();
  peer.cut();
  while (client.get_mqttsta() === 0) await new Promise(setImmediate);
  assert.equal(client.get_mqttsta(), 1);
  const publishing = client.publish('a', 'later');
  const next = await server.accept();
  await publishing;
  assert.equal((await next.next('publish')).topic, 'a');
  await client.disconnect();
});

test('with reconn a server that refuses the next connection for good ends it: wait_msg rejects, the state is -1', async () => {
  const { server, client, peer } = await connected();
  const failed = assert.rejects(client.wait_msg(), withCode(4, /bad user name/));
  peer.cut();
  const next = await server.next();
  await next.next('connect');
  next.socket.write(Uint8Array.of(0x20, 2, 0, 4));
  await failed;
  assert.equal(client.get_mqttsta(), -1);
});
