import assert from 'node:assert/strict';
import { test } from 'node:test';
import { turns } from '../testing/clock.ts';
import { CommandWorld } from '../testing/command-world.ts';

const wake = { deviceId: 'cam1', type: 'wake', by: 'test' };

test('a command to a device that is away goes out when the device is subscribed, not before', async () => {
  const world = new CommandWorld();
  const commands = await world.open();
  await commands.request(wake);
  await world.connect('cam1');
  assert.deepEqual(world.sentIds, []);
  world.broker.subscribeClient('cam1', 'things/+/message', 1);
  world.connections.take({ kind: 'subscribed', deviceId: 'cam1', clientId: 'cam1' });
  await turns();
  assert.deepEqual(world.sentIds, ['id1']);
  const { topic, qos, expiresInS } = world.broker.sent[0];
  assert.deepEqual([topic, qos, expiresInS], ['things/t-cam1/message', 1, 60]);
  assert.equal((await commands.get('id1'))?.state, 'sent');
});

test('a session that has its subscriptions already gets its commands when it connects', async () => {
  const world = new CommandWorld();
  const commands = await world.open();
  await commands.request(wake);
  await world.connect('cam1', 1);
  assert.deepEqual(world.sentIds, ['id1']);
  await world.connect('cam1', 1);
  assert.deepEqual(world.sentIds, ['id1']);
});

test('a device that subscribes twice gets a command once', async () => {
  const world = new CommandWorld();
  const commands = await world.open();
  await world.connect('cam1', 0);
  await commands.request(wake);
  await turns();
  for (const filter of ['things/#', 'things/t-cam1/message']) {
    world.broker.subscribeClient('cam1', filter, 0);
    world.connections.take({ kind: 'subscribed', deviceId: 'cam1', clientId: 'cam1' });
    await turns();
  }
  assert.deepEqual(world.sentIds, ['id1']);
});

test('what was written at QoS 0 goes out again with the same id after a reconnect, until it has expired', async () => {
  const world = new CommandWorld();
  const commands = await world.open();
  await commands.request(wake);
  await world.connect('cam1', 0);
  const sent = await commands.get('id1');
  assert.deepEqual([sent?.state, sent?.confirmed, sent?.attempts], ['sent', false, 1]);
  await world.disconnect('cam1');
  await world.connect('cam1', 0);
  assert.deepEqual(world.sentIds, ['id1', 'id1']);
  assert.equal((await commands.get('id1'))?.attempts, 2);
  await world.disconnect('cam1');
  await world.clock.passInTurns(60_000);
  await world.connect('cam1', 0);
  assert.equal(world.sentIds.length, 2);
  assert.equal((await commands.get('id1'))?.state, 'expired');
});

test('what was written goes out again after a takeover, and what the old connection says later changes nothing', async () => {
  const world = new CommandWorld();
  const commands = await world.open();
  await commands.request(wake);
  await world.connect('cam1', 0);
  const [{ connection }] = [...world.connections.of('cam1')];
  await world.connect('cam1', 0);
  assert.deepEqual(world.sentIds, ['id1', 'id1']);
  const late = { kind: 'disconnected', deviceId: 'cam1', clientId: 'cam1', connection, reason: 'late' } as const;
  world.connections.take(late);
  await commands.request({ ...wake, type: 'sleep' });
  await turns();
  assert.deepEqual(world.sentIds.slice(2), ['id2']);
});

test('commands of a type go one after the other in the order of request, other types beside them', async () => {
  const world = new CommandWorld();
  const commands = await world.open();
  for (const type of ['wake', 'wake', 'sleep', 'wake']) await commands.request({ ...wake, type });
  world.broker.answers = () => undefined;
  await world.connect('cam1', 1);
  assert.deepEqual(world.sentIds, ['id1', 'id3']);
  world.broker.sent[0].settle('acknowledged');
  await turns();
  assert.deepEqual(world.sentIds, ['id1', 'id3', 'id2']);
  world.broker.sent[2].settle('acknowledged');
  await turns();
  assert.deepEqual(world.sentIds, ['id1', 'id3', 'id2', 'id4']);
});

test('a delivery that the server had no room for is tried again in order, and did not go out', async () => {
  const world = new CommandWorld();
  const commands = await world.open();
  for (let n = 0; n < 2; n++) await commands.request(wake);
  let refusals = 2;
  world.broker.answers = () => (refusals-- > 0 ? 'refused' : 'acknowledged');
  await world.connect('cam1', 1);
  assert.deepEqual(world.sentIds, ['id1']);
  await world.clock.passInTurns(3_000);
  assert.deepEqual(world.sentIds, ['id1', 'id1', 'id1', 'id2']);
  assert.equal((await commands.get('id1'))?.attempts, 1);
});

