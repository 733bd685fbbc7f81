import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listenTcp, type Wire } from '@dunlin/transport';
import { ScriptedServer } from './contract/scripted-server.ts';
import type { MqttError } from './errors.ts';
import { connect } from './node.ts';

test('a URL leads to a server over TCP, with the credentials in it', async () => {
  const accepted = Promise.withResolvers<Wire>();
  const listener = await listenTcp({
    host: '127.0.0.1',
    port: 0,
    accept: accepted.resolve,
    onError: accepted.reject,
  });
  try {
    const connecting = connect(`mqtt://me:s%40cret@127.0.0.1:${listener.port}`, { clientId: 'c' });
    const server = new ScriptedServer((await accepted.promise) as never, 5);
    const packet = await server.next('connect');
    assert.equal(packet.username, 'me');
    assert.equal(Buffer.from(packet.password ?? []).toString(), 's@cret');
    server.send({ type: 'connack', sessionPresent: false, reasonCode: 0, properties: {} });
    const client = await connecting;
    await client.publish('t', 'x'.repeat(100_000));
    assert.equal((await server.next('publish')).payload.length, 100_000);
    await client.disconnect();
    await server.next('disconnect');
  } finally {
    await listener.close();
  }
});

test('a URL that cannot be rejects as invalid', async () => {
  await assert.rejects(connect('localhost'), (error: MqttError) => error.code === 'invalid');
});
