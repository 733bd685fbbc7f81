import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { checkName, hasSecret, profilesFile, readProfiles, removeProfile, saveProfile } from './profiles.ts';

const directory = mkdtempSync(join(tmpdir(), 'dunlin-profiles-'));
after(() => rmSync(directory, { recursive: true }));
let files = 0;
function fileWith(text: string, mode = 0o600): string {
  files += 1;
  const file = join(directory, `${files}.yaml`);
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
}

test('the file is where the environment says', () => {
  assert.equal(profilesFile({ DUNLIN_PROFILES: 'p', XDG_CONFIG_HOME: '/c', HOME: '/h' }), 'p');
  assert.equal(profilesFile({ XDG_CONFIG_HOME: '/c', HOME: '/h' }), '/c/dunlin/profiles.yaml');
  assert.equal(profilesFile({ XDG_CONFIG_HOME: 'relative', HOME: '/h' }), '/h/.config/dunlin/profiles.yaml');
  assert.equal(profilesFile({}), undefined);
});

test('profiles are read, and a file that is not there holds none', () => {
  const file = fileWith('default: a\nprofiles:\n  a: { host: h, port: 1884, ws: true }\n  b: {}\n', 0o644);
  const { default: chosen, byName } = readProfiles(file);
  assert.equal(chosen, 'a');
  assert.deepEqual(
    [...byName],
    [
      ['a', { host: 'h', port: '1884', ws: true }],
      ['b', {}],
    ],
  );
  assert.equal(readProfiles(join(directory, 'none')).byName.size, 0);
  assert.equal(readProfiles(fileWith('')).byName.size, 0);
});

test('a file that is not right is told without what it holds', () => {
  const wrong: [string, RegExp][] = [
    ['profiles:\n  a: {pw: secret', /line \d+ is no YAML/],
    ['- secret', /expected a mapping/],
    ['other: secret', /"other" is unknown/],
    ['profiles: secret', /"profiles" to be a mapping/],
    ['profiles: {a: secret}', /profile "a" to be a mapping/],
    ['profiles: {a: {pw: [secret]}}', /"pw" of profile "a" to be a text/],
    ['profiles: {a: {ws: false}}', /"ws" of profile "a"/],
    ['default: b\nprofiles: {a: {}}', /"default" to be the name of a profile/],
  ];
  for (const [text, expected] of wrong) {
    assert.throws(
      () => readProfiles(fileWith(text)),
      (error: Error) => expected.test(error.message) && !error.message.includes('secret'),
      text,
    );
  }
});

test('a file with passwords that others may read is not used', () => {
  for (const flags of ['pw: secret', 'url: mqtt://u:secret@h']) {
    const text = `profiles:\n  a: { ${flags} }\n`;
    assert.throws(() => readProfiles(fileWith(text, 0o640)), /mode 0640\), 0600 is expected\nchmod 600 /);
    assert.equal(readProfiles(fileWith(text)).byName.size, 1);
  }
  assert.deepEqual([hasSecret({ url: 'mqtt://u@h/a:b@c' }), hasSecret({ username: 'u' })], [false, false]);
});

test('a profile is saved for its owner alone, comments and other profiles stay, and it is removed again', async () => {
  const file = join(directory, 'new', 'profiles.yaml');
  await saveProfile(file, 'home', { host: 'h', pw: 'secret' }, true);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.deepEqual(readProfiles(file).byName.get('home'), { host: 'h', pw: 'secret' });
  writeFileSync(file, `# mine\n${readFileSync(file, 'utf8')}`);
  await saveProfile(file, 'other', { ws: true }, false);
  assert.match(readFileSync(file, 'utf8'), /^# mine\n/);
  assert.deepEqual([readProfiles(file).default, readProfiles(file).byName.size], ['home', 2]);
  assert.deepEqual([await removeProfile(file, 'home'), await removeProfile(file, 'home')], [true, false]);
  assert.deepEqual([readProfiles(file).default, [...readProfiles(file).byName.keys()]], [undefined, ['other']]);
  for (const name of ['', 'a b', 'a/b', 'x'.repeat(65)]) assert.throws(() => checkName(name), /Cannot name a profile/);
});
