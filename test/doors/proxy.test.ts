/** The PROXY protocol: nobody says where they come from but who is trusted, and who is trusted must say it. */
import { test } from 'node:test';
import { GuardedServer } from './guarded-server.ts';

const server = await GuardedServer.start({
  listeners: [
    { name: 'proxied', allowAnonymous: true, proxy: { protocol: 'any', trusted: ['127.0.0.1'] } },
    { name: 'direct', allowAnonymous: true },
  ],
});
const HEADER = Buffer.from('PROXY TCP4 192.0.2.7 127.0.0.1 4711 1883\r\n');

test('the header of a trusted peer says who the client is', async () => {
  const client = await server.open('proxied');
  client.send(HEADER);
  await client.connect({ clientId: 'behind' });
  await server.told('clientConnected', { clientId: 'behind', address: '192.0.2.7', listener: 'proxied' });
  await client.disconnect();
});

test('the header of a peer that is not trusted is not read: the connection is closed', async () => {
  const client = await server.open('proxied', 5, '127.0.0.2');
  client.send(HEADER);
  client.sendConnect({ clientId: 'forged' });
  await client.expectClose();
  await server.told('connectionRejected', {
    listener: 'proxied',
    address: '127.0.0.2',
    check: 'DUNLIN_PROXY_UNTRUSTED',
  });
});

test('a trusted peer without a header is closed: nobody passes for the proxy', async () => {
  const client = await server.open('proxied');
  client.sendConnect({ clientId: 'headless' });
  await client.expectClose();
  await server.told('connectionRejected', { listener: 'proxied', address: '127.0.0.1', check: 'DUNLIN_PROXY_HEADER' });
});

test('a header where none is expected is no MQTT: the connection is closed', async () => {
  const client = await server.open('direct');
  client.send(HEADER);
  client.sendConnect({ clientId: 'unasked' });
  await client.expectClose();
  await server.told('connectionRejected', { listener: 'direct', address: '127.0.0.1', check: 'protocol-error' });
});
