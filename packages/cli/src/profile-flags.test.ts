import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { connectionFlagGroups, newConnectionFlags, readClientFlags } from './connection-flags.ts';
import { readFlags } from './flags.ts';
import { recordedGroups } from './profile-flags.ts';

const directory = mkdtempSync(join(tmpdir(), 'dunlin-profile-flags-'));
after(() => rmSync(directory, { recursive: true }));
const file = join(directory, 'profiles.yaml');
const text = `default: home
profiles:
  home: { url: 'mqtts://u:pw@home.example', keepalive: 5, cafile: /ca.pem, id-prefix: home- }
  plain: { host: plain.example, port: 1884, username: ada, pw: secret }
  odd: { quiet: true }
  odder: { ws: 'yes' }
  worse: { port: none }
`;
writeFileSync(file, text, { mode: 0o600 });
const groups = connectionFlagGroups(['connect']);

function read(line: string) {
  const argv = line.split(' ').filter(Boolean);
  return readClientFlags('tool', groups, argv, newConnectionFlags, undefined, { DUNLIN_PROFILES: file });
}

test('a profile sets flags, and those of the command line win', () => {
  const { host, port, username, keepAlive } = read('--profile plain -k 9 -p 1885');
  assert.deepEqual([host, port, username, keepAlive], ['plain.example', 1885, 'ada', 9]);
});

test('the default profile is used only where no server is named', () => {
  const { url, keepAlive, tls, idPrefix } = read('');
  assert.deepEqual([url?.host, keepAlive, tls.caFile, idPrefix], ['home.example', 5, '/ca.pem', 'home-']);
  for (const line of ['-h other', '-L mqtt://other', '--unix /s', '-p 1883', '--ws']) {
    const flags = read(line);
    assert.deepEqual([flags.keepAlive, flags.tls, flags.idPrefix], [60, {}, undefined], line);
    assert.deepEqual([flags.username, flags.password, flags.url?.password], [undefined, undefined, undefined], line);
  }
});

test('another server, identity or user of the command line replaces that of the profile as a whole', () => {
  const other = read('--profile plain -L mqtt://bob@other');
  assert.deepEqual(
    [other.host, other.port, other.url?.username, other.username, other.password],
    [undefined, undefined, 'bob', undefined, undefined],
  );
  for (const line of ['-u bob', '--profile plain -u bob']) {
    const bob = read(line);
    assert.deepEqual([bob.username, bob.password ?? bob.url?.password], ['bob', undefined], line);
  }
  assert.deepEqual([read('-u u').url?.password, read('--profile plain -u ada').password], ['pw', 'secret']);
  const named = read('-i me');
  assert.deepEqual([named.clientId, named.idPrefix], ['me', undefined]);
});

test('what cannot be is told', () => {
  assert.throws(() => read('--profile none'), /"none": .*has none of this name; see dunlin profile list/);
  assert.throws(() => read('--profile odd'), {
    message: `Cannot use the profile "odd" of ${file}: "quiet" is no flag that a profile can have`,
  });
  assert.throws(
    () => read('--profile worse'),
    /^CommandError: Cannot use the profile "worse" of .*: Cannot use port "none": /,
  );
  assert.throws(() => read('--profile odder'), /"ws" is expected to be true/);
  assert.throws(
    () => readClientFlags('tool', groups, ['--profile', 'a'], newConnectionFlags, undefined, {}),
    /no file of profiles has none/,
  );
});

test('what is given is recorded by long names, files with their whole path, and nothing of one run', () => {
  const profile = {};
  const argv = '-h h -p 5 --ws --cafile ca.pem -c -i me -d --quiet -D CONNECT receive-maximum 5 --nodelay'.split(' ');
  readFlags('tool', recordedGroups(groups, profile), argv, newConnectionFlags());
  assert.deepEqual(profile, {
    host: 'h',
    port: '5',
    ws: true,
    cafile: resolve('ca.pem'),
    'disable-clean-session': true,
    id: 'me',
  });
});
