import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeviceEvent } from '../events.ts';
import { DeviceTypes } from '../registry/types.ts';
import { TestClock, turns } from '../testing/clock.ts';
import { device } from '../testing/command-world.ts';
import { MemoryBroker } from '../testing/memory-broker.ts';
import { MemoryTables } from '../testing/registry.ts';
import { deviceType } from '../testing/types.ts';
import { Connections } from './connections.ts';
import { Presence } from './presence.ts';
import { PRESENCE_TABLE } from './presence-table.ts';

const camera = deviceType({
  name: 'camera',
  requiredAttributes: ['thing'],
  presence: { topic: 'presence/{attr.thing}' },
});

class World {
  readonly clock = new TestClock();
  readonly tables = new MemoryTables();
  readonly types = new DeviceTypes([camera, deviceType({ name: 'silent' })]);
  readonly devices = new Map([device('d', 'camera'), device('s', 'silent')].map((each) => [each.id, each]));
  readonly events: DeviceEvent[] = [];
  readonly broker = new MemoryBroker();
  connections = new Connections();
  presence = this.open();

  /** As after a start of the process: nobody is connected, what was published is still retained. */
  open(): Presence {
    this.connections = new Connections();
    const { tables, clock, broker, connections } = this;
    this.presence = new Presence({
      ...{ tables, clock, broker, connections, tell: (event) => this.events.push(event) },
      lookup: async (deviceId) => {
        const found = this.devices.get(deviceId);
        return found && { device: found, generation: 'g', type: this.types.get(found.type) };
      },
    });
    return this.presence;
  }

  connected(connection: string, clientId = 'c', deviceId = 'd'): void {
    this.connections.take({
      ...{ kind: 'connected', deviceId, clientId, connection },
      ...{ address: `address ${connection}`, listener: 'tcp', protocolVersion: 5 },
    });
  }

  disconnected(connection: string, clientId = 'c', deviceId = 'd'): void {
    this.connections.take({ kind: 'disconnected', deviceId, clientId, connection, reason: `end of ${connection}` });
  }

  /** What consumers have at the topic. */
  shown(topic = 'presence/t-d'): Record<string, unknown> | undefined {
    const text = this.broker.retained.get(topic);
    return text === undefined ? undefined : JSON.parse(text);
  }

  /** Sessions in the order of their publication. */
  get told(): readonly string[] {
    return this.broker.published.map(({ payload }) => {
      if (payload.length === 0) return 'cleared';
      const { session, connected } = JSON.parse(new TextDecoder().decode(payload));
      return `${session} ${connected}`;
    });
  }
}

/** Until what has happened is stored and published: the first device at once, others a moment later. */
async function settled({ clock }: World): Promise<void> {
  for (let pass = 0; pass < 2; pass++) {
    await turns();
    clock.pass(20);
  }
  await turns();
}

test('a device that comes and goes is stored, retained and told, in sessions that rise', async () => {
  const world = new World();
  const nowMs = world.clock.nowMs();
  world.connected('1');
  await settled(world);
  const there = {
    ...{ deviceId: 'd', connected: true, session: 1, clientId: 'c', address: 'address 1', listener: 'tcp' },
    ...{ protocolVersion: 5, reason: '', connectedAtMs: nowMs, lastSeenAtMs: nowMs },
  };
  assert.deepEqual(world.shown(), there);
  assert.deepEqual(await world.presence.get('d'), { ...there, topic: 'presence/t-d' });
  await world.clock.passInTurns(960);
  world.disconnected('1');
  await settled(world);
  const gone = { connected: false, reason: 'end of 1', disconnectedAtMs: nowMs + 1_000, lastSeenAtMs: nowMs + 1_000 };
  assert.deepEqual(world.shown(), { ...there, ...gone });
  world.connected('2');
  await settled(world);
  assert.equal((await world.presence.get('d'))?.session, 2);
  assert.deepEqual(world.events, [
    { name: 'deviceConnected', deviceId: 'd', clientId: 'c', address: 'address 1', session: 1 },
    { name: 'deviceDisconnected', deviceId: 'd', clientId: 'c', reason: 'end of 1', session: 1 },
    { name: 'deviceConnected', deviceId: 'd', clientId: 'c', address: 'address 2', session: 2 },
  ]);
});

test('the end of a connection that was taken over does not overwrite the newer one, whenever it comes', async () => {
  const world = new World();
  world.connected('1');
  world.connected('2');
  world.disconnected('1');
  await settled(world);
  assert.deepEqual([world.shown()?.connected, world.shown()?.session], [true, 2]);
});

