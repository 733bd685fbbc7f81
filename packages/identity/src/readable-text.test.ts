import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TAG } from './der.ts';
import { readableText } from './readable-text.ts';

test('reads text in every encoding that programs read alike', () => {
  assert.equal(readableText(TAG.utf8String, Buffer.from('Zoë 鸭')), 'Zoë 鸭');
  assert.equal(readableText(TAG.printableString, Buffer.from('ada')), 'ada');
  assert.equal(readableText(TAG.bmpString, Buffer.from('Zo\u00eb', 'utf16le').swap16()), 'Zoë');
  assert.equal(readableText(TAG.utf8String, Buffer.from('*.example.com')), '*.example.com', 'a star is a star');
});

test('takes text that hides something for none', () => {
  const hidden = [
    '',
    'ada\0.evil',
    'a\nb',
    'a\x7f',
    '\u202eada',
    'a\u200bda',
    '\ufeffada',
    'a\u2028b',
    '\ue000',
    '\uffff',
    '\ufffd',
  ];
  for (const text of [...hidden, 'a'.repeat(257)])
    assert.equal(readableText(TAG.utf8String, Buffer.from(text)), undefined, JSON.stringify(text));
});

test('takes text that is not what its tag promises for none', () => {
  assert.equal(readableText(TAG.utf8String, Buffer.from([0xc0, 0x80])), undefined);
  assert.equal(readableText(TAG.utf8String, Buffer.from([0xed, 0xa0, 0x80])), undefined);
  assert.equal(readableText(TAG.ia5String, Buffer.from([0x61, 0xe9])), undefined);
  assert.equal(readableText(TAG.bmpString, Buffer.from([0, 0x61, 0])), undefined);
  assert.equal(readableText(TAG.bmpString, Buffer.from([0xd8, 0x00])), undefined);
  assert.equal(readableText(0x14, Buffer.from('teletex')), undefined);
  assert.equal(readableText(0x1c, Buffer.from([0, 0, 0, 0x61])), undefined);
});
