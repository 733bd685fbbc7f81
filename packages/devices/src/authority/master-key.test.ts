import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { inspect } from 'node:util';
import { newMasterKeyText, parseMasterKey, readMasterKey } from './master-key.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dunlin-master-key-'));
after(() => rmSync(scratch, { recursive: true, force: true }));
const text = newMasterKeyText();
const passphrase = parseMasterKey(text, 'a test').passphrase();
const file = (name: string, content = text, mode = 0o600): string => {
  const path = join(scratch, name);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
};

test('one key comes from a file, the environment or a credential of systemd alike', () => {
  file('cred');
  const environment = { KEY: text, CREDENTIALS_DIRECTORY: scratch };
  for (const from of [{ file: file('key'), environment: undefined }, { environment: 'KEY' }, { credential: 'cred' }])
    assert.equal(readMasterKey(from, { environment }).passphrase(), passphrase);
  assert.notEqual(parseMasterKey(newMasterKeyText(), 'a test').passphrase(), passphrase);
});

test('what is missing, of another length or no base64 is named with its place, and nothing of it is shown', () => {
  const environment = { SHORT: 'c2VjcmV0', EMPTY: '', CREDENTIALS_DIRECTORY: scratch };
  const wrong: [Parameters<typeof readMasterKey>[0], string, RegExp][] = [
    [{ file: join(scratch, 'none') }, 'missing', /from ".*none": there is no such file; 32 random bytes in base64/],
    [{ file: scratch }, 'malformed', /it is no ordinary file/],
    [{ file: file('long', 'x'.repeat(300)) }, 'malformed', /it has 300 bytes; 32 random bytes/],
    [{ file: file('hex', 'ab'.repeat(32)) }, 'malformed', /it holds 64 characters of something else; 32 random/],
    [{}, 'missing', /no place is named; a file, environment variable or credential is expected/],
    [{ environment: 'NONE' }, 'missing', /the environment variable NONE: it is not set; 32 random/],
    [{ environment: 'EMPTY' }, 'missing', /it is not set/],
    [{ environment: 'SHORT' }, 'malformed', /it holds 8 characters of something else/],
    [{ credential: 'none' }, 'missing', /the credential "none": there is no such file/],
    [{ credential: '../key' }, 'missing', /it is no name/],
    [{ credential: '..' }, 'missing', /it is no name/],
  ];
  for (const [from, code, message] of wrong)
    assert.throws(() => readMasterKey(from, { environment }), { name: 'MasterKeyError', code, message });
  assert.throws(() => readMasterKey({ credential: 'a' }, { environment: {} }), /CREDENTIALS_DIRECTORY is not set/);
  assert.throws(
    () => readMasterKey({ environment: 'SHORT' }, { environment }),
    (error: Error) => {
      assert.doesNotMatch(`${error.stack}`, /c2VjcmV0/);
      return true;
    },
  );
});

test('a file that others may use is refused', { skip: process.platform === 'win32' }, () => {
  for (const mode of [0o644, 0o604, 0o620, 0o640, 0o666])
    assert.throws(() => readMasterKey({ file: file('open', text, mode) }), { code: 'exposed', message: /chmod 600/ });
  assert.equal(readMasterKey({ file: file('closed', text, 0o400) }).passphrase(), passphrase);
});

test('a file in the data directory is refused, through a symbolic link too', () => {
  const data = join(scratch, 'data');
  mkdirSync(data);
  symlinkSync('data', join(scratch, 'link'));
  const inside = file('data/key');
  for (const from of [inside, join(scratch, 'link', 'key')])
    for (const dataDirectory of [data, join(scratch, 'link')])
      assert.throws(() => readMasterKey({ file: from }, { dataDirectory }), {
        code: 'exposed',
        message: /data directory/,
      });
  assert.ok(readMasterKey({ file: file('data-key') }, { dataDirectory: data }));
});

test('the key is in no text that its object turns into', () => {
  const key = parseMasterKey(text, 'a test');
  const shown = `${inspect(key, { showHidden: true, depth: 9 })}${JSON.stringify(key)}${key}`;
  assert.ok(!shown.includes(text.trim()) && !shown.includes(passphrase));
});