test('what comes while a state is being stored is taken together, and the last one stands', async () => {
  const world = new World();
  for (let n = 1; n <= 50; n++) {
    world.connected(`${n}`);
    world.disconnected(`${n}`);
  }
  await settled(world);
  assert.deepEqual([world.shown()?.connected, world.shown()?.session], [false, 50]);
  const stored = await world.presence.get('d');
  assert.deepEqual([stored?.connected, stored?.session], [false, 50]);
  assert.ok(world.told.length <= 2, world.told.join());
  assert.equal(world.events.length, 100);
});

test('what comes at any moment after a state was stored is stored too', async () => {
  for (let moment = 0; moment < 40; moment++) {
    const world = new World();
    world.connected('1');
    while (world.broker.published.length === 0) await undefined;
    for (let turn = 0; turn < moment; turn++) await undefined;
    world.disconnected('1');
    await settled(world);
    assert.equal(world.shown()?.connected, false, `${moment} microtasks later`);
  }
});

test('devices that come within a moment are stored together', async () => {
  const world = new World();
  world.devices.set('e', device('e', 'camera'));
  for (const [n, id] of ['d', 's', 'e'].entries()) world.connected(`${n}`, 'c', id);
  await turns();
  const stored = async () => (await world.presence.list({ connected: true, limit: 9 })).records.map(({ key }) => key);
  assert.deepEqual(await stored(), ['d']);
  world.clock.pass(20);
  await turns();
  assert.deepEqual(await stored(), ['d', 'e', 's']);
});

test('a device with two clients is connected until both have gone', async () => {
  const world = new World();
  world.connected('1', 'a');
  world.connected('2', 'b');
  world.disconnected('2', 'b');
  await settled(world);
  const { connected, session, clientId, address } = world.shown() ?? {};
  assert.deepEqual([connected, session, clientId, address], [true, 2, 'a', 'address 1']);
  world.disconnected('1', 'a');
  await settled(world);
  assert.deepEqual([world.shown()?.connected, world.shown()?.session], [false, 2]);
});

test('a device whose type has no topic is stored and not published', async () => {
  const world = new World();
  world.connected('1', 'c', 's');
  await settled(world);
  assert.deepEqual([(await world.presence.get('s'))?.connected, world.broker.published.length], [true, 0]);
  const listed = async (connected: boolean) => (await world.presence.list({ connected, limit: 9 })).records.length;
  assert.equal(await listed(true), 1);
  world.disconnected('1', 'c', 's');
  await settled(world);
  assert.deepEqual([await listed(true), await listed(false)], [0, 1]);
});

test('devices that a crash left connected are put right, but for those that are here already', async () => {
  const world = new World();
  for (let n = 0; n < 250; n++) {
    world.devices.set(`d${n}`, device(`d${n}`, 'camera'));
    world.connected('1', 'c', `d${n}`);
  }
  await settled(world);
  // The process dies here: nothing is closed.
  const presence = world.open();
  world.events.length = 0;
  world.connected('2', 'c', 'd7');
  assert.equal(await presence.correct(), 249);
  await settled(world);
  assert.deepEqual([world.shown('presence/t-d7')?.connected, world.shown('presence/t-d7')?.session], [true, 2]);
  const { connected, session, reason } = world.shown('presence/t-d8') ?? {};
  assert.deepEqual([connected, session, reason], [false, 1, 'the server ended']);
  assert.equal((await presence.list({ connected: true, limit: 1_000 })).records.length, 1);
  assert.deepEqual(world.events.at(-1), { name: 'presenceCorrected', devices: 249 });
  assert.equal(await presence.correct(), 0);
});

test('a crash between any two steps leaves no device that consumers believe to be connected for ever', async () => {
  for (let step = 0; step < 12; step++) {
    const world = new World();
    const table = world.tables.table(PRESENCE_TABLE);
    const { put } = table;
    let steps = 0;
    const counted = async <T>(act: () => Promise<T>): Promise<T> => {
      if (steps++ >= step) return new Promise(() => {});
      return act();
    };
    table.put = (key, value, expected) => counted(() => put.call(table, key, value, expected));
    const publish = world.broker.publish.bind(world.broker);
    world.broker.publish = (topic, payload, options) => counted(() => publish(topic, payload, options));
    for (const connection of ['1', '2']) {
      world.connected(connection);
      await settled(world);
      world.disconnected(connection);
      if (connection === '1') await settled(world);
    }
    world.connected('3');
    world.disconnected('3');
    await settled(world);
    table.put = put;
    world.broker.publish = publish;
    const seen = world.shown()?.session ?? 0;
    const presence = world.open();
    await presence.correct();
    assert.notEqual(world.shown()?.connected, true, `step ${step}`);
    world.connected('4');
    await settled(world);
    assert.ok(Number(world.shown()?.session) > Number(seen), `step ${step}`);
  }
});

