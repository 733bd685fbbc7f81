import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createAuthority, IssuingAuthority, readMasterKey } from '@dunlin/devices';
import { parseHash } from '@dunlin/identity';
import { readConfigurationFile } from './configuration-file.ts';
import { type InitialOptions, makeInitialDirectory } from './initial-directory.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dunlin-initial-'));
after(() => rmSync(scratch, { recursive: true, force: true }));
const dayMs = 86_400_000;

function options(name: string, other: Partial<InitialOptions> = {}): InitialOptions {
  const standard = { user: 'ada', password: 'pw', names: [], tlsPort: 0, port: 0, days: 30, nowMs: Date.now() };
  return { directory: join(scratch, name), ...standard, ...other };
}

const named = (source: string) => ({ text: readFileSync(source, 'utf8'), source });

/** Everything below a folder, with its mode. */
function modes(folder: string): Record<string, string> {
  const entries = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  return Object.fromEntries(entries.map((entry) => [entry, (statSync(join(folder, entry)).mode & 0o077).toString(8)]));
}

const whole = {
  data: '0',
  'devices-master.key': '0',
  'dunlin.yaml': '44',
  passwords: '0',
  'rules.yaml': '44',
  tls: '0',
  'tls/ca.key': '0',
  'tls/ca.pem': '44',
  'tls/devices-ca.key': '0',
  'tls/devices-ca.pem': '44',
  'tls/devices-root.key': '0',
  'tls/devices-root.pem': '44',
  'tls/server.key': '0',
  'tls/server.pem': '44',
};

test('makes everything that its configuration names; nobody else reads keys, hashes and data', async () => {
  const { directory, files } = await makeInitialDirectory(options('new'));
  assert.deepEqual(modes(directory), whole);
  assert.equal(statSync(directory).mode & 0o777, 0o700);
  const { authorities, authentication, listeners, data } = readConfigurationFile(files.configuration);
  assert.deepEqual(
    [data, authorities?.map(({ certificate }) => certificate)],
    [files.data, [files.authority, files.devicesAuthority]],
  );
  assert.deepEqual(listeners?.[0].tls, { certificate: files.certificate, key: files.key });
  assert.deepEqual(authentication, [{ method: 'passwordFile', file: files.passwords }, { method: 'devices' }]);
  const line = readFileSync(files.passwords, 'utf8').split('\n')[1];
  assert.equal(await parseHash(line.slice('ada:'.length)).matches(Buffer.from('pw')), true);
});

test('the authority of devices opens with the master key, and with no other', async () => {
  const { directory, files } = await makeInitialDirectory(options('devices'));
  const { devices } = readConfigurationFile(files.configuration);
  const open = (masterKeyFile: string) =>
    IssuingAuthority.open({
      name: 'devices',
      certificate: named(devices!.authority!.certificate),
      key: named(devices!.authority!.key),
      masterKey: readMasterKey({ file: masterKeyFile }, { dataDirectory: files.data }),
    });
  assert.deepEqual(devices?.masterKey, { file: files.masterKey });
  const authority = open(files.masterKey);
  const { chain } = authority.issue({ deviceId: 'cam-1', days: 1, nowMs: Date.now() });
  assert.equal(chain.match(/BEGIN/g)?.length, 2);
  const other = await makeInitialDirectory(options('devices-other'));
  assert.throws(
    () => open(other.files.masterKey),
    /devices-ca\.key with the master key of ".*": it was encrypted under another/,
  );
  // Of the two authorities neither vouches for what the other one issues.
  const [own, root] = [files.authority, files.devicesAuthority].map((file) => new X509Certificate(readFileSync(file)));
  assert.equal(root.checkIssued(own) || own.checkIssued(root), false);
  const secret = readFileSync(files.masterKey, 'utf8').trim();
  for (const file of Object.keys(whole).filter((name) => !['data', 'tls', 'devices-master.key'].includes(name)))
    assert.ok(!readFileSync(join(directory, file), 'utf8').includes(secret), file);
  assert.match(readFileSync(files.devicesRootKey!, 'utf8'), /ENCRYPTED PRIVATE KEY/);
});

test('the master key is made elsewhere where that is asked for, and goes with what fails', async () => {
  const masterKeyFile = join(scratch, 'elsewhere.key');
  const { files } = await makeInitialDirectory(options('apart', { masterKeyFile }));
  assert.equal(files.masterKey, masterKeyFile);
  assert.equal(statSync(masterKeyFile).mode & 0o777, 0o600);
  assert.deepEqual(readConfigurationFile(files.configuration).devices?.masterKey, { file: masterKeyFile });
  assert.deepEqual(
    Object.keys(modes(join(scratch, 'apart'))),
    Object.keys(whole).filter((name) => name !== 'devices-master.key'),
  );
  const before = readdirSync(scratch);
  const refused = (name: string, file: string) => makeInitialDirectory(options(name, { masterKeyFile: file }));
  await assert.rejects(refused('again', masterKeyFile), /Cannot make .*elsewhere\.key: something is there already/);
  await assert.rejects(
    refused('inside', join(scratch, 'inside', 'data', 'k')),
    /Cannot make the master key .*: it is in .*inside/,
  );
  await assert.rejects(refused('none', join(scratch, 'no', 'k')), /Cannot make .*k: there is no folder .*no$/);
  await assert.rejects(refused('x'.repeat(254), join(scratch, 'gone.key')), { name: 'InitialDirectoryError' });
  assert.deepEqual(readdirSync(scratch), before);
});

