import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { context, DerError, DerReader, TAG } from './der.ts';
import { boolean, element, integer, oid, sequence, time } from './der-writer.ts';

const reader = (hex: string) => new DerReader(Buffer.from(hex.replaceAll(' ', ''), 'hex'));

test('reads elements in order, and inside of others', () => {
  const outer = reader('30 06 02 01 05 01 01 ff a0 00');
  const inside = outer.enter(TAG.sequence);
  assert.equal(inside.smallInteger(), 5);
  assert.equal(inside.boolean(), true);
  assert.equal(inside.isDone, true);
  assert.equal(outer.enterOptional(context(1)), undefined);
  assert.equal(outer.enterOptional(context(0))?.isDone, true);
  outer.finish();
});

test('refuses whatever is not in DER', () => {
  const refused: readonly (readonly [string, (reader: DerReader) => unknown])[] = [
    ['', (at) => at.content(TAG.integer)],
    ['02', (at) => at.content(TAG.integer)],
    ['02 02 01', (at) => at.content(TAG.integer)],
    ['02 81 01 05', (at) => at.content(TAG.integer)],
    ['02 82 00 81', (at) => at.content(TAG.integer)],
    ['30 80 00 00', (at) => at.enter(TAG.sequence)],
    ['02 85 01 00 00 00 00', (at) => at.content(TAG.integer)],
    ['02 84 ff ff ff ff', (at) => at.content(TAG.integer)],
    ['1f 81 00 00', (at) => at.element()],
    ['02 02 00 05', (at) => at.integer()],
    ['02 02 ff 85', (at) => at.integer()],
    ['02 00', (at) => at.integer()],
    ['02 01 ff', (at) => at.smallInteger()],
    ['02 05 01 00 00 00 00', (at) => at.smallInteger()],
    ['01 01 01', (at) => at.boolean()],
    ['06 00', (at) => at.oid()],
    ['06 02 80 01', (at) => at.oid()],
    ['06 02 2a 81', (at) => at.oid()],
    ['03 01 04', (at) => at.octetBits()],
    ['05 00', (at) => at.finish()],
  ];
  for (const [hex, read] of refused) assert.throws(() => read(reader(hex)), DerError, hex);
});

test('reads times as RFC 5280 has them, and no others', () => {
  const timeOf = (tag: number, text: string) => new DerReader(element(tag, Buffer.from(text))).time();
  assert.equal(timeOf(TAG.utcTime, '490101000000Z'), Date.UTC(2049, 0, 1));
  assert.equal(timeOf(TAG.utcTime, '500101000000Z'), Date.UTC(1950, 0, 1));
  assert.equal(timeOf(TAG.generalizedTime, '99991231235959Z'), Date.UTC(9999, 11, 31, 23, 59, 59));
  for (const text of [
    '250230000000Z',
    '251301000000Z',
    '250101240000Z',
    '2501010000Z',
    '250101000000+0100',
    '250101000000',
  ])
    assert.throws(() => timeOf(TAG.utcTime, text), DerError, text);
  assert.throws(() => timeOf(TAG.generalizedTime, '20250101000000.5Z'), DerError);
});

test('reads back what was written [X.690]', () => {
  const arcs = fc.tuple(fc.nat(2), fc.nat(39), fc.array(fc.nat(2 ** 31), { maxLength: 5 }));
  fc.assert(
    fc.property(arcs, fc.nat(2 ** 31 - 1), fc.boolean(), fc.nat(4e12), ([a, b, rest], number, flag, ms) => {
      const text = [a, b, ...rest].join('.');
      const whole = new DerReader(sequence(oid(text), integer(number), boolean(flag), time(ms))).enter(TAG.sequence);
      assert.equal(whole.oid(), text);
      assert.equal(whole.smallInteger(), number);
      assert.equal(whole.boolean(), flag);
      assert.equal(whole.time(), Math.floor(ms / 1000) * 1000);
      whole.finish();
    }),
  );
});
