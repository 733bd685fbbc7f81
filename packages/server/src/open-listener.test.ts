import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { connect } from 'node:tls';
import { hashPassword } from '@dunlin/identity';
import { RawClient } from '../../../test/conformance/raw-client.ts';
import { TestClock } from '../../../test/doubles.ts';
import { makePki } from '../../../test/pki/pki.ts';
import type { ConfigurationInput } from './configuration.ts';
import type { ServerEvent } from './events.ts';
import { type RunningServer, startServer } from './server.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dunlin-open-'));
const pki = makePki(scratch);
const DAY_MS = 86_400_000;
const running: RunningServer[] = [];
after(async () => {
  await Promise.all(running.map((server) => server.stop()));
  rmSync(scratch, { recursive: true });
});

async function start(configuration: ConfigurationInput, clock?: TestClock) {
  const events: ServerEvent[] = [];
  const server = await startServer(configuration, {
    onEvent: (event) => events.push(event),
    ...(clock && { clock }),
  });
  running.push(server);
  const rejected = async (): Promise<ServerEvent> => {
    for (;;) {
      const found = events.find(({ name }) => name === 'connectionRejected');
      if (found !== undefined) return found;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  return { server, events, rejected, port: server.listeners[0].port };
}

test('an address that is banned is dropped at once, which is told by its check', async () => {
  const { port, rejected } = await start({
    listeners: [{ host: '127.0.0.1', port: 0 }],
    authentication: [{ method: 'users', users: [{ name: 'ada', password: await hashPassword(Buffer.from('ada')) }] }],
    guard: { trusted: ['192.0.2.0/24'], addressBanAfter: 1 },
  });
  const guess = await RawClient.open({ host: '127.0.0.1', port }, 5);
  guess.sendConnect({ clientId: 'c', username: 'ada', password: 'wrong' });
  await guess.expectRefusal(0x86);
  await (await RawClient.open({ host: '127.0.0.1', port }, 5)).expectClose();
  const reason = 'too many failed there';
  assert.deepEqual(await rejected(), {
    ...{ name: 'connectionRejected', address: '127.0.0.1', listener: 'tcp', check: 'banned-address', reason },
  });
});

test('who fails in TLS is told of by the code and by a reason that people can read', async () => {
  const { port, rejected, server } = await start({
    listeners: [
      {
        ...{ name: 'secure', transport: 'tls', host: '127.0.0.1', port: 0 },
        tls: { certificate: pki.path('server.pem'), key: pki.path('server.key'), clientCertificate: 'required' },
      },
    ],
    authorities: [{ name: 'ours', certificate: pki.path('ca.pem') }],
    authentication: [{ method: 'certificate' }],
  });
  const { name, transport, host, addresses } = server.listeners[0];
  assert.deepEqual([name, transport, host, addresses], ['secure', 'tls', '127.0.0.1', [`127.0.0.1:${port}`]]);
  const socket = connect({ host: '127.0.0.1', port, ca: pki.text('ca.pem') });
  socket.on('error', () => {});
  const event = await rejected();
  assert.ok(event.name === 'connectionRejected');
  assert.equal(event.listener, 'secure');
  assert.match(event.check ?? '', /^(ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE|DUNLIN_CERTIFICATE_MISSING)$/);
  assert.match(event.reason ?? '', /certificate/);
  assert.doesNotMatch(event.reason ?? '', /\.c:|deps/);
  socket.destroy();
});

test('connections beyond the rate of a listener wait, and are served', async () => {
  const clock = new TestClock();
  const { port } = await start(
    { listeners: [{ host: '127.0.0.1', port: 0, limits: { connectionsPerSecondMax: 1 } }] },
    clock,
  );
  const first = await RawClient.open({ host: '127.0.0.1', port }, 5);
  await first.connect();
  const second = await RawClient.open({ host: '127.0.0.1', port }, 5);
  second.sendConnect();
  await second.expectSilence(100);
  clock.pass(1_000);
  await second.expect('connack', { code: 0 });
  for (const client of [first, second]) await client.disconnect();
});

test('a certificate that comes near its end while the server runs is told of daily, until another is in its place', async () => {
  const clock = new TestClock(Date.now());
  const [certificate, key] = [pki.path('ending.pem'), pki.path('ending.key')];
  const write = (days: number): void => {
    const issued = pki.issueServer(days);
    writeFileSync(certificate, issued.certificate);
    writeFileSync(key, issued.key);
  };
  write(31);
  const configuration: ConfigurationInput = {
    listeners: [{ transport: 'tls', host: '127.0.0.1', port: 0, tls: { certificate, key } }],
  };
  const { server, events } = await start(configuration, clock);
  const warnings = (): string[] => events.flatMap((event) => (event.name === 'certificateWarning' ? event.source : []));
  clock.leap(DAY_MS - 1);
  assert.deepEqual(warnings(), []);
  clock.leap(1);
  assert.deepEqual(warnings(), [certificate]);
  write(80);
  await server.reload(configuration);
  clock.leap(DAY_MS);
  assert.deepEqual(warnings(), [certificate]);
});
