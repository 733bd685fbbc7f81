import assert from 'node:assert/strict';
import { test } from 'node:test';
import { copyPlain } from '@dunlin/broker';
import type { DeviceError } from '../device-error.ts';
import { turns } from '../testing/clock.ts';
import { CommandWorld, device } from '../testing/command-world.ts';
import type { Commands } from './commands.ts';
import { GroupCommands } from './group-commands.ts';

const wake = { group: 'all', type: 'wake', by: 'ada', id: 'batch' };

/** A world with so many cameras in one group. */
async function opened(count: number, limits = {}) {
  const world = new CommandWorld();
  world.devices.clear();
  for (let n = 0; n < count; n++) world.devices.set(`d${n}`, device(`d${n}`, 'camera'));
  let commands = await world.open(limits);
  let asked = 0;
  const start = async (): Promise<GroupCommands> => {
    const { tables, clock } = world;
    return GroupCommands.open({
      ...{ tables, clock, tell: (event) => world.events.push(event), limits: commands.limits },
      commands: {
        request: (request) => {
          asked += 1;
          return commands.request(request);
        },
      },
      commandsNamed: (name) => world.types.all.flatMap((type) => type.commands.get(name) ?? []),
      members: (_group, cursor, limit) => {
        const ids = [...world.devices.keys()];
        const from = Number(cursor ?? 0);
        const next = from + limit < ids.length ? String(from + limit) : undefined;
        return { deviceIds: ids.slice(from, from + limit), cursor: next };
      },
    });
  };
  const reopen = async (): Promise<Commands> => {
    commands = await world.open(limits);
    return commands;
  };
  return { world, start, reopen, groups: await start(), open: () => commands.open, asked: () => asked };
}

test('each member gets one command, so many a second', async () => {
  const { world, groups, open } = await opened(45);
  const batch = await groups.request({ ...wake, perSecond: 20 });
  assert.deepEqual([batch.state, batch.requested], ['running', 0]);
  await world.clock.passInTurns(1_000);
  assert.ok(open() >= 19 && open() <= 21, `${open()} in the first second`);
  await world.clock.passInTurns(2_000);
  const { state, requested, refused, endedAtMs } = (await groups.get('batch')) ?? {};
  assert.deepEqual([state, requested, refused, endedAtMs !== undefined], ['done', 45, 0, true]);
  assert.equal(open(), 45);
  await groups.close();
});

test('members that take no such command are counted and named', async () => {
  const { world, groups } = await opened(3);
  world.devices.set('p', device('p', 'player'));
  world.devices.set('d1', { ...device('d1', 'camera'), enabled: false });
  await groups.request(wake);
  await world.clock.passInTurns(1_000);
  const { state, requested, refused, refusals } = (await groups.get('batch')) ?? {};
  assert.deepEqual([state, requested, refused], ['done', 2, 2]);
  assert.deepEqual(refusals, [
    { deviceId: 'd1', code: 'device-disabled' },
    { deviceId: 'p', code: 'unknown-command' },
  ]);
});

test('input that every type refuses, and a ttlS that is none, are refused once for all, with the reason of a single command', async () => {
  const { world, groups, asked } = await opened(3);
  const problemsOf = (request: object) =>
    groups.request({ ...wake, ...request }).then(
      () => [],
      (error: DeviceError) => [error.code, ...error.problems],
    );
  const [show] = world.types.all.flatMap((type) => type.commands.get('show') ?? []);
  const reasons = show.checkInput({});
  assert.ok(reasons.length > 0);
  assert.deepEqual(await problemsOf({ type: 'show', input: {} }), ['invalid', ...reasons]);
  const ttlS = 'ttlS is 0: 1 to 2592000 seconds are expected';
  assert.deepEqual(await problemsOf({ type: 'show', input: {}, ttlS: 0 }), ['invalid', ...reasons, ttlS]);
  assert.deepEqual([await groups.get('batch'), asked()], [undefined, 0]);
  await groups.close();
});

test('input that one type takes is left to each member', async () => {
  const world = new CommandWorld();
  const commands = await world.open();
  const groups = await GroupCommands.open({
    ...{ tables: world.tables, clock: world.clock, tell: () => {}, limits: commands.limits, commands },
    commandsNamed: () => [{ checkInput: () => ['no'] }, { checkInput: () => [] }],
    members: () => ({ deviceIds: ['cam1', 'pix1'], cursor: undefined }),
  });
  await groups.request(wake);
  await world.clock.passInTurns(1_000);
  const { requested, refusals } = (await groups.get('batch')) ?? {};
  assert.deepEqual([requested, refusals], [1, [{ deviceId: 'pix1', code: 'unknown-command' }]]);
  await groups.close();
});

