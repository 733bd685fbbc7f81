import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { screenOf } from './screen.ts';

const world = (fields: object, environment: Record<string, string> = {}) => {
  const output = Object.assign(new EventEmitter(), fields) as unknown as NodeJS.WriteStream;
  return { output, environment };
};

test('only a terminal is one, and it has colours unless somebody does not want them', () => {
  const screen = screenOf(world({ isTTY: true }));
  const found = [screen.isTerminal, screen.bold('x'), screen.dim('x')];
  assert.deepEqual(found, [true, '\x1b[1mx\x1b[0m', '\x1b[2mx\x1b[0m']);
  assert.equal(screenOf(world({})).bold('x'), 'x');
  for (const environment of [{ NO_COLOR: '1' }, { TERM: 'dumb' }] as Record<string, string>[]) {
    assert.equal(screenOf(world({ isTTY: true }, environment)).dim('x'), 'x');
  }
  assert.notEqual(screenOf(world({ isTTY: true }, { NO_COLOR: '' })).dim('x'), 'x');
});

test('the size is that of now, and changes are told until nobody listens', () => {
  const { output, environment } = world({ isTTY: true, columns: 100, rows: 30 });
  const screen = screenOf({ output, environment });
  let changes = 0;
  const ignore = screen.onResize(() => {
    changes += 1;
  });
  assert.deepEqual([screen.columns(), screen.rows()], [100, 30]);
  output.columns = 50;
  output.emit('resize');
  assert.deepEqual([screen.columns(), changes], [50, 1]);
  ignore();
  output.emit('resize');
  assert.equal(changes, 1);
  const unknown = screenOf(world({}));
  assert.deepEqual([unknown.columns(), unknown.rows()], [80, 24]);
});