test('the message moves with the topic, and goes with the device', async () => {
  const world = new World();
  const [before] = [...world.devices.values()];
  world.connected('1');
  await settled(world);
  await world.presence.deviceChanged('d');
  assert.equal(world.broker.published.length, 1);
  world.devices.set('d', { ...before, attributes: { thing: 'new' } });
  await world.presence.deviceChanged('d');
  assert.deepEqual([...world.broker.retained.keys()], ['presence/new']);
  world.devices.delete('d');
  let isForgotten = false;
  const forgotten = world.presence.deviceRemoved('d').then(() => {
    isForgotten = true;
  });
  await settled(world);
  assert.equal(isForgotten, false, 'it is connected');
  world.disconnected('1');
  await forgotten;
  assert.deepEqual([world.broker.retained.size, await world.presence.get('d')], [0, undefined]);
});

test('a device that never came is forgotten at once, and one that cannot be is tried again', async () => {
  const world = new World();
  await world.presence.deviceRemoved('d');
  world.connected('1');
  world.disconnected('1');
  await settled(world);
  const publish = world.broker.publish.bind(world.broker);
  world.broker.publish = () => Promise.reject(new Error('no room'));
  world.devices.delete('d');
  const forgotten = world.presence.deviceRemoved('d');
  await settled(world);
  world.broker.publish = publish;
  world.clock.pass(5_000);
  await forgotten;
  assert.deepEqual([world.broker.retained.size, await world.presence.get('d')], [0, undefined]);
});

test('what could not be published is tried again, with what has happened since', async () => {
  const world = new World();
  const publish = world.broker.publish.bind(world.broker);
  world.broker.publish = () => Promise.reject(new Error('no room'));
  world.connected('1');
  await settled(world);
  world.disconnected('1');
  await settled(world);
  assert.deepEqual(
    world.events.flatMap((event) => (event.name === 'deviceServiceFailed' ? [event.error] : [])),
    ['Error: no room', 'Error: no room'],
  );
  world.broker.publish = publish;
  await world.clock.passInTurns(5_000);
  assert.deepEqual([world.shown()?.connected, world.shown()?.session, world.told.length], [false, 1, 1]);
  assert.equal((await world.presence.get('d'))?.connected, false);
  await world.clock.passInTurns(5_000);
  assert.equal(world.told.length, 1);
});

test('a presence that is closed waits for what is under way and leaves no timer', async () => {
  const world = new World();
  world.connected('1');
  await world.presence.close();
  assert.equal(world.shown()?.connected, true);
  world.disconnected('1');
  await settled(world);
  assert.deepEqual([world.shown()?.connected, world.clock.timers], [true, 0]);
});

test('a presence that settles waits for what is under way, or until it is late, which it tells', async () => {
  const world = new World();
  world.connected('1');
  await world.presence.settle(new Promise(() => {}));
  assert.equal(world.shown()?.connected, true);
  world.broker.publish = () => new Promise(() => {});
  world.disconnected('1');
  await settled(world);
  await world.presence.settle(Promise.resolve());
  const error = 'Cannot say of 1 devices whether they are connected: that it takes less time is expected';
  assert.deepEqual(world.events.at(-1), { name: 'deviceServiceFailed', error });
});

test('a client that came in the moment in which its device was removed leaves nothing behind', async () => {
  const world = new World();
  world.devices.delete('d');
  await world.presence.deviceRemoved('d');
  world.connected('1');
  await settled(world);
  assert.equal((await world.presence.get('d'))?.session, 1);
  world.disconnected('1');
  await settled(world);
  assert.equal(await world.presence.get('d'), undefined);
  world.devices.set('d', device('d', 'camera'));
  world.connected('2');
  await settled(world);
  assert.equal(world.shown()?.['session'], 1);
});

test('a device whose type is gone keeps the number of its session', async () => {
  const world = new World();
  world.connected('1');
  await settled(world);
  world.types.prepareReplace([deviceType({ name: 'silent' })])();
  world.disconnected('1');
  await settled(world);
  assert.deepEqual([world.shown(), (await world.presence.get('d'))?.session], [undefined, 1]);
});
