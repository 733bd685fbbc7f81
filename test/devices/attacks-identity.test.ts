/** Devices that try to be another one, or more than their type lets them be; over plain MQTT with tokens. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { missing } from '../../tools/prerequisites.ts';
import type { Version } from '../conformance/wire.ts';
import { scratch } from '../doors/guarded-server.ts';
import { Program } from '../interop/local-broker.ts';
import { cameraConnect, FleetServer, fleetFiles, unique } from './fleet-server.ts';

const fleet = await FleetServer.start(fleetFiles(scratch()));
const { guarded } = fleet;
const VERSIONS = [3, 4, 5] as const satisfies readonly Version[];
const KEPT = { properties: { sessionExpiryInterval: 3600 }, clean: false };

async function connected(id: string, token: string, version: Version = 5, more: object = {}) {
  const client = await guarded.open('mqtt', version);
  const connack = await client.connect({ ...cameraConnect(id, token), ...more });
  return { client, connack };
}

for (const version of VERSIONS)
  test(`a camera of version ${version} gets nothing of another camera, and may publish nothing at all`, async () => {
    const [mine, other] = [unique('cam'), unique('cam')];
    const token = await fleet.camera(mine);
    await fleet.camera(other);
    const { client } = await connected(mine, token, version);
    const wishes = [
      `device/things/thing-${other}/message`,
      'device/things/+/message',
      `device/things/thing-${mine}/#`,
      '#',
      '+/+/+/+',
      '$SYS/#',
      `presence/${other}`,
      `$share/g/device/things/thing-${other}/message`,
      `device/things/thing-${mine}/message`,
    ];
    const { codes } = await client.subscribe(...wishes);
    const refused = version === 5 ? 0x87 : 0x80;
    // MQTT 3.1 has no code for a refusal: a granted QoS that brings nothing.
    assert.equal(codes.at(-1), 0);
    if (version > 3) assert.deepEqual(codes.slice(0, -1), Array(wishes.length - 1).fill(refused));
    await fleet.running.broker.publish(`device/things/thing-${other}/message`, Buffer.from('secret'), { qos: 0 });
    await client.ping();
    assert.equal(client.drain().length, 0);
    if (version === 5)
      assert.equal(
        await client.deliver({ topic: `device/things/thing-${other}/message`, qos: 1, payload: '{}' }),
        0x87,
      );
    else client.sendPublish({ topic: `device/things/thing-${other}/message`, qos: 1, id: 77, payload: '{}' });
    await guarded.told('publishRefused', { clientId: cameraConnect(mine, '').clientId });
  });

test('a device has no session of another one, neither by its Client Identifier nor by taking it over', async () => {
  const [mine, other] = [unique('sensor'), unique('sensor')];
  const tokens: string[] = [];
  for (const id of [mine, other]) {
    await fleet.done('POST', '/api/v1/devices', { id, type: 'sensor' });
    tokens.push((await fleet.done('POST', `/api/v1/devices/${id}/tokens`, {})).token);
  }
  const clientId = unique('shared-id');
  const victim = await guarded.open('mqtt');
  await victim.connect({ clientId, username: other, password: tokens[1], ...KEPT });
  await victim.subscribe([`sensors/${other}/#`, 1]);
  for (const clean of [true, false]) {
    const thief = await guarded.open('mqtt');
    await guarded.refuses(thief, { clientId, username: mine, password: tokens[0], clean }, 0x85, 'session-bound');
  }
  await victim.ping();
  await victim.disconnect();
  const later = await guarded.open('mqtt', 4);
  await guarded.refuses(later, { clientId, username: mine, password: tokens[0], clean: false }, 2, 'session-bound');
});

for (const connectedThen of [true, false])
  test(`a device that is added under the id of a removed one has nothing of its session, ${connectedThen ? 'connected' : 'away'} when it was removed`, async () => {
    const id = unique('cam');
    const filter = `device/things/thing-${id}/message`;
    const { client } = await connected(id, await fleet.camera(id), 5, KEPT);
    await client.subscribe([filter, 1]);
    if (!connectedThen) {
      await client.disconnect();
      await fleet.running.broker.publish(filter, Buffer.from('for the former owner'), { qos: 1 });
    }
    await fleet.done('DELETE', `/api/v1/devices/${id}`);
    if (connectedThen)
      await guarded.told('clientDisconnected', { clientId: `p1-c1-s1-${id}`, check: 'device-removed' });
    const again = await connected(id, await fleet.camera(id), 5, KEPT);
    assert.equal(again.connack.sessionPresent, false);
    await fleet.running.broker.publish(filter, Buffer.from('more'), { qos: 1 });
    await again.client.ping();
    assert.deepEqual(again.client.drain(), []);
  });

test('who has the id of a removed device next hears nothing that is retained on topics of its own, a will neither', async () => {
  const id = unique('sensor');
  const add = async () => {
    await fleet.done('POST', '/api/v1/devices', { id, type: 'sensor' });
    return { username: id, password: (await fleet.done('POST', `/api/v1/devices/${id}/tokens`, {})).token };
  };
  const former = await add();
  const { broker } = fleet.running;
  for (const n of [1, 2, 3]) {
    const client = await guarded.open('mqtt');
    const will = {
      topic: `sensors/${id}/will/${n}`,
      payload: 'gone',
      retain: true,
      properties: { willDelayInterval: 60 },
    };
    await client.connect({ clientId: unique('c'), ...former, will, ...KEPT });
    await client.deliver({ topic: `sensors/${id}/state/${n}`, qos: 1, retain: true, payload: 'of the former owner' });
    // At least one that is away is not the last one: the broker alone knows its session and its delayed will.
    if (n < 3) client.cut();
  }
  await broker.publish(`sensors/${id}/command`, Buffer.from('for the former owner'), { qos: 1, retain: true });
  await broker.publish(`sensors/${id}-b/state`, Buffer.from('of a neighbour'), { qos: 1, retain: true });
  await fleet.done('DELETE', `/api/v1/devices/${id}`);
  await guarded.told('deviceErased', { deviceId: id });
  const next = await guarded.open('mqtt');
  await next.connect({ clientId: unique('c'), ...(await add()) });
  assert.deepEqual([...broker.sessionsById.values()].filter(({ identity }) => identity?.includes(id)).length, 1);
  await next.subscribe([`sensors/${id}/#`, 1]);
  await next.ping();
  assert.deepEqual(next.drain(), []);
  assert.notEqual(broker.retained.get(`sensors/${id}-b/state`), undefined);
});

test('tokens that are revoked, rotated out or expired, those of a disabled device and of another one open nothing', async () => {
  const [mine, other] = [unique('cam'), unique('cam')];
  const token = await fleet.camera(mine);
  const foreign = await fleet.camera(other);
  const refuses = async (password: string, code: number, check: string) =>
    guarded.refuses(await guarded.open('mqtt'), cameraConnect(mine, password), code, check);
  await refuses(foreign, 0x86, 'token');
  await refuses(`${token}x`, 0x86, 'token');
  await refuses(token.slice(0, -1), 0x86, 'token');
  await refuses('', 0x86, 'token');
  await refuses('x'.repeat(65_535), 0x86, 'token');
  const rotated = await fleet.done('POST', `/api/v1/devices/${mine}/tokens/rotate`, { overlapS: 0 });
  await refuses(token, 0x87, 'token-expired');
  await fleet.done('PATCH', `/api/v1/devices/${mine}`, { enabled: false });
  await refuses(rotated.token, 0x87, 'device-disabled');
  await fleet.done('PATCH', `/api/v1/devices/${mine}`, { enabled: true });
  const { client } = await connected(mine, rotated.token);
  const next = await fleet.done('POST', `/api/v1/devices/${mine}/tokens/rotate`, { overlapS: 0 });
  await client.expectClose([0x87]);
  await fleet.done('DELETE', `/api/v1/devices/${mine}/tokens/${next.tokenId}`);
  await refuses(next.token, 0x86, 'token');
});

test('an id that is none, and one that is none here, get the answer of a wrong token, whatever they look like', async () => {
  const id = unique('cam');
  await fleet.camera(id);
  const wrong = await guarded.open('mqtt');
  wrong.sendConnect(cameraConnect(id, 'wrong'));
  const answer = await wrong.expectRefusal(0x86);
  const strange = [
    unique('cam'),
    "' OR 1=1 --",
    '../../etc/passwd',
    '..',
    '%00',
    '__proto__',
    'constructor',
    '#',
    '+',
    '$SYS',
    'fleet:x',
    'x'.repeat(65_535),
    'ä'.repeat(200),
  ];
  for (const username of strange) {
    const client = await guarded.open('mqtt');
    client.sendConnect({ clientId: unique('c'), username, password: 'wrong' });
    const refused = await client.expectRefusal(0x86);
    assert.deepEqual(refused.raw, answer.raw, username);
  }
});

test('Client Identifiers that do not fit the device are refused, by the field that differs', async () => {
  const id = unique('cam');
  const token = await fleet.camera(id);
  for (const clientId of [
    `p2-c1-s1-${id}`,
    `p1-c1-s2-${id}`,
    `p1-c1-s1-${id}x`,
    `p1-c1-s1-${id}-`,
    id,
    `p1--s1-${id}`,
  ]) {
    const client = await guarded.open('mqtt');
    await guarded.refuses(client, { ...cameraConnect(id, token), clientId }, 0x85, 'client-id');
  }
  const unnamed = await guarded.open('mqtt');
  unnamed.sendConnect({ ...cameraConnect(id, token), clientId: '' });
  await unnamed.expectRefusal(0x85);
});

test('a will, and a Topic Alias, lead to no other topics than a publish', async () => {
  const id = unique('cam');
  const token = await fleet.camera(id);
  const will = { topic: `device/things/thing-${id}/message`, payload: 'x' };
  const client = await guarded.open('mqtt');
  await guarded.refuses(client, { ...cameraConnect(id, token), ...{ will } }, 0x87, 'will-permission');
  const { client: other } = await connected(id, token);
  const fields = { topic: 'device/things/x/message', qos: 1, properties: { topicAlias: 1 }, payload: '' } as const;
  assert.equal(await other.deliver(fields), 0x87);
  assert.equal(await other.deliver({ ...fields, topic: '' }), 0x87);
});

test('mosquitto_sub with the id and token of one camera and the Client Identifier or topic of another gets nothing', {
  skip: missing('mosquitto_sub'),
}, async () => {
  const [mine, other] = [unique('cam'), unique('cam')];
  const token = await fleet.camera(mine);
  await fleet.camera(other);
  const port = String(guarded.port('mqtt'));
  const who = ['-p', port, '-u', mine, '-P', token];
  const topic = ['-t', `device/things/thing-${other}/message`];
  for (const version of ['mqttv31', 'mqttv311', 'mqttv5']) {
    const asOther = new Program('mosquitto_sub', ['-V', version, ...who, '-i', `p1-c1-s1-${other}`, ...topic]);
    assert.notEqual(await asOther.exited, 0, version);
    assert.match(asOther.err, /identifier/i);
  }
  // Where all its subscriptions were refused it goes.
  const listening = new Program('mosquitto_sub', ['-V', 'mqttv5', ...who, '-i', `p1-c1-s1-${mine}`, ...topic]);
  assert.match(await listening.output(), /^$/);
  assert.match(listening.err, /denied/i);
});

test('a flood of wrong passwords for one device is held back, from whatever address, and nobody else with it', async () => {
  const guard = { userDelayAfter: 3, delayMs: 60_000, delayMaxMs: 60_000 };
  const held = await FleetServer.start(fleetFiles(scratch()), { guard });
  await held.camera('cam-1');
  const token = await held.camera('cam-2');
  for (const [attempt, address] of ['127.0.0.2', '127.0.0.3', '127.0.0.4'].entries()) {
    const client = await held.guarded.open('mqtt', 5, address);
    client.sendConnect(cameraConnect('cam-1', `guess-${attempt}`));
    await client.expectRefusal(0x86);
  }
  const guessing = await held.guarded.open('mqtt', 5, '127.0.0.5');
  guessing.sendConnect(cameraConnect('cam-1', 'guess'));
  const other = await held.guarded.open('mqtt', 5, '127.0.0.5');
  await other.connect(cameraConnect('cam-2', token));
  assert.deepEqual(guessing.drain(), []);
  guessing.cut();
});

test('a device that is called like an administrator, or put into the group of one, may do what its type says', async () => {
  const files = fleetFiles(scratch());
  const rules = [
    { allow: 'all', topics: ['#', '$SYS/#'], for: { users: 'admin' } },
    { allow: 'all', topics: ['#', '$SYS/#'], for: { groups: 'admins' } },
    { allow: 'subscribe', topics: ['secret/{clientId}', 'own/{username}'] },
  ] as const;
  const guarding = await FleetServer.start(files, { authorization: { rules } });
  await guarding.done('POST', '/api/v1/devices', { id: 'admin', type: 'sensor', groups: ['admins'] });
  const { token } = await guarding.done('POST', '/api/v1/devices/admin/tokens', {});
  const client = await guarding.guarded.open('mqtt');
  await client.connect({ clientId: 'x', username: 'admin', password: token });
  const { codes } = await client.subscribe('#', '$SYS/#', 'secret/x', 'own/admin', 'sensors/admin/#');
  assert.deepEqual(codes, [0x87, 0x87, 0x87, 0x87, 0]);
  for (const groups of [['device-type:camera'], ['device-type:'], ['device-type:sensor']]) {
    const answer = await guarding.ask('POST', '/api/v1/devices', { id: 'sensor-1', type: 'sensor', groups });
    assert.deepEqual([answer.status, answer.body.code], [400, 'input-invalid'], groups[0]);
  }
  for (const attributes of [{ deviceType: 'camera' }, { deviceId: 'admin' }]) {
    const answer = await guarding.ask('POST', '/api/v1/devices', { id: 'sensor-1', type: 'sensor', attributes });
    assert.deepEqual([answer.status, answer.body.code], [400, 'input-invalid']);
  }
});
