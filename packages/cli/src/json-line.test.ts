import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonLine } from './json-line.ts';
import type { ShownMessage } from './shown-message.ts';

const moment = { epochMs: 1_600_000_000_123, nanoseconds: 123_456_000 };
const line = (payload: string | Uint8Array, fields: Partial<ShownMessage> = {}): string =>
  jsonLine(
    {
      topic: 'a/b',
      qos: 1,
      retain: true,
      dup: false,
      packetId: 7,
      properties: {},
      ...fields,
      payload: typeof payload === 'string' ? Buffer.from(payload) : payload,
    },
    moment,
  );

test('the keys are always there and in the same order', () => {
  assert.equal(
    line('22.50'),
    '{"time":"2020-09-13T12:26:40.123456Z","topic":"a/b","qos":1,"retain":true,"bytes":5,"encoding":"json","payload":22.50,"properties":{}}',
  );
  assert.deepEqual(Object.keys(JSON.parse(line(''))), Object.keys(JSON.parse(line('{}'))));
});

test('the encoding says whether the payload is a JSON value, a text or base64', () => {
  const encoded = (payload: string | Uint8Array) => {
    const { encoding, payload: value } = JSON.parse(line(payload));
    return [encoding, value];
  };
  assert.deepEqual(encoded('{"a":[1]}'), ['json', { a: [1] }]);
  assert.deepEqual(encoded('"text"'), ['json', 'text']);
  assert.deepEqual(encoded('two\nlines\u2028'), ['text', 'two\nlines\u2028']);
  assert.deepEqual(encoded(''), ['text', '']);
  assert.deepEqual(encoded('\ufeffx'), ['text', '\ufeffx']);
  assert.deepEqual(encoded(Uint8Array.of(0xff, 0)), ['base64', '/wA=']);
  assert.ok(!line('a\nb').includes('\n'));
});

test('properties have the names of the client, repeated User Properties and bytes as base64', () => {
  const properties = {
    userProperties: [
      ['k', '1'],
      ['k', '2'],
    ] as const,
    correlationData: Uint8Array.of(0xff),
    contentType: 'c',
  };
  assert.deepEqual(JSON.parse(line('x', { properties })).properties, {
    userProperties: [
      ['k', '1'],
      ['k', '2'],
    ],
    contentType: 'c',
    correlationData: '/w==',
  });
});
