import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { RunningServer } from '@dunlin/server';
import { addCamera, connectCamera, deviceDirectory, dunlinAt, startDevices } from '../contract/device-server.ts';
import { RecordedTerminal } from '../contract/recorded-terminal.ts';
import { run } from '../tool.ts';

const directory = deviceDirectory();
const dunlin = dunlinAt(directory);
const scratch = mkdtempSync(join(tmpdir(), 'dunlin-cli-credentials-'));
let server: RunningServer;
before(async () => {
  server = await startDevices(directory);
  await dunlin('device', 'add', 'frame-7', '--type', 'player');
});
after(async () => {
  await server.stop();
  rmSync(scratch, { recursive: true, force: true });
});

const certificateOf = (folder: string) => new X509Certificate(readFileSync(join(scratch, folder, 'cert.pem')));

test('token prints the token alone, so that it can be piped, and the rest beside it', async () => {
  await addCamera(dunlin);
  const { out, err } = await dunlin('device', 'token', 'cam-1', '--label', 'spare', '--expires', '90d');
  assert.match(out, /^dt_[\w-]{22,}\n$/);
  assert.match(err, /^Token [\w-]+ of cam-1 counts until .*, in 90 days\. The device shows it as password/);
  assert.ok(!err.includes(out.trim()));
  assert.match(
    (await dunlin('device', 'show', 'cam-1')).out,
    /token +[\w-]+ "spare" counts until .*, in 90 days; never used\n/,
  );
});

test('a token or key that could not be written is named with what revokes it, and ends with 3', async () => {
  await dunlin('device', 'add', "o'cam", '--type', 'lamp');
  await dunlin('device', 'add', 'frame-8', '--type', 'player');
  for (const [argv, told] of [
    [
      ['device', 'token', "o'cam"],
      /^Token [\w-]+ was made all the same.*dunlin device revoke 'o'\\''cam' --token [\w-]+$/m,
    ],
    [
      ['device', 'cert', 'frame-8', '--json'],
      /^Certificate [0-9A-F]+ was issued all the same.*revoke frame-8 --serial [0-9A-F]+$/m,
    ],
    [
      ['api-key', 'add', 'shop', '--scope', 'devices:read'],
      /^Key [0-9a-f]{16} was made all the same.*dunlin api-key remove [0-9a-f]{16}$/m,
    ],
  ] as const) {
    const terminal = new RecordedTerminal();
    terminal.breakOutput('ENOSPC');
    assert.equal(await run([...argv, '--config', join(directory, 'dunlin.yaml')], terminal), 3);
    assert.match(terminal.err, told);
    assert.match(terminal.err, /^dunlin [\w-]+: Cannot write the output: write ENOSPC\n/);
  }
});

test('a device gets what its type comes in with, and is told so when it is added', async () => {
  const refused = await dunlin('device', 'token', 'frame-7');
  assert.deepEqual([refused.exitCode, refused.out], [5, '']);
  assert.match(
    refused.err,
    /^dunlin device: Cannot give "frame-7" a token: .* "player" .* certificates only; a certificate/,
  );
  assert.match(refused.err, /\n"dunlin device cert ID --out DIR" makes a certificate/);
  const entry = join(scratch, 'fleet.json');
  writeFileSync(entry, JSON.stringify([{ id: 'frame-9', type: 'player', token: 'x'.repeat(40) }]));
  const imported = await dunlin('device', 'import', entry);
  assert.deepEqual([imported.exitCode, /certificates only/.test(imported.out)], [4, true]);
  const frame = await dunlin('device', 'add', 'frame-9', '--type', 'player');
  assert.equal(frame.err, 'Give it what it comes in with: dunlin device cert frame-9 --out DIR\n');
  const lamp = await dunlin('device', 'add', 'lamp-1', '--type', 'lamp');
  assert.equal(lamp.err, 'Give it what it comes in with: dunlin device token lamp-1\n');
  const certificate = await dunlin('device', 'cert', 'lamp-1', '--out', join(scratch, 'lamp-1'));
  assert.deepEqual([certificate.exitCode, certificate.out], [5, '']);
  assert.match(
    certificate.err,
    /^dunlin device: Cannot give "lamp-1" a certificate: .* "lamp" .* tokens only; a token/,
  );
  assert.equal(existsSync(join(scratch, 'lamp-1', 'key.pem')), false);
});

test('a token is rotated with overlap, and one that the device has is taken from a file, never from the command line', async () => {
  const rotated = await dunlin('device', 'token', 'cam-1', '--rotate', '--overlap', '1h');
  assert.match((await dunlin('device', 'show', 'cam-1')).out, /in 60 min; never used\n/);
  await (await connectCamera(server, rotated.out.trim())).disconnect();
  const file = join(scratch, 'token');
  writeFileSync(file, '9f1c7a52-6f0e-4f5c-9d4b-1f6f2b0c8a11\r\nmore\n');
  const imported = await dunlin('device', 'token', 'cam-1', '--from', file);
  assert.match(imported.out, /^Token [\w-]+ of cam-1 counts for good\./);
  await (await connectCamera(server, '9f1c7a52-6f0e-4f5c-9d4b-1f6f2b0c8a11')).disconnect();
  const nothing = await dunlin('device', 'token', 'cam-1', '--from', join(scratch, 'none'));
  assert.deepEqual(
    [nothing.exitCode, /^dunlin device: Cannot read the token from .*none: /.test(nothing.err)],
    [3, true],
  );
});