test('an authority that is brought along is taken over, its key encrypted', async () => {
  const nowMs = Date.now();
  const made = createAuthority({ commonName: 'Corporate', days: 30, nowMs });
  const brought = { certificate: join(scratch, 'corp.pem'), key: join(scratch, 'corp.key') };
  writeFileSync(brought.certificate, made.certificate);
  writeFileSync(brought.key, made.key);
  const { files } = await makeInitialDirectory(options('brought', { broughtAuthority: brought }));
  assert.equal(readFileSync(files.devicesAuthority, 'utf8'), made.certificate);
  assert.match(readFileSync(files.devicesAuthorityKey, 'utf8'), /^-----BEGIN ENCRYPTED PRIVATE KEY-----/);
  assert.deepEqual([files.devicesRootKey, files.devicesRoot], [undefined, undefined]);
  assert.equal(
    readdirSync(join(scratch, 'brought', 'tls')).some((name) => name.startsWith('devices-root')),
    false,
  );
  const wrong = [
    [{ ...brought, certificate: join(scratch, 'none.pem') }, /Cannot read the certificate .* there is no such file/],
    [{ ...brought, key: brought.certificate }, /it holds a certificate; were the two files exchanged/],
  ] as const;
  for (const [broughtAuthority, message] of wrong)
    await assert.rejects(makeInitialDirectory(options('wrong', { broughtAuthority })), {
      name: 'InitialDirectoryError',
      message,
    });
});

test('the certificate is for this machine and the names given, and ends in time', async () => {
  const nowMs = Date.now();
  const { files, names } = await makeInitialDirectory(
    options('names', { names: ['mqtt.example.org', '192.0.2.7'], nowMs }),
  );
  const authority = new X509Certificate(readFileSync(files.authority));
  const certificate = new X509Certificate(readFileSync(files.certificate));
  assert.ok(certificate.verify(authority.publicKey) && certificate.checkIssued(authority));
  for (const name of ['localhost', 'mqtt.example.org', hostname().toLowerCase()])
    assert.ok(certificate.checkHost(name), name);
  for (const address of ['127.0.0.1', '::1', '192.0.2.7']) assert.ok(certificate.checkIP(address), address);
  assert.equal(names[0], 'mqtt.example.org');
  for (const { publicKey } of [authority, certificate])
    assert.equal(publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1');
  const life = (each: X509Certificate): number => Math.round((each.validToDate.getTime() - nowMs) / dayMs);
  assert.deepEqual([life(certificate), life(authority)], [30, 3650]);
});

test('an empty folder is filled and stays the folder that it was', async () => {
  mkdirSync(join(scratch, 'empty'));
  symlinkSync('empty', join(scratch, 'link'));
  const { ino } = statSync(join(scratch, 'empty'));
  await makeInitialDirectory(options('link'));
  assert.equal(statSync(join(scratch, 'empty')).ino, ino);
  assert.deepEqual(modes(join(scratch, 'empty')), whole);
});

test('whatever is there stays as it is, and is named', async () => {
  writeFileSync(join(scratch, 'file'), 'mine');
  await assert.rejects(
    makeInitialDirectory(options('file')),
    /Cannot make .*file: a file is there; a new folder, or an/,
  );
  mkdirSync(join(scratch, 'full'));
  for (const name of ['a', 'b', 'c', 'd', 'e']) writeFileSync(join(scratch, 'full', name), 'mine');
  await assert.rejects(makeInitialDirectory(options('full')), /it holds "a", "b", "c", and 2 more; a new folder/);
  assert.deepEqual(readdirSync(join(scratch, 'full')), ['a', 'b', 'c', 'd', 'e']);
});

test('of what fails nothing is left', async () => {
  const before = readdirSync(scratch);
  await assert.rejects(makeInitialDirectory(options('no/where')), /Cannot make .*: there is no folder .*no$/);
  await assert.rejects(makeInitialDirectory(options('a', { user: 'a:b' })), TypeError);
  await assert.rejects(makeInitialDirectory(options('a', { password: '' })), TypeError);
  await assert.rejects(makeInitialDirectory(options('a', { names: ['not a name'] })), TypeError);
  // A name that the system refuses only when everything is made.
  await assert.rejects(makeInitialDirectory(options('x'.repeat(254))), { name: 'InitialDirectoryError' });
  assert.deepEqual(readdirSync(scratch), before);
});

test('what appears in the folder meanwhile is neither replaced nor removed', async () => {
  for (const name of ['data', 'dunlin.yaml', 'rules.yaml']) {
    const folder = join(scratch, `late-${name}`);
    mkdirSync(folder);
    const made = makeInitialDirectory(options(`late-${name}`));
    writeFileSync(join(folder, name), 'mine');
    await assert.rejects(made, /somebody else made it meanwhile/);
    assert.deepEqual(readdirSync(folder), [name]);
    assert.equal(readFileSync(join(folder, name), 'utf8'), 'mine');
  }
});

test('of two at once one wins, with all that is its own', async () => {
  mkdirSync(join(scratch, 'race'));
  for (const name of ['race', 'race-new']) {
    const both = ['ada', 'bob'].map((user) => makeInitialDirectory(options(name, { user })));
    const [first, second] = await Promise.allSettled(both);
    assert.deepEqual([first.status, second.status].sort(), ['fulfilled', 'rejected']);
    const winner = first.status === 'fulfilled' ? 'ada' : 'bob';
    assert.match(readFileSync(join(scratch, name, 'passwords'), 'utf8'), new RegExp(`^${winner}:`, 'm'));
    assert.match(readFileSync(join(scratch, name, 'rules.yaml'), 'utf8'), new RegExp(`"${winner}"`));
    assert.deepEqual(modes(join(scratch, name)), whole);
  }
});
