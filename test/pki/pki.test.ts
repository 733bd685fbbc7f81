/** What the authority of ours issues, as OpenSSL, Mosquitto and our own method see it. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Authorities, readCertificates } from '@dunlin/identity';
import { TestClock } from '../../packages/identity/src/testing/clock.ts';
import { commandPath, missing } from '../../tools/prerequisites.ts';
import { freePort } from '../free-port.ts';
import { CLIENTS, type ClientName, makePki } from './pki.ts';

const directory = mkdtempSync(join(tmpdir(), 'dunlin-pki-'));
const pki = makePki(directory);
const started: ChildProcess[] = [];
after(() => {
  for (const child of started) child.kill('SIGKILL');
  rmSync(directory, { recursive: true });
});

const openssl = (...args: string[]) =>
  spawnSync('openssl', args, { encoding: 'utf8', cwd: directory, timeout: 20_000 });
const verified = (name: string, purpose: string) =>
  openssl(
    'verify',
    '-x509_strict',
    '-purpose',
    purpose,
    '-crl_check',
    '-CRLfile',
    'ca.crl',
    '-CAfile',
    'ca.pem',
    `${name}.pem`,
  );

test('our own check tells each of the clients apart', () => {
  const clock = new TestClock(Date.now());
  const crls = [{ bytes: Buffer.from(pki.text('ca.crl')), source: 'ca.crl' }];
  const definitions = [
    { name: 'test', certificates: pki.text('ca.pem'), crls },
    { name: 'other', certificates: pki.text('other-ca.pem') },
  ];
  const authorities = new Authorities({ definitions, clock });
  const pem = (name: ClientName) => Buffer.from(pki.text(`${name}.pem`).replaceAll(/-----.*-----|\s/g, ''), 'base64');
  const problems = CLIENTS.map((name) => authorities.examine([pem(name)], ['test']).problem);
  assert.deepEqual(problems, [undefined, 'revoked', 'expired', 'not-yet-valid', 'foreign', 'foreign']);
  assert.equal(authorities.examine([pem('same-name')], ['test', 'other']).facts?.authority, 'other');
});

test('OpenSSL finds the certificates and the list well made', { skip: missing('openssl-command') }, () => {
  assert.equal(verified('server', 'sslserver').stdout, 'server.pem: OK\n');
  assert.equal(verified('good', 'sslclient').stdout, 'good.pem: OK\n');
  assert.match(verified('good', 'sslserver').stderr, /unsupported certificate purpose|unsuitable certificate purpose/);
  assert.match(verified('revoked', 'sslclient').stderr, /certificate revoked/);
  assert.match(verified('expired', 'sslclient').stderr, /certificate has expired/);
  assert.match(verified('not-yet-valid', 'sslclient').stderr, /certificate is not yet valid/);
  assert.match(verified('foreign', 'sslclient').stderr, /unable to get local issuer certificate/);
  assert.match(openssl('verify', '-verify_hostname', 'localhost', '-CAfile', 'ca.pem', 'server.pem').stdout, /OK/);
  assert.match(openssl('verify', '-verify_ip', '::1', '-CAfile', 'ca.pem', 'server.pem').stdout, /OK/);
  assert.notEqual(openssl('verify', '-verify_hostname', 'example.com', '-CAfile', 'ca.pem', 'server.pem').status, 0);
});

test('OpenSSL reads the extensions that RFC 5280 wants', { skip: missing('openssl-command') }, () => {
  const text = (name: string) => openssl('x509', '-noout', '-text', '-in', `${name}.pem`).stdout;
  const authority = text('ca');
  assert.match(authority, /Basic Constraints: critical\s+CA:TRUE/);
  assert.match(authority, /Key Usage: critical\s+Certificate Sign, CRL Sign/);
  assert.match(authority, /Signature Algorithm: ecdsa-with-SHA256[\s\S]*NIST CURVE: P-256/);
  const server = text('server');
  assert.match(server, /Key Usage: critical\s+Digital Signature\n/);
  assert.match(server, /Extended Key Usage: \s+TLS Web Server Authentication\n/);
  assert.match(server, /DNS:localhost, IP Address:127\.0\.0\.1, IP Address:0:0:0:0:0:0:0:1/);
  assert.match(text('good'), /Extended Key Usage: \s+TLS Web Client Authentication\n/);
  const [own] = readCertificates(pki.text('ca.pem'), 'ca.pem');
  const keyId = own.subjectKeyId!.toString('hex').toUpperCase().match(/../g)!.join(':');
  assert.ok(text('good').includes(keyId), 'the Authority Key Identifier is the key of the authority');
  const crl = openssl('crl', '-noout', '-text', '-in', 'ca.crl', '-CAfile', 'ca.pem');
  assert.match(crl.stderr, /verify OK/);
  assert.ok(crl.stdout.includes(pki.clients.revoked.serial));
  assert.match(openssl('pkey', '-noout', '-text', '-in', 'good.key').stdout, /NIST CURVE: P-256/);
});

test("Debian's Mosquitto lets in by them whom it should", { skip: missing('mosquitto', 'mosquitto_pub') }, async () => {
  const port = await freePort();
  const lines = {
    listener: `${port} 127.0.0.1`,
    cafile: 'ca.pem',
    certfile: 'server.pem',
    keyfile: 'server.key',
    crlfile: 'ca.crl',
    require_certificate: 'true',
    use_identity_as_username: 'true',
    // It runs as nobody else than who started it, who may read the key.
    user: execFileSync('id', ['-un'], { encoding: 'utf8' }).trim(),
  };
  writeFileSync(
    join(directory, 'mosquitto.conf'),
    Object.entries(lines)
      .map((line) => line.join(' '))
      .join('\n'),
  );
  const broker = spawn(commandPath('mosquitto')!, ['-c', 'mosquitto.conf'], { cwd: directory, stdio: 'ignore' });
  started.push(broker);
  await listening(port, broker);
  const publish = (name: ClientName, host = '127.0.0.1') => {
    const tls = ['--cafile', 'ca.pem', '--cert', `${name}.pem`, '--key', `${name}.key`];
    const args = ['-h', host, '-p', String(port), '-q', '1', '-t', 'a', '-m', 'b', ...tls];
    return spawnSync('mosquitto_pub', args, { cwd: directory, timeout: 20_000 }).status;
  };
  assert.equal(publish('good'), 0);
  assert.equal(publish('good', 'localhost'), 0);
  for (const name of CLIENTS.filter((client) => client !== 'good')) assert.notEqual(publish(name), 0, name);
});

/** Resolves when somebody accepts at the port; fails when the process that should has ended. */
async function listening(port: number, child: ChildProcess): Promise<void> {
  for (;;) {
    assert.equal(child.exitCode, null, 'mosquitto has ended');
    const socket = connect(port, '127.0.0.1');
    const isOpen = await new Promise((resolve) =>
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false)),
    );
    socket.destroy();
    if (isOpen) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
