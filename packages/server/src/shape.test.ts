import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expectation, readScalar, type ScalarShape, shownDefault } from './shape.ts';

const description = 'A value.';
const port: ScalarShape = { kind: 'amount', unit: 'port', minimum: 0, maximum: 65_535, default: 1883, description };
const size: ScalarShape = { kind: 'amount', unit: 'bytes', minimum: 1024, maximum: 4096, default: 2048, description };
const onOff: ScalarShape = { kind: 'switch', default: true, description };
const format: ScalarShape = { kind: 'choice', choices: ['human', 'json'], default: 'human', description };
const folder: ScalarShape = { kind: 'text', example: './data', default: undefined, description };

test('reads what a shape accepts', () => {
  assert.deepEqual(readScalar(port, '1883'), { value: 1883 });
  assert.deepEqual(readScalar(size, '4KiB'), { value: 4096 });
  assert.deepEqual(readScalar(onOff, 'false'), { value: false });
  assert.deepEqual(readScalar(format, 'json'), { value: 'json' });
  assert.deepEqual(readScalar(folder, 'x'), { value: 'x' });
});

test('says what it expected', () => {
  assert.deepEqual(readScalar(port, 'abc'), { expected: 'a whole number from 0 to 65535' });
  assert.deepEqual(readScalar(port, '65536'), { expected: 'a whole number from 0 to 65535' });
  assert.deepEqual(readScalar(size, '5KiB'), { expected: 'a size from 1 KiB to 4 KiB, such as 4MiB,' });
  assert.deepEqual(readScalar(onOff, 'yes'), { expected: 'true or false' });
  assert.deepEqual(readScalar(format, 'xml'), { expected: 'one of human, json' });
  assert.deepEqual(readScalar(folder, ''), { expected: 'a text such as "./data"' });
  assert.equal(expectation({ kind: 'choice', choices: ['tcp'], default: 'tcp', description }), '"tcp"');
});

test('shows defaults in the units that people use', () => {
  assert.deepEqual([port, size, onOff, folder].map(shownDefault), ['1883', '2 KiB', 'true', 'none']);
});
