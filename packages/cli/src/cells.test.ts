import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cellsOf, fitted, shortened } from './cells.ts';

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