test('a batch goes on after a crash where it was, and asks for nothing twice', async () => {
  const { world, groups, start, reopen, open } = await opened(30);
  await groups.request({ ...wake, perSecond: 10 });
  const table = world.tables.table({ name: 'device-command-batches', indexes: {} });
  const { put } = table;
  await world.clock.passInTurns(1_000);
  // From here on what it has done is not written down any more; then the process dies.
  table.put = () => new Promise(() => {});
  await world.clock.passInTurns(1_000);
  const before = open();
  table.put = put;
  await reopen();
  const again = await start();
  await world.clock.passInTurns(5_000);
  const { state, requested } = (await again.get('batch')) ?? {};
  assert.deepEqual([state, requested, open()], ['done', 30, 30]);
  assert.ok(before > 0 && before < 30);
});

test('a batch that finds no room waits for it', async () => {
  const { world, groups, open } = await opened(5, { commandsMax: 3 });
  await groups.request({ ...wake, ttlS: 30 });
  await world.clock.passInTurns(5_000);
  assert.deepEqual([open(), (await groups.get('batch'))?.state], [3, 'running']);
  await world.clock.passInTurns(40_000);
  const { state, requested, refused } = (await groups.get('batch')) ?? {};
  assert.deepEqual([state, requested, refused], ['done', 5, 0]);
});

test('a batch that is cancelled asks for nothing more', async () => {
  const { world, groups, asked } = await opened(50);
  await groups.request({ ...wake, perSecond: 10 });
  await world.clock.passInTurns(1_000);
  const { state } = await groups.cancel('batch');
  const before = asked();
  await world.clock.passInTurns(2_000);
  assert.deepEqual([state, asked(), (await groups.cancel('batch')).state], ['cancelled', before, 'cancelled']);
  await assert.rejects(groups.cancel('nobody'), { code: 'unknown-batch' });
});

test('the same id is the same batch, and no more run than may', async () => {
  const { groups } = await opened(5, { commandBatchesMax: 1 });
  const [one, other] = await Promise.all([groups.request(wake), groups.request(wake)]);
  assert.deepEqual(copyPlain(one), copyPlain(other));
  for (const other of [{ group: 'other' }, { perSecond: 7 }, { ttlS: 9 }, { input: { a: 1 } }])
    await assert.rejects(groups.request({ ...wake, ...other }), { code: 'command-conflict' });
  await assert.rejects(groups.request({ ...wake, id: 'other' }), { code: 'batches-limit' });
  await assert.rejects(groups.request({ ...wake, id: 'a/b', perSecond: 0 }), {
    code: 'invalid',
    message: /id is.*; perSecond is 0/,
  });
});

test('a batch that has not come through in a day ends, and is forgotten after the history', async () => {
  const { world, groups, start } = await opened(5, { commandHistoryS: 60 });
  await groups.request({ ...wake, perSecond: 1 });
  await groups.close();
  world.clock.setWallClock(86_400_000);
  const again = await start();
  await world.clock.passInTurns(1_000);
  assert.equal((await again.get('batch'))?.state, 'expired');
  await world.clock.passInTurns(130_000);
  assert.equal(await again.get('batch'), undefined);
  await again.close();
  await turns();
  assert.deepEqual(world.named('deviceServiceFailed'), []);
});

test('a command that no type has and a group without devices are refused, and nothing is kept', async () => {
  const { world, groups } = await opened(0);
  await assert.rejects(groups.request(wake), (error: DeviceError) => {
    assert.deepEqual([error.code, error.problems.length], ['invalid', 1]);
    return /group is "all": no device is in it/.test(error.message);
  });
  world.devices.set('d0', device('d0', 'camera'));
  await assert.rejects(groups.request({ ...wake, type: 'nosuch' }), /type is "nosuch": a command of a type of device/);
  assert.equal(await groups.get(wake.id), undefined);
  await groups.close();
});

test('the oldest that have ended make room for others', async () => {
  const { world, groups } = await opened(1, { commandHistoryMax: 2 });
  for (const id of ['one', 'two', 'three']) {
    await groups.request({ ...wake, id });
    await world.clock.passInTurns(1_000);
  }
  const kept = await Promise.all(['one', 'two', 'three'].map((id) => groups.get(id)));
  assert.deepEqual(
    kept.map((batch) => batch?.id),
    [undefined, 'two', 'three'],
  );
  assert.ok(world.events.some((event) => event.name === 'deviceLimitReached' && event.limit === 'commandHistoryMax'));
  await groups.close();
});
