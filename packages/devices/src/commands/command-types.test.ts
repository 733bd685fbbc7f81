import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileType } from '../registry/types.ts';
import { device, TYPES } from '../testing/command-world.ts';
import { commandValues, renderCommand } from './command-types.ts';

const [wake, show] = [compileType(TYPES[0]).commands.get('wake'), compileType(TYPES[1]).commands.get('show')];
assert.ok(wake && show);

test('a command is put into words from the device, its id, the time and the input', () => {
  const woken = renderCommand(wake, commandValues(device('cam1', 'camera'), 'c1', 5_900, undefined), 1_000);
  assert.equal(woken.topic, 'things/t-cam1/message');
  assert.deepEqual(JSON.parse(Buffer.from(woken.payload).toString()), { id: 'c1', type: 'wake', at: 5 });
  const shown = renderCommand(show, commandValues(device('p', 'player'), 'c2', 0, { artwork: 'ä' }), 1_000);
  assert.equal(Buffer.from(shown.payload).toString(), '{"id":"c2","show":"ä"}');
});

test('a payload above the limit is refused with its size in bytes', () => {
  const values = commandValues(device('p', 'player'), 'c', 0, { artwork: 'ä'.repeat(50) });
  assert.throws(() => renderCommand(show, values, 100), /its payload has 120 bytes, at most 100/);
});
