import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect, type MqttError } from '@dunlin/client';
import { TcpServer } from '../../../test/scripted-tcp-server.ts';
import { pinged } from './ping.ts';

async function connected() {
  const server = await TcpServer.start();
  const connecting = connect(`mqtt://127.0.0.1:${server.port}`, {
    protocolVersion: 4,
    keepAlive: 0,
    reconnect: false,
  });
  const peer = await server.accept();
  return { client: await connecting, peer };
}

test('a ping settles with PINGRESP', async () => {
  const { client, peer } = await connected();
  const pinging = pinged(client);
  await peer.next('pingreq');
  peer.send({ type: 'pingresp' });
  await pinging;
  await client.disconnect();
});

test('a ping that nobody answers rejects', async () => {
  const { client } = await connected();
  await assert.rejects(pinged(client, 10), (error: MqttError) => error.code === 'timed-out');
  await client.disconnect();
});

test('a ping rejects with the end of the connection, and without one at once', async () => {
  const { client, peer } = await connected();
  const lost = assert.rejects(pinged(client), (error: MqttError) => error.code === 'connection-lost');
  await peer.next('pingreq');
  peer.cut();
  await lost;
  await assert.rejects(pinged(client), (error: MqttError) => error.code === 'closed');
});
