import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatAmount, parseAmount } from './amount.ts';

test('reads sizes, times and bare numbers', () => {
  const cases: [string, string, number | undefined][] = [
    ['4MiB', 'bytes', 4 * 1024 * 1024],
    ['4 mib', 'bytes', 4 * 1024 * 1024],
    ['1.5KiB', 'bytes', 1536],
    ['2MB', 'bytes', 2_000_000],
    ['512', 'bytes', 512],
    ['512B', 'bytes', 512],
    ['10s', 'milliseconds', 10_000],
    ['0.1s', 'milliseconds', 100],
    ['250ms', 'milliseconds', 250],
    ['10', 'milliseconds', 10],
    ['2h', 'seconds', 7_200],
    ['1500ms', 'seconds', undefined],
    ['3000ms', 'seconds', 3],
    ['1_000_000', 'messages', 1_000_000],
    ['10s', 'messages', undefined],
    ['10MiB', 'seconds', undefined],
    ['-1', 'bytes', undefined],
    ['abc', 'bytes', undefined],
    ['', 'bytes', undefined],
    ['1.5', 'messages', undefined],
    ['99999999999999999999', 'bytes', undefined],
  ];
  for (const [text, unit, expected] of cases) assert.equal(parseAmount(text, unit), expected, `${text} ${unit}`);
});

test('reads what it writes', () => {
  const amounts = fc.oneof(
    fc.nat(),
    fc.nat({ max: 4_000 }).map((n) => n * 1024),
    fc.maxSafeNat(),
  );
  fc.assert(
    fc.property(amounts, fc.constantFrom('bytes', 'milliseconds', 'seconds', 'messages'), (amount, unit) => {
      assert.equal(parseAmount(formatAmount(amount, unit), unit), amount);
    }),
  );
});

test('writes the largest suffix that leaves the number whole', () => {
  assert.equal(formatAmount(256 * 1024 * 1024, 'bytes'), '256 MiB');
  assert.equal(formatAmount(1025, 'bytes'), '1025 B');
  assert.equal(formatAmount(10_000, 'milliseconds'), '10 s');
  assert.equal(formatAmount(0, 'seconds'), '0');
  assert.equal(formatAmount(1000, 'messages'), '1000');
});
