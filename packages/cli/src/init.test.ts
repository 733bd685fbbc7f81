import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parseHash } from '@dunlin/identity';
import { RecordedTerminal } from './contract/recorded-terminal.ts';
import { run } from './main.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dunlin-cli-init-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

async function init(...argv: string[]): Promise<{ exitCode: number; out: string; err: string }> {
  const terminal = new RecordedTerminal();
  const exitCode = await run(['init', ...argv], terminal);
  return { exitCode, out: terminal.out, err: terminal.err };
}

async function isPasswordOf(user: string, password: string, directory: string): Promise<boolean> {
  const line = readFileSync(join(directory, 'passwords'), 'utf8')
    .split('\n')
    .find((each) => each.startsWith(`${user}:`));
  return parseHash(line?.slice(user.length + 1) ?? '').matches(Buffer.from(password));
}

test('shows user and password once, what to try with true paths, and what keys and data need', async () => {
  const directory = join(scratch, 'a b');
  const { exitCode, out, err } = await init(directory, '--name', 'mqtt.example.org', '--tls-port', '8884');
  assert.deepEqual([exitCode, err], [0, '']);
  const password = /^user: admin\npassword: ([a-z2-9]{26})$/m.exec(out)?.[1] ?? '';
  assert.equal(await isPasswordOf('admin', password, directory), true);
  assert.equal(out.split(password).length, 2);
  assert.ok(out.includes(`serve --config '${directory}/dunlin.yaml'\n`));
  const pub = `mosquitto_pub --cafile '${directory}/tls/ca.pem' -h localhost -p 8884 -u admin -P PASSWORD -t hello -m world\n`;
  assert.ok(out.includes(pub));
  assert.ok(out.includes(`dunlin passwd '${directory}/passwords' USER\n`));
  assert.ok(out.includes(`dunlin reload --config '${directory}/dunlin.yaml'\n`));
  assert.match(out, /mqtt\.example\.org, .*localhost, 127\.0\.0\.1, ::1/);
  assert.match(out, /tls\/ca\.key {2}Whoever has it can make certificates/);
  assert.match(out, /they are not encrypted/);
  assert.match(out, /devices-master\.key\n.*encrypted under it.*\n.*\n +against root/);
  assert.match(out, /dunlin store backup does not take it along, but a copy of this whole folder does/);
});

test('brings along an authority of devices with the passphrase of its key, and the master key elsewhere', async () => {
  // The authority of another server is one as good as any.
  const other = join(scratch, 'other');
  await init(other);
  const [certificate, key] = ['ca.pem', 'ca.key'].map((name) => readFileSync(join(other, 'tls', name), 'utf8'));
  const [ca, caKey, secret] = ['corp.pem', 'corp.key', 'phrase'].map((name) => join(scratch, name));
  const encrypted = createPrivateKey(key).export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: 'open',
  });
  writeFileSync(ca, certificate);
  writeFileSync(caKey, encrypted);
  writeFileSync(secret, 'open\n');
  const masterKey = join(scratch, 'master.key');
  const brought = ['--device-ca', ca, '--device-ca-key', caKey];
  const directory = join(scratch, 'corp');
  const refused = await init(directory, ...brought);
  assert.equal(refused.exitCode, 3);
  assert.match(refused.err, /corp\.key: it is encrypted; its passphrase/);
  const flags = [...brought, '--device-ca-passphrase-file', secret, '--master-key', masterKey];
  const { exitCode, out, err } = await init(directory, ...flags);
  assert.equal(exitCode, 0, err);
  assert.ok(out.includes(`  ${masterKey}\n`));
  assert.doesNotMatch(out, /devices-root|a copy of this whole folder/);
  assert.equal(readFileSync(join(directory, 'tls', 'devices-ca.pem'), 'utf8'), certificate);
  assert.equal(existsSync(join(directory, 'devices-master.key')), false);
});

test('each password is another one', async () => {
  const of = async (name: string): Promise<unknown> =>
    JSON.parse((await init(join(scratch, name), '--json')).out).password;
  assert.notEqual(await of('one'), await of('two'));
});

test('takes a password from a file, which it does not show, and dunlin passwd changes it', async () => {
  const secret = join(scratch, 'secret');
  writeFileSync(secret, 'correct horse\n');
  const directory = join(scratch, 'given');
  const { out } = await init(directory, '--user', 'ada', '--password-file', secret, '--json');
  assert.deepEqual(Object.keys(JSON.parse(out)), ['directory', 'files', 'names', 'user']);
  assert.equal(await isPasswordOf('ada', 'correct horse', directory), true);
  const terminal = new RecordedTerminal(['battery staple\n']);
  assert.equal(await run(['passwd', join(directory, 'passwords'), 'ada'], terminal), 0, terminal.err);
  assert.equal(await isPasswordOf('ada', 'battery staple', directory), true);
  const shown = await init(join(scratch, 'shown'), '--password-file', secret);
  assert.ok(shown.out.includes(`\nuser: admin\npassword: as in ${secret}\n`));
  assert.doesNotMatch(shown.out, /correct horse/);
});

test('what cannot be done is told, and makes nothing', async () => {
  const taken = join(scratch, 'taken');
  writeFileSync(taken, '');
  const fresh = join(scratch, 'fresh');
  const wrong: [string[], number, RegExp][] = [
    [[taken], 3, /^dunlin init: Cannot make .*taken: a file is there/],
    [[fresh, '--name', 'no name'], 1, /^dunlin init: Cannot issue a server certificate for "no name"/],
    [[fresh, '--user', '#a'], 1, /^dunlin init: Cannot use the user "#a"/],
    [[fresh, '--password-file', join(scratch, 'none')], 3, /^dunlin init: Cannot read the password from/],
  ];
  for (const [argv, code, message] of wrong) {
    const { exitCode, out, err } = await init(...argv);
    assert.deepEqual([exitCode, out], [code, ''], err);
    assert.match(err, message);
  }
  assert.equal(existsSync(fresh), false);
  assert.deepEqual(
    readdirSync(scratch).filter((name) => name.startsWith('.')),
    [],
  );
});
