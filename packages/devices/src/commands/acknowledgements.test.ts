import assert from 'node:assert/strict';
import { test } from 'node:test';
import { turns } from '../testing/clock.ts';
import { CommandWorld } from '../testing/command-world.ts';
import { COMMAND_TABLE } from './command-table.ts';

const show = { deviceId: 'pix1', type: 'show', input: { artwork: 'a' }, by: 'test' };
const reset = { deviceId: 'pix1', type: 'reset', by: 'test' };

async function opened() {
  const world = new CommandWorld();
  const commands = await world.open();
  await world.connect('pix1', 1);
  const say = async (topic: string, payload: unknown) => {
    world.broker.say(topic, payload);
    await turns();
  };
  const stateOf = async (id: string) => (await commands.get(id))?.state;
  return { world, commands, say, stateOf };
}

test('a command ends when its device says so, by the id in the payload or in the topic', async () => {
  const { commands, say, stateOf } = await opened();
  await commands.request(show);
  await commands.request(reset);
  await turns();
  assert.deepEqual([await stateOf('id1'), await stateOf('id2')], ['sent', 'sent']);
  await say('player/pix1/done', { id: 'id1', result: 'fine' });
  await say('player/pix1/reset/id2/done', '');
  assert.deepEqual([await stateOf('id1'), await stateOf('id2')], ['acknowledged', 'acknowledged']);
});

test('a device says that it failed with one of the values of its type', async () => {
  const { commands, say, stateOf } = await opened();
  for (let n = 0; n < 3; n++) await commands.request(show);
  await say('player/pix1/done', { id: 'id1', result: 'failed' });
  await say('player/pix1/done', { id: 'id2', result: { code: 7 } });
  await say('player/pix1/done', { id: 'id3', result: { code: 8 } });
  assert.deepEqual(
    [await stateOf('id1'), await stateOf('id2'), await stateOf('id3')],
    ['failed', 'failed', 'acknowledged'],
  );
});

test("a device ends no other device's command, nor one that is told of at another place", async () => {
  const { commands, say, stateOf } = await opened();
  await commands.request(show);
  await say('player/pix2/done', { id: 'id1' });
  await say('player/pix1/reset/id1/done', { id: 'id1' });
  await commands.request(reset);
  await say('player/pix1/done', { id: 'id2' });
  assert.deepEqual([await stateOf('id1'), await stateOf('id2')], ['sent', 'sent']);
});

test('an acknowledgement after the command expired or was cancelled changes nothing', async () => {
  const { world, commands, say, stateOf } = await opened();
  for (let n = 0; n < 2; n++) await commands.request(show);
  await commands.cancel('id2', 'test');
  // Before the sweep has seen it.
  world.clock.setWallClock(600_000);
  for (const id of ['id1', 'id2']) await say('player/pix1/done', { id });
  assert.deepEqual([await stateOf('id1'), await stateOf('id2')], ['expired', 'failed']);
});

test('an acknowledgement that overtakes PUBACK counts, and PUBACK changes nothing then', async () => {
  const { world, commands, say, stateOf } = await opened();
  world.broker.answers = () => undefined;
  await commands.request(show);
  await turns();
  await say('player/pix1/done', { id: 'id1' });
  assert.equal(await stateOf('id1'), 'acknowledged');
  world.broker.sent[0].settle('acknowledged');
  await turns();
  assert.equal(await stateOf('id1'), 'acknowledged');
  await commands.request(show);
  await turns();
  assert.equal(world.sentIds.at(-1), 'id2');
});

test('what is no acknowledgement is passed over', async () => {
  const { world, commands, say, stateOf } = await opened();
  await commands.request(show);
  const bodies = ['', '{', 'null', '[]', '"id1"', '{"id":1}', '{"id":"id1 "}', '{"id":"nobody"}', '{"ID":"id1"}'];
  for (const body of bodies) await say('player/pix1/done', body);
  assert.deepEqual(world.named('deviceLimitReached'), []);
  for (let n = 0; n < 3; n++) {
    await say('player/pix1/done', { id: 'id1', filler: 'x'.repeat(65_536) });
    await say('player/pix1/done', { id: 'x'.repeat(129) });
  }
  assert.equal(await stateOf('id1'), 'sent');
  const told = world.named('deviceLimitReached').map((event) => 'limit' in event && event.limit);
  assert.deepEqual(told, ['commandBytesMax', 'commandIdCharactersMax'], 'once a second each');
  assert.deepEqual(world.named('deviceServiceFailed'), []);
});

test('a flood of acknowledgements of a command is one', async () => {
  const { world, commands, say } = await opened();
  await commands.request(show);
  await turns();
  for (let n = 0; n < 100; n++) void world.broker.say('player/pix1/done', { id: 'id1' });
  await say('player/pix1/done', { id: 'id1' });
  assert.equal(world.named('commandEnded').length, 1);
});

test('what another device says of the same command at the same time takes nothing from the one that was asked', async () => {
  const { world, commands, stateOf } = await opened();
  await commands.request(show);
  await turns();
  await Promise.all(['pix2', 'pix1'].map((id) => world.broker.say(`player/${id}/done`, { id: 'id1' })));
  assert.equal(await stateOf('id1'), 'acknowledged');
});

test('a device is answered when what it says is stored, and not at all where that fails', async () => {
  const { world, commands, stateOf } = await opened();
  for (let n = 0; n < 2; n++) await commands.request(show);
  await turns();
  const table = world.tables.table(COMMAND_TABLE);
  const put = table.put.bind(table);
  const held = Promise.withResolvers<void>();
  table.put = async (...parameters) => {
    await held.promise;
    return put(...parameters);
  };
  let isAnswered = false;
  const answered = world.broker.say('player/pix1/done', { id: 'id1' }).then(() => {
    isAnswered = true;
  });
  await turns();
  assert.equal(isAnswered, false);
  held.resolve();
  await answered;
  assert.equal(await stateOf('id1'), 'acknowledged');
  table.put = () => Promise.reject(new Error('no disk'));
  await assert.rejects(world.broker.say('player/pix1/done', { id: 'id2' }), /no disk/);
});

test('other types are listened to when the types are replaced', async () => {
  const { world, commands } = await opened();
  const filters = () => [...world.broker.takers].map(({ filter }) => filter).sort();
  assert.deepEqual(filters(), ['player/+/done', 'player/+/reset/+/done']);
  const [camera] = world.types.all.map(({ type }) => type);
  const acknowledgement = { topic: 'things/{attr.thing}/ok', id: '/id', failure: undefined };
  world.types.prepareReplace([{ ...camera, commands: { wake: { ...camera.commands.wake, acknowledgement } } }])();
  await turns();
  assert.deepEqual(filters(), ['things/+/ok']);
  await commands.close();
  assert.deepEqual(filters(), []);
});
