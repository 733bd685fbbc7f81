import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cellsOf, fitted, fittedName, shortened } from './cells.ts';

test('letters of East Asia take two cells, combining marks none', () => {
  assert.deepEqual(['abc', '温度', 'é', '🌡️x', ''].map(cellsOf), [3, 4, 1, 3 - 1, 0]);
  assert.equal(cellsOf('🚀'), 2);
});

test('text is shortened with an ellipsis, and fitted exactly', () => {
  assert.deepEqual([shortened('abcdef', 6), shortened('abcdef', 5), shortened('abcdef', 1)], ['abcdef', 'abcd…', '…']);
  assert.equal(shortened('abc', 0), '');
  assert.deepEqual(
    [shortened('温度計', 6), shortened('温度計', 5), shortened('温度計', 4)],
    ['温度計', '温度…', '温…'],
  );
  for (const cells of [1, 2, 3, 4, 5, 6, 7, 8]) assert.equal(cellsOf(fitted('a温度b', cells)), cells, String(cells));
  assert.equal(fitted('ab', 4), 'ab  ');
});

test('a name keeps its beginning and its end', () => {
  assert.deepEqual(
    [fittedName('abcdefgh', 8), fittedName('abcdefgh', 7), fittedName('abcdefgh', 4), fittedName('ab', 4)],
    ['abcdefgh', 'ab…efgh', 'a…gh', 'ab  '],
  );
  for (const name of ['温度計/温度計', 'plant/line/1', '🚀é🚀é'])
    for (const cells of [0, 1, 2, 3, 4, 5, 6, 7, 8]) assert.equal(cellsOf(fittedName(name, cells)), cells, name);
});
