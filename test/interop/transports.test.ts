/** The command line over every transport, with Dunlin and with Mosquitto from Debian. */

import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { run } from '@dunlin/cli';
import { createAuthority, issueClientCertificate, issueServerCertificate } from '@dunlin/devices';
import { type RunningServer, startServer } from '@dunlin/server';
import { RecordedTerminal } from '../../packages/cli/src/contract/recorded-terminal.ts';
import { missing } from '../../tools/prerequisites.ts';
import { freePort } from '../free-port.ts';
import { eventually, Program } from './local-broker.ts';

const directory = mkdtempSync(join(tmpdir(), 'dunlin-dialing-'));
const at = { days: 1, nowMs: Date.now() };
const authority = createAuthority({ ...at, commonName: 'an authority' });
const client = issueClientCertificate({ ...at, authority, commonName: 'ada' });
const socket = join(directory, 'mqtt.sock');

function file(name: string, content: string): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

const ca = file('ca.pem', authority.certificate);
const otherCa = file('other.pem', createAuthority({ ...at, commonName: 'another' }).certificate);
const clientCertificate = file('client.pem', client.certificate);
const encryptedKey = file(
  'client.key',
  String(
    createPrivateKey(String(client.key)).export({
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: 'pw',
    }),
  ),
);

let server: RunningServer;
let ports: Record<'tcp' | 'tls' | 'mutual' | 'ws' | 'wss', number>;
before(async () => {
  const made = issueServerCertificate({ ...at, authority, names: ['localhost'] });
  const tls = { certificate: file('server.pem', made.certificate), key: file('server.key', made.key) };
  const local = { host: '127.0.0.1', port: 0 };
  server = await startServer({
    authorities: [{ name: 'ours', certificate: ca }],
    authentication: [{ method: 'certificate', match: 'none' }, { method: 'anonymous' }],
    listeners: [
      { ...local, transport: 'tcp' },
      { ...local, transport: 'tls', tls },
      { ...local, transport: 'tls', tls: { ...tls, clientCertificate: 'required', authorities: ['ours'] } },
      { ...local, transport: 'ws' },
      { ...local, transport: 'wss', tls },
      { transport: 'unix', path: socket },
    ],
  });
  const [tcp, tlsPort, mutual, ws, wss] = server.listeners.map(({ port }) => port);
  ports = { tcp, tls: tlsPort, mutual, ws, wss };
});
after(async () => {
  await server.stop();
  rmSync(directory, { recursive: true });
});

async function publish(...flags: (string | number)[]): Promise<{ exitCode: number; err: string }> {
  const terminal = new RecordedTerminal();
  const exitCode = await run(['pub', '-t', 'a', '-m', 'b', '-q', '1', ...flags.map(String)], terminal);
  return { exitCode, err: terminal.err };
}

test('a server is reached by every transport, said by flags or by a URL', async () => {
  const here = ['-h', '127.0.0.1', '-p'];
  const named = ['--cafile', ca, '--servername', 'localhost'];
  const ways: (string | number)[][] = [
    ['-L', `mqtt://127.0.0.1:${ports.tcp}`, '-A', '127.0.0.1'],
    ['--unix', socket],
    ['-L', `mqtt+unix://${socket}`],
    [...here, ports.tls, ...named, '-A', '127.0.0.1'],
    ['-L', `mqtts://localhost:${ports.tls}`, '--capath', directory],
    ['-L', `mqtts://127.0.0.1:${ports.tls}`, ...named, '--tls-version', 'tlsv1.3', '--tls-alpn', 'mqtt'],
    [...here, ports.tls, '--cafile', ca, '--insecure', '--ciphers', 'HIGH'],
    [...here, ports.ws, '--ws', '-A', '127.0.0.1'],
    ['-L', `ws://127.0.0.1:${ports.ws}/mqtt`],
    [...here, ports.wss, '--ws', ...named],
    ['-L', `wss://localhost:${ports.wss}/mqtt`, '--cafile', ca],
  ];
  for (const way of ways) assert.deepEqual(await publish(...way), { exitCode: 0, err: '' }, way.join(' '));
});

