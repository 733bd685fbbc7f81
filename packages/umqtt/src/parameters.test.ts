import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BOOL, integer, SSL_PARAMS, TEXT } from './kinds.ts';
import { type Optional, optional, required } from './parameters.ts';

const PARAMETERS = {
  port: { kind: integer(0, 65_535), byDefault: 0 },
  user: { kind: TEXT, byDefault: undefined } as Optional<string | undefined>,
  ssl_params: { kind: SSL_PARAMS, byDefault: {} },
  reconn: { kind: BOOL, byDefault: true },
} as const;
const read = (...given: unknown[]) => optional('Cannot go', PARAMETERS, given);

test('what is left out, undefined or null is the default', () => {
  const defaults = { port: 0, user: undefined, ssl_params: {}, reconn: true };
  assert.deepEqual(read(), defaults);
  assert.deepEqual(read(undefined, null, {}, null), defaults);
  assert.deepEqual(read({ port: null }), defaults);
});

test('parameters come in their order, by name, or first in their order and the rest by name', () => {
  const expected = { port: 1, user: 'ada', ssl_params: { ca: 'x' }, reconn: false };
  assert.deepEqual(read(1, 'ada', { ca: 'x' }, false), expected);
  assert.deepEqual(read({ reconn: false, ssl_params: { ca: 'x' }, user: 'ada', port: 1 }), expected);
  assert.deepEqual(read(1, 'ada', { reconn: false, ssl_params: { ca: 'x' } }), expected);
  assert.deepEqual(read(1, 'ada', { ca: 'x' }, { reconn: false }), expected);
});

test('an object in the place of ssl_params is ssl_params, unless it names parameters', () => {
  assert.deepEqual(read(0, 'ada', { ca: 'x' }).ssl_params, { ca: 'x' });
  assert.equal(read(0, 'ada', { reconn: false }).reconn, false);
  assert.throws(
    () => read(0, 'ada', { kay: 'x' }),
    /ssl_params has no "kay", some of key, cert, ca, server_hostname are/,
  );
});

test('unknown names, names twice and too many arguments are refused as Python does', () => {
  assert.throws(() => read({ reconnect: false }), {
    name: 'TypeError',
    message: 'Cannot go: there is no "reconnect", one of port, user, ssl_params, reconn is expected',
  });
  assert.throws(() => read(1, { port: 2 }), { message: 'Cannot go: port is given twice, once is expected' });
  assert.throws(() => read(1, 'a', {}, true, 5), { name: 'TypeError', message: /and no more$/ });
  assert.throws(() => read(JSON.parse('{"__proto__": 1}')), { message: /there is no "__proto__"/ });
});

test('a wrong type is told with what was expected, and the value is not repeated', () => {
  assert.throws(() => read('1883'), {
    name: 'TypeError',
    message: 'Cannot go: port is of type string, an integer from 0 to 65535 is expected',
  });
  assert.throws(
    () => read(0, ['secret']),
    (error: Error) => /user is of type Array/.test(error.message) && !/secret/.test(error.message),
  );
  assert.throws(() => required('Cannot go', 'topic', TEXT, undefined), { message: /^Cannot go: topic is undefined, / });
});