test('a delivery whose connection ends is lost and goes out over the next one', async () => {
  const world = new CommandWorld();
  const commands = await world.open();
  world.broker.answers = () => undefined;
  await commands.request(wake);
  await world.connect('cam1', 1);
  await world.disconnect('cam1');
  world.broker.sent[0].settle('lost');
  await turns();
  assert.equal((await commands.get('id1'))?.state, 'queued');
  world.broker.answers = () => 'acknowledged';
  await world.connect('cam1', 1);
  assert.equal((await commands.get('id1'))?.confirmed, true);
});

test('PUBACK of an older connection ends the command for the newer one too', async () => {
  const world = new CommandWorld();
  const commands = await world.open();
  world.broker.answers = () => undefined;
  for (let n = 0; n < 2; n++) await commands.request(wake);
  await world.connect('cam1', 1);
  await world.connect('cam1', 1);
  assert.deepEqual(world.sentIds, ['id1', 'id1']);
  world.broker.sent[0].settle('acknowledged');
  world.broker.sent[1].settle('lost');
  await world.clock.passInTurns(2_000);
  assert.deepEqual(world.sentIds, ['id1', 'id1', 'id2']);
});

test('of two clients of a device the one with the higher QoS is followed', async () => {
  const world = new CommandWorld();
  const commands = await world.open();
  await world.connect('cam1', 1);
  world.broker.connect('other', { 'things/#': 0 });
  world.connections.take({
    ...{ kind: 'connected', deviceId: 'cam1', clientId: 'other', connection: 'x', address: '', listener: '' },
    protocolVersion: 4,
  });
  await commands.request(wake);
  await turns();
  assert.deepEqual([world.broker.sent.length, world.broker.sent[0].clientId], [1, 'cam1']);
});

test('a command to a device that is disabled waits, and one whose device or type is gone fails', async () => {
  const world = new CommandWorld();
  const commands = await world.open();
  const camera = world.devices.get('cam1');
  assert.ok(camera);
  for (const type of ['wake', 'sleep']) await commands.request({ ...wake, type });
  world.devices.set('cam1', { ...camera, enabled: false });
  await world.connect('cam1', 1);
  assert.deepEqual(world.sentIds, []);
  world.types.prepareReplace(
    world.types.all.map(({ type }) => ({ ...type, commands: { sleep: type.commands.sleep ?? type.commands.show } })),
  )();
  world.devices.set('cam1', camera);
  await commands.deviceChanged('cam1');
  await turns();
  assert.deepEqual(world.sentIds, ['id2']);
  assert.equal((await commands.get('id1'))?.why, 'its type has no command "wake" any more');
  await commands.request({ ...wake, type: 'sleep', deviceId: 'cam2' });
  world.devices.delete('cam2');
  await world.connect('cam2', 1);
  assert.equal((await commands.get('id3'))?.why, 'the device was removed');
});

test('a command follows the attributes that its device has when it goes out', async () => {
  const world = new CommandWorld();
  const commands = await world.open();
  const camera = world.devices.get('cam1');
  assert.ok(camera);
  await commands.request(wake);
  world.devices.set('cam1', { ...camera, attributes: { thing: 'new' } });
  world.broker.connect('cam1', { 'things/new/message': 1 });
  world.connections.take({
    ...{ kind: 'connected', deviceId: 'cam1', clientId: 'cam1', connection: 'x', address: '', listener: '' },
    protocolVersion: 4,
  });
  await turns();
  assert.equal(world.broker.sent[0].topic, 'things/new/message');
});

test('a command that ends while it is made ready does not go out', async () => {
  const world = new CommandWorld();
  const commands = await world.open();
  await commands.request(wake);
  world.beforeLookup = () => commands.cancel('id1', 'test');
  await world.connect('cam1', 1);
  assert.deepEqual(world.sentIds, []);
  assert.equal((await commands.get('id1'))?.state, 'failed');
});

test('a command whose time is over as it is made ready does not hold the next one', async () => {
  const world = new CommandWorld();
  const commands = await world.open();
  await commands.request({ ...wake, ttlS: 1 });
  await commands.request(wake);
  world.clock.setWallClock(1_000);
  await world.connect('cam1', 1);
  await world.clock.passInTurns(1_000);
  assert.deepEqual(world.sentIds, ['id2']);
});

test('many devices are served in slices, each turn a few', async () => {
  const world = new CommandWorld();
  const [camera] = [...world.devices.values()];
  const commands = await world.open();
  const count = 200;
  for (let n = 0; n < count; n++) {
    const id = `d${n}`;
    world.devices.set(id, { ...camera, id, attributes: { thing: id } });
    world.broker.connect(id, { 'things/#': 0 });
    world.connections.take({
      ...{
        kind: 'connected',
        deviceId: id,
        clientId: id,
        connection: id,
        address: '',
        listener: '',
        protocolVersion: 4,
      },
    });
  }
  for (let n = 0; n < count; n++) await commands.request({ ...wake, deviceId: `d${n}` });
  const perTurn: number[] = [];
  for (let before = 0; before < count; before = world.broker.sent.length) {
    await new Promise(setImmediate);
    perTurn.push(world.broker.sent.length - before);
  }
  assert.ok(Math.max(...perTurn) <= 32, perTurn.join());
});