test('a client shows its certificate, and its key may be encrypted', async () => {
  const own = [
    '-h',
    'localhost',
    '-p',
    ports.mutual,
    '--cafile',
    ca,
    '--cert',
    clientCertificate,
    '--key',
    encryptedKey,
  ];
  assert.deepEqual(await publish(...own, '--key-pw-file', file('pw', 'pw\n')), { exitCode: 0, err: '' });
  const { exitCode, err } = await publish(...own);
  assert.equal(exitCode, 2);
  assert.match(err, /DUNLIN_TLS_SETTINGS\)\nCheck --cert and --key; the password of an encrypted key comes from/);
});

test('whom TLS does not believe is refused, with what would be right', async () => {
  const cases: [(string | number)[], RegExp][] = [
    [
      ['-p', ports.tls, '-h', 'localhost', '--cafile', otherCa],
      /\(\w+\)\nName the authority that signed it with --cafile\.\n$/,
    ],
    [['-p', ports.tls, '-h', 'localhost', '--cafile', otherCa, '--insecure'], /Name the authority/],
    [['-p', ports.tls, '-h', '127.0.0.1', '--cafile', ca], /\(ERR_TLS_CERT_ALTNAME_INVALID\)\n.*--servername\.\n$/],
    [['-L', `wss://127.0.0.1:${ports.wss}/mqtt`, '--cafile', ca], /\(ERR_TLS_CERT_ALTNAME_INVALID\)\n/],
    [['-L', `ws://127.0.0.1:${ports.ws}/nothing`], /\(DUNLIN_HTTP_STATUS\)\nCheck the path of the URL/],
    [['--unix', join(directory, 'none')], /\(ENOENT\)\nCheck the path of the Unix socket/],
  ];
  for (const [flags, expected] of cases) {
    const { exitCode, err } = await publish(...flags);
    assert.equal(exitCode, 2, err);
    assert.match(err, expected);
  }
});

test('a server that speaks no TLS is told as such', async () => {
  const plain = createServer((peer) => peer.end('no TLS here\n'));
  await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
  const { port } = plain.address() as { port: number };
  const { exitCode, err } = await publish('-h', '127.0.0.1', '-p', port, '--cafile', ca);
  assert.deepEqual([exitCode, /Another port may speak TLS/.test(err)], [2, true], err);
  plain.close();
});

test("Debian's Mosquitto is reached over TCP, TLS, a Unix socket and WebSocket", {
  skip: missing('mosquitto'),
}, async () => {
  const [tcp, tls, ws] = [await freePort(), await freePort(), await freePort()];
  const path = join(directory, 'mosquitto.sock');
  const configuration = [
    // As root it would become a user who may not read the key.
    'user root',
    'allow_anonymous true',
    `listener ${tcp} 127.0.0.1`,
    `listener ${tls} 127.0.0.1`,
    `certfile ${join(directory, 'server.pem')}`,
    `keyfile ${join(directory, 'server.key')}`,
    `listener 0 ${path}`,
    `listener ${ws} 127.0.0.1`,
    'protocol websockets',
  ];
  const broker = new Program('mosquitto', ['-c', file('mosquitto.conf', `${configuration.join('\n')}\n`)]);
  await eventually(() => broker.err.includes('running'), 'Mosquitto');
  const ways: (string | number)[][] = [
    ['-h', '127.0.0.1', '-p', tcp],
    ['-h', 'localhost', '-p', tls, '--cafile', ca],
    ['--unix', path],
    ['-L', `ws://127.0.0.1:${ws}/mqtt`],
  ];
  for (const way of ways) assert.deepEqual(await publish(...way), { exitCode: 0, err: '' }, way.join(' '));
  broker.kill('SIGTERM');
  await broker.exited;
});
