/** What clients may not do: each denial with the code that the client gets and the event that names client, topic and rule. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { hashPassword } from '@dunlin/identity';
import { connect as connectMqttJs } from 'mqtt';
import { signed } from '../../packages/identity/src/testing/tokens.ts';
import type { RawClient } from '../conformance/raw-client.ts';
import { GuardedServer, scratch } from './guarded-server.ts';

const NOT_AUTHORIZED = 0x87;
const SECRET = 'a secret of thirty-two bytes or more';
const hash = await hashPassword(Buffer.from('pencil'));

const server = await GuardedServer.start({
  // Control characters in text break the standard's advice; here they come as far as the rules.
  settings: { strictText: false },
  guard: { userDelayAfter: 1000 },
  authentication: [
    { method: 'users', users: [{ name: 'ada', password: hash }] },
    { method: 'jwt', algorithms: ['HS256'], secret: SECRET },
  ],
  authorization: {
    rules: [
      { allow: ['publish', 'subscribe'], topics: ['cameras/{username}/#', 'clients/{clientId}/#'] },
      { allow: 'publish', topics: ['reports'], qosMax: 1, retain: false },
      { deny: 'all', topics: ['cameras/+/secret'] },
      { deny: 'will', topics: ['cameras/+/quiet'] },
    ],
  },
});

async function ada(clientId: string, version: 4 | 5 = 5): Promise<RawClient> {
  const client = await server.open('tcp', version);
  await client.connect({ clientId, username: 'ada', password: 'pencil' });
  return client;
}

test('a publisher gets 0x87 for what no rule allows, for what one denies, and beyond QoS and RETAIN of a rule', async () => {
  const client = await ada('publisher');
  assert.equal(await client.deliver({ topic: 'cameras/ada/state', qos: 1 }), 0x10);
  for (const [topic, more, rule] of [
    ['cameras/bob/state', { qos: 1 }, /no rule|rules\[0\]/],
    ['cameras/ada/secret', { qos: 1 }, /rules\[2\]/],
    ['reports', { qos: 2 }, /rules\[1\]/],
    ['reports', { qos: 1, retain: true }, /rules\[1\]/],
  ] as const) {
    const before = server.count('publishRefused', { topic });
    assert.equal(await client.deliver({ topic, payload: 'x', ...more }), NOT_AUTHORIZED);
    assert.equal(server.count('publishRefused', { topic }), before + 1);
    await server.told('publishRefused', { clientId: 'publisher', topic, reasonCode: NOT_AUTHORIZED, rule });
  }
  await client.disconnect();
});

test('a subscriber gets 0x87 (3.1.1: 0x80) for another topic, for one that is wider, and for a denied one', async () => {
  for (const [version, code] of [
    [5, NOT_AUTHORIZED],
    [4, 0x80],
  ] as const) {
    const clientId = `subscriber-${version}`;
    const client = await ada(clientId, version);
    const filters = ['cameras/bob/#', 'cameras/#', '#', '+/ada/state', '$share/g/cameras/+/x', 'cameras/ada/secret'];
    const answer = await client.subscribe('cameras/ada/state', ...filters);
    assert.deepEqual(answer.codes, [0, ...filters.map(() => code)]);
    for (const filter of filters) await server.told('subscriptionRefused', { clientId, filter, rule: /rule/ });
    await client.disconnect();
  }
});

test('a will that may not be sent is refused at CONNECT', async () => {
  for (const [topic, rule] of [
    ['cameras/bob/state', /rule/],
    ['cameras/ada/quiet', /rules\[3\]/],
  ] as const) {
    const clientId = `will of ${topic}`;
    const connect = { clientId, username: 'ada', password: 'pencil', will: { topic, payload: 'gone' } };
    const told = await server.refuses(await server.open('tcp'), connect, NOT_AUTHORIZED, 'will-permission');
    assert.match(String(told.detail), rule);
    assert.ok(String(told.detail).includes(topic));
  }
});

test('a name that would leave its level opens nothing, whoever vouches for it', async () => {
  for (const [username, check] of [['+'], ['#'], ['ada/x'], ['a+b'], ['../#'], ['bo\u0001b', 'token-username']]) {
    const password = await signed({ sub: username, exp: 4_000_000_000 }, 'HS256', Buffer.from(SECRET));
    const client = await server.open('tcp');
    const clientId = `named ${JSON.stringify(username)}`;
    if (check !== undefined) {
      await server.refuses(client, { clientId, username, password }, NOT_AUTHORIZED, check);
      continue;
    }
    await client.connect({ clientId, username, password });
    const filters = [`cameras/${username}/#`, 'cameras/ada/state', 'cameras/+/state', 'cameras/#'];
    const wellFormed = filters.filter((filter) => !/[^/][+#]|[+#][^/]/.test(filter) && !/#./.test(filter));
    const answer = await client.subscribe(...wellFormed);
    const expected = wellFormed.map(() => NOT_AUTHORIZED);
    assert.deepEqual(answer.codes, expected, JSON.stringify([username, wellFormed]));
    for (const topic of ['cameras/ada/state', 'cameras/bob/state'])
      assert.equal(await client.deliver({ topic, qos: 1 }), NOT_AUTHORIZED);
    await client.disconnect();
  }
});

test('a Client Identifier that would leave its level opens nothing, and the rule that is passed over is told', async () => {
  for (const clientId of ['+', '#', 'x/y', 'a\u0001b']) {
    const client = await ada(clientId);
    const answer = await client.subscribe('clients/x/state', 'clients/+/state', 'clients/#');
    assert.deepEqual(answer.codes, [NOT_AUTHORIZED, NOT_AUTHORIZED, NOT_AUTHORIZED]);
    assert.equal(await client.deliver({ topic: 'clients/x/state', qos: 1 }), NOT_AUTHORIZED);
    await client.disconnect();
  }
  await server.told('ruleSkipped', { variable: /clientId/ });
});

test('MQTT.js learns why it may not publish and subscribe', async () => {
  const url = `mqtt://127.0.0.1:${server.port('tcp')}`;
  const client = connectMqttJs(url, { protocolVersion: 5, username: 'ada', password: 'pencil', reconnectPeriod: 0 });
  try {
    const refused = (error: { code?: number }): boolean => error.code === NOT_AUTHORIZED;
    await assert.rejects(client.publishAsync('cameras/bob/state', 'x', { qos: 1 }), refused);
    await assert.rejects(client.subscribeAsync('cameras/#'), /not authorized|0x87|135/i);
  } finally {
    await client.endAsync(true);
  }
});

test('other rules count after SIGHUP, also for a subscription that is open; a faulty file changes nothing', async () => {
  const directory = scratch();
  const rules = (text: string): void => writeFileSync(join(directory, 'rules.yaml'), `rules:\n${text}`);
  rules("  - { allow: all, topics: 'a/#' }\n");
  const served = await GuardedServer.serve(
    directory,
    `
listeners: [{ name: tcp, host: 127.0.0.1, port: 0 }]
authentication: [{ method: users, users: [{ name: ada, password: '${hash}' }] }]
authorization: { rulesFile: rules.yaml }
`,
  );
  const connected = async (clientId: string): Promise<RawClient> => {
    const client = await served.open('tcp');
    await client.connect({ clientId, username: 'ada', password: 'pencil' });
    return client;
  };
  const [subscriber, publisher] = [await connected('subscriber'), await connected('publisher')];
  await subscriber.subscribe('a/#');
  const sent = async (topic: string): Promise<number> => publisher.deliver({ topic, payload: topic, qos: 1 });
  assert.equal(await sent('a/open'), 0);
  await subscriber.receive({ topic: 'a/open' });

  rules("  - { allow: everything, topics: 'a/#' }\n");
  served.signal('SIGHUP');
  assert.match(String((await served.told('reloadFailed')).error), /rules\.yaml:2/);
  assert.equal(await sent('a/shut'), 0);
  await subscriber.receive({ topic: 'a/shut' });

  rules("  - { allow: all, topics: 'a/#' }\n  - { deny: subscribe, topics: a/shut }\n");
  served.signal('SIGHUP');
  await served.told('reloaded');
  await sent('a/shut');
  await served.told('deliveryDenied', { clientId: 'subscriber', topic: 'a/shut', rule: /rules\.yaml:3/ });
  assert.equal(await sent('a/open'), 0);
  // The next that comes is this one.
  await subscriber.receive({ topic: 'a/open' });
  await subscriber.disconnect();
  await publisher.disconnect();
});