test('a certificate goes into three files, its key for the owner alone, and over none that is there', async () => {
  const out = join(scratch, 'frame');
  const made = await dunlin('device', 'cert', 'frame-7', '--out', out, '--days', '30');
  assert.equal(made.exitCode, 0);
  assert.match(
    made.out,
    /^Certificate [0-9A-F]+ of frame-7 counts until .*, in 30 days:\n {2}.*ca\.pem .*\n {2}.*cert\.pem .*\n {2}.*key\.pem /,
  );
  assert.deepEqual([statSync(join(out, 'key.pem')).mode & 0o777, statSync(out).mode & 0o777], [0o600, 0o700]);
  const first = certificateOf('frame');
  assert.equal(first.subject, 'CN=frame-7');
  assert.ok(!made.out.includes('PRIVATE KEY'));
  execFileSync('openssl', [
    'verify',
    '-partial_chain',
    '-purpose',
    'sslclient',
    '-CAfile',
    join(out, 'ca.pem'),
    join(out, 'cert.pem'),
  ]);

  const again = await dunlin('device', 'renew', 'frame-7', '--out', out);
  assert.deepEqual([again.exitCode, again.err.includes('key.pem') || again.err.includes('ca.pem')], [3, true]);
  assert.equal(certificateOf('frame').serialNumber, first.serialNumber);
  const before = JSON.parse((await dunlin('device', 'show', 'frame-7', '--json')).out).certificates.length;
  assert.equal(before, 1);
  const renewed = await dunlin('device', 'renew', 'frame-7', '--out', out, '--force', '--json');
  assert.equal(JSON.parse(renewed.out).serial, certificateOf('frame').serialNumber);
  assert.notEqual(certificateOf('frame').serialNumber, first.serialNumber);
  assert.match((await dunlin('device', 'show', 'frame-7')).out, /; [0-9A-F]+ is in its place\n/);
});

test('a certificate for a request keeps the key where it was made, and --json has the PEM', async () => {
  const [key, csr] = [join(scratch, 'own.key'), join(scratch, 'own.csr')];
  execFileSync('openssl', ['ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', key]);
  execFileSync('openssl', ['req', '-new', '-key', key, '-subj', '/CN=frame-7', '-out', csr]);
  const out = join(scratch, 'own');
  const made = await dunlin('device', 'cert', 'frame-7', '--csr', csr, '--out', out);
  assert.deepEqual([made.exitCode, made.err], [0, '']);
  assert.equal(statSync(join(out, 'key.pem'), { throwIfNoEntry: false }), undefined);
  const shown = await dunlin('device', 'cert', 'frame-7', '--json');
  assert.match(JSON.parse(shown.out).key, /^-----BEGIN PRIVATE KEY-----/);
  const neither = await dunlin('device', 'cert', 'frame-7');
  assert.deepEqual(
    [neither.exitCode, neither.err],
    [1, 'dunlin device: Cannot cert without a place: expected --out DIR, or --json\n'],
  );
});

test('revokes one credential of the device, or all of them, and none of another device', async () => {
  const serial = certificateOf('own').serialNumber;
  const other = await dunlin('device', 'revoke', 'cam-1', '--serial', serial);
  assert.equal(other.exitCode, 1);
  assert.match(other.err, /cam-1 has none of this serial number/);
  const colons = (serial.match(/../g) ?? []).join(':').toLowerCase();
  assert.match(
    (await dunlin('device', 'revoke', 'frame-7', '--serial', colons, '--reason', 'keyCompromise')).out,
    /^Revoked the certificate /,
  );
  assert.match((await dunlin('device', 'show', 'frame-7')).out, / revoked .*, now|ago/);
  assert.match((await dunlin('device', 'audit', 'frame-7')).out, / certificate\.issue .* notAfterMs: \d{4}-\d\d-\d\dT/);
  const again = await dunlin('device', 'revoke', 'frame-7', '--serial', serial);
  assert.match(again.out, /^It was revoked before, .*: nothing has changed\.\n$/);
  assert.match(again.err, /^\d others of it count on until .*; --all revokes them, too\.\n$/);
  const left = JSON.parse(
    (await dunlin('device', 'revoke', 'frame-7', '--serial', serial, '--json')).out,
  ).certificatesLeft;
  for (const one of left.slice(1)) await dunlin('device', 'revoke', 'frame-7', '--serial', one);
  const one = await dunlin('device', 'revoke', 'frame-7', '--serial', serial);
  assert.match(one.err, /^1 other certificate of it counts on until .*; --all revokes it, too\.\n$/);
  await dunlin('device', 'revoke', 'frame-7', '--all');
  assert.equal((await dunlin('device', 'revoke', 'frame-7', '--serial', serial)).err, '');
  const all = JSON.parse((await dunlin('device', 'revoke', 'cam-1', '--all', '--json')).out);
  assert.ok(all.tokens.length > 1);
  const why = await dunlin('device', 'why', 'cam-1');
  assert.deepEqual([why.exitCode, why.out.includes('it has no token')], [4, true]);
  assert.equal((await dunlin('device', 'revoke', 'cam-1', '--all')).out, 'cam-1 has nothing that counts.\n');
  assert.equal((await dunlin('device', 'revoke', 'cam-1', '--token', 'none')).exitCode, 5);
  assert.equal((await dunlin('device', 'revoke', 'cam-1')).exitCode, 1);
});
