import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normalSerial } from './serial-number.ts';

test('a serial number has one form, however it is written', () => {
  for (const text of ['0ABC12', 'abc12', '00000abc12', '0a:bc:12', 'ABC12'])
    assert.equal(normalSerial(text), '0ABC12', text);
  assert.equal(normalSerial('000'), '00');
  assert.equal(normalSerial(`00${'f'.repeat(40)}`), 'F'.repeat(40));
});

test('what is no serial number is none', () => {
  for (const text of [
    '',
    'xyz',
    '0x12',
    '1 2',
    '12\n',
    ':',
    '1:2',
    'ab:',
    '1'.repeat(43),
    'é',
    '../1',
    '1'.repeat(1_000_000),
  ])
    assert.equal(normalSerial(text), undefined, text.slice(0, 50));
});
