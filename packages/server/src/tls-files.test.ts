import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Authorities, type CertificateWarning } from '@dunlin/identity';
import { TestClock } from '../../../test/doubles.ts';
import { makePki } from '../../../test/pki/pki.ts';
import type { TlsConfiguration } from './configuration.ts';
import { readTlsFiles, tlsPaths } from './tls-files.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dunlin-tls-files-'));
const pki = makePki(scratch);
const nowMs = Date.now();
const authorities = new Authorities({
  definitions: ['ours', 'other'].map((name) => ({
    name,
    certificates: pki.text(name === 'ours' ? 'ca.pem' : 'other-ca.pem'),
  })),
  clock: new TestClock(nowMs),
});
after(() => {
  authorities.close();
  rmSync(scratch, { recursive: true });
});

function read(tls: Partial<TlsConfiguration>, authorityNames: readonly string[] = ['ours', 'other']) {
  const warnings: CertificateWarning[] = [];
  const context = { authorities, authorityNames, nowMs, warn: (warning: CertificateWarning) => warnings.push(warning) };
  const settings = readTlsFiles({ certificate: pki.path('server.pem'), key: pki.path('server.key'), ...tls }, context);
  return { settings, warnings };
}

function written(name: string, text: string): string {
  writeFileSync(pki.path(name), text);
  return pki.path(name);
}

test('reads certificates and keys, and asks for no client certificate by default', () => {
  const { settings, warnings } = read({});
  assert.deepEqual(warnings, []);
  const { credentials, ...rest } = settings;
  assert.deepEqual(rest, { clientCertificate: 'none', authorities: [] });
  assert.deepEqual(
    credentials.map(({ certificate }) => certificate),
    [pki.text('server.pem')],
  );
});

test('gives TLS every certificate, the oldest version and the authorities that the listener names', () => {
  const more = { certificate: pki.path('good.pem'), key: pki.path('good.key') };
  const all = read({ certificates: [more], minVersion: '1.3', clientCertificate: 'optional' }).settings;
  assert.deepEqual([all.credentials.length, all.minVersion], [2, 'TLSv1.3']);
  assert.deepEqual(all.authorities, [authorities.pem('ours'), authorities.pem('other')]);
  const one = read({ clientCertificate: 'required', authorities: ['other'] }).settings;
  assert.deepEqual(one.authorities, [authorities.pem('other')]);
  const { certificate, key } = { certificate: pki.path('server.pem'), key: pki.path('server.key') };
  assert.deepEqual(tlsPaths({ certificate, key, certificates: [more] }), [
    certificate,
    key,
    more.certificate,
    more.key,
  ]);
  assert.deepEqual(tlsPaths(undefined), []);
});

test('reads a key with its passphrase, from a file that is watched and for its owner alone', () => {
  const secret = 'correct horse';
  const plain = createPrivateKey(pki.text('server.key'));
  const cipher = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: secret } as const;
  const key = written('locked.key', plain.export(cipher) as string);
  const passphraseFile = written('passphrase', `${secret}\n`);
  chmodSync(passphraseFile, 0o600);
  const [{ key: unlocked }] = read({ key, passphraseFile }).settings.credentials;
  assert.ok(createPrivateKey(unlocked).equals(plain));
  assert.ok(tlsPaths({ certificate: 'c', key, passphraseFile }).includes(passphraseFile));
  assert.throws(() => read({ key }), /locked\.key: it is encrypted; its passphrase/);
  writeFileSync(passphraseFile, 'another');
  assert.throws(() => read({ key, passphraseFile }), /locked\.key: its passphrase is another, or it is damaged/);
  writeFileSync(passphraseFile, secret);
  for (const mode of [0o640, 0o604]) {
    chmodSync(passphraseFile, mode);
    assert.throws(() => read({ key, passphraseFile }), {
      name: 'ConfigurationError',
      message: new RegExp(
        `^Cannot use the passphrase in ".*passphrase": it has mode 0${mode.toString(8)}, so others than`,
      ),
    });
  }
  assert.throws(
    () => read({ key, passphraseFile: pki.path('no') }),
    /^ConfigurationError: Cannot read a passphrase from/,
  );
});

test('tells of a certificate that ends soon', () => {
  const soon = pki.issueServer(1);
  const certificate = written('soon.pem', soon.certificate);
  const { warnings } = read({ certificate, key: written('soon.key', soon.key) });
  assert.deepEqual(
    warnings.map(({ source }) => source),
    [certificate],
  );
});

test('names every fault of a file, with the file and without anything of a key', () => {
  mkdirSync(pki.path('folder'));
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const short = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  const faults: [Partial<TlsConfiguration>, RegExp][] = [
    [{ certificate: pki.path('none.pem') }, /^Cannot read a certificate from ".*none\.pem": there is no such file$/],
    [{ key: pki.path('folder') }, /^Cannot read a key from ".*folder": it is a folder, a file is expected$/],
    [{ certificate: pki.path('server.key'), key: pki.path('server.pem') }, /server\.key/],
    [{ certificate: written('flat.pem', pki.text('server.pem').replaceAll('\n', ' ')) }, /flat\.pem/],
    [{ certificate: written('empty.pem', '') }, /empty\.pem/],
    [{ key: pki.path('good.key') }, /good\.key/],
    [{ key: written('short.key', short) }, /short\.key/],
    [{ clientCertificate: 'required', authorities: ['gone'] }, /no authority is left of gone, one is expected$/],
  ];
  for (const [tls, message] of faults)
    assert.throws(
      () => read(tls),
      (error: Error) => {
        assert.equal(error.name, 'ConfigurationError');
        assert.match(error.message, message);
        assert.match(error.message, /expected|no such file|a folder/);
        for (const file of ['server.key', 'good.key'])
          assert.ok(!error.message.includes(pki.text(file).split('\n')[1] ?? '-'));
        return true;
      },
    );
});
