import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readCursor, writeCursor } from './list-cursor.ts';

test('returns the cursor that was written', () => {
  fc.assert(
    fc.property(fc.string(), (cursor) => assert.equal(readCursor(writeCursor(cursor, 'type'), 'type'), cursor)),
  );
});

test('refuses every other text, and a cursor of another list', () => {
  const json = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const bad = [
    '',
    'x',
    '{}',
    json(['type']),
    json(['type', 1]),
    json('type'),
    writeCursor('a', 'group'),
    'A'.repeat(8_193),
  ];
  for (const text of bad) assert.throws(() => readCursor(text, 'type'), { code: 'cursor-invalid' }, text);
});
