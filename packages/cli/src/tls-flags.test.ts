import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { CommandError } from './exit-codes.ts';
import { readFlags } from './flags.ts';
import { checkTlsFlags, readTls, TLS, type TlsFlags } from './tls-flags.ts';

const directory = mkdtempSync(join(tmpdir(), 'dunlin-tls-flags-'));
after(() => rmSync(directory, { recursive: true }));

function file(name: string, content: string): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

function read(...argv: string[]): TlsFlags {
  const tls: TlsFlags = {};
  readFlags('tool', [TLS], argv, { tls });
  checkTlsFlags(tls);
  return tls;
}

test('files are read, and only named authorities are believed', () => {
  const ca = file('ca.pem', 'CA');
  const [cert, key] = [file('cert', 'CERT'), file('key', 'KEY')];
  const pw = file('pw', 'secret\r\nmore');
  const settings = readTls(read('--cafile', ca, '--cert', cert, '--key', key, '--key-pw-file', pw, '--insecure'));
  assert.deepEqual(settings, {
    authorities: [Buffer.from('CA')],
    checkHost: false,
    credential: { certificate: Buffer.from('CERT'), key: Buffer.from('KEY') },
    passphrase: 'secret',
  });
  const { authorities: found, ...rest } = readTls(
    read('--servername', 's', '--tls-version', 'tlsv1.3', '--ciphers', 'C', '--tls-alpn', 'mqtt', '--keyform', 'pem'),
  );
  assert.ok(found.length > 0, 'those of the system');
  assert.deepEqual(rest, {
    checkHost: true,
    serverName: 's',
    minVersion: 'TLSv1.3',
    ciphers: 'C',
    protocols: ['mqtt'],
  });
  assert.ok(readTls(read('--cafile', ca, '--tls-use-os-certs')).authorities.length > 1);
});

test('--capath reads certificates and nothing else of a directory', () => {
  const other = mkdtempSync(join(directory, 'cas-'));
  assert.throws(() => readTls({ caPath: other }), /no \.pem or \.crt is in it/);
  for (const name of ['a.pem', 'b.crt', 'README']) writeFileSync(join(other, name), name);
  assert.deepEqual(readTls({ caPath: other }).authorities.map(String).sort(), ['a.pem', 'b.crt']);
});

test('a file that cannot be read is told with its flag', () => {
  const missing = join(directory, 'missing');
  for (const [flags, flag] of [
    [{ caFile: missing }, '--cafile'],
    [{ caPath: missing }, '--capath'],
    [{ certificateFile: missing, keyFile: missing }, '--cert'],
  ] as const) {
    assert.throws(
      () => readTls(flags),
      (error: CommandError) =>
        error.exitCode === 3 && error.message === `Cannot use ${flag} ${missing}: no such file or directory (ENOENT)`,
    );
  }
});
