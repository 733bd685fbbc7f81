import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isTopicFilter, utf8Length } from '@dunlin/protocol';
import fc from 'fast-check';
import { isDeviceId } from './device-id.ts';

test('takes what devices are called', () => {
  const good = [
    'a',
    '9f1c7a52-6f0e-4f5c-9d4b-1f6f2b0c8a11',
    'AC:DE:48:00:11:22',
    'kamera_7.b',
    'größe',
    'x'.repeat(128),
  ];
  // Names of Object.prototype, of SQL and of shells are texts like others.
  good.push(
    'constructor',
    '__proto__',
    "x';DROP-TABLE-devices;--",
    '$(reboot)'.slice(1),
    '%2e%2e',
    '...',
    '😀'.repeat(64),
  );
  for (const id of good) assert.ok(isDeviceId(id), id);
});

test('refuses what could be read differently somewhere', () => {
  const bad = [
    '',
    '.',
    '..',
    'a/b',
    '../a',
    'a+',
    '#',
    '$SYS',
    'a b',
    ' a',
    'a\u00a0',
    'a\0',
    'a\r\nX-Header:1',
    'a\u007f',
  ];
  bad.push(
    '\ud800',
    'a\u202e',
    'a\u200b',
    '\u3164',
    '\ufeffa',
    'a\u2028',
    '\ufffd',
    '\ue000',
    'x'.repeat(129),
    '😀'.repeat(65),
  );
  for (const id of bad) assert.ok(!isDeviceId(id), JSON.stringify(id));
});

test('lets every id stand in a Topic Filter, in a key and in a line, as it is', () => {
  const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 140 }), fc.string({ maxLength: 140 }));
  fc.assert(
    fc.property(text, (id) => {
      fc.pre(isDeviceId(id));
      assert.ok(isTopicFilter(`${id}/#`));
      assert.equal(`a/${id}/b`.split('/').length, 3);
      assert.ok(utf8Length(id) <= 480);
      assert.equal(id.trim(), id);
      assert.equal(new URL(`http://h/devices/${encodeURIComponent(id)}`).pathname.split('/').length, 3);
      assert.equal(decodeURIComponent(encodeURIComponent(id)), id);
    }),
    { numRuns: 500 },
  );
});
