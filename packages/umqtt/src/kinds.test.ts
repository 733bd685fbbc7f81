import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MESSAGE, QOS, SERVER, SSL_PARAMS, TEXT } from './kinds.ts';
import { type Kind, required } from './parameters.ts';

const read = <Value>(kind: Kind<Value>, value: unknown): Value => required('Cannot go', 'it', kind, value);

test('text is a string or its UTF-8', () => {
  assert.equal(read(TEXT, 'grün'), 'grün');
  assert.equal(read(TEXT, new TextEncoder().encode('grün')), 'grün');
  assert.throws(() => read(TEXT, Uint8Array.of(0xff)), {
    name: 'TypeError',
    message: 'Cannot go: it is of type Uint8Array, a string or its UTF-8 is expected',
  });
  assert.throws(() => read(TEXT, 5), { message: /it is of type number, a string/ });
});

test('a message is a string or any bytes, and no other object', () => {
  assert.deepEqual(read(MESSAGE, Uint8Array.of(0xff)), Uint8Array.of(0xff));
  assert.throws(() => read(MESSAGE, { value: 1 }), { message: /it is of type Object, a string or bytes/ });
});

test('QoS 2 is refused, since umqtt knows 0 and 1', () => {
  assert.equal(read(QOS, 1), 1);
  assert.throws(() => read(QOS, 2), {
    name: 'RangeError',
    message: 'Cannot go: it is 2, an integer from 0 to 1 (umqtt has no QoS 2) is expected',
  });
  assert.throws(() => read(QOS, 0.5), RangeError);
  assert.throws(() => read(QOS, true), { name: 'TypeError', message: /it is of type boolean/ });
});

test('a server is a host name or an address', () => {
  const given = ['mq.example.com', '127.0.0.1', '::1', '[::1]', 'my_host'];
  assert.deepEqual(
    given.map((server) => read(SERVER, server)),
    ['mq.example.com', '127.0.0.1', '[::1]', '[::1]', 'my_host'],
  );
  for (const wrong of ['', 'mqtt://host', 'host:1883', 'host/path', 'user@host', 'a b']) {
    assert.throws(
      () => read(SERVER, wrong),
      { name: 'RangeError', message: /one without scheme, path and port/ },
      wrong,
    );
  }
});

test('ssl_params become options of TLS', () => {
  const key = Uint8Array.of(1);
  const given = { key, cert: 'CERT', ca: null, server_hostname: 'broker' };
  assert.deepEqual(read(SSL_PARAMS, given), { key, cert: 'CERT', servername: 'broker' });
  assert.throws(() => read(SSL_PARAMS, { ca: 5 }), {
    message: 'Cannot go: ssl_params.ca is of type number, PEM text is expected',
  });
  assert.throws(() => read(SSL_PARAMS, { cadata: '' }), { name: 'TypeError', message: /ssl_params has no "cadata"/ });
  assert.throws(() => read(SSL_PARAMS, 'PEM'), {
    message: /it is of type string, an object with some of key, cert, ca/,
  });
});
