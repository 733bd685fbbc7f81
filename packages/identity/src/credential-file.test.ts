import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import {
  CREDENTIAL_FILE_BYTES_MAX,
  parseCredentials,
  readCredentialText,
  userProblem,
  withCredential,
  withEveryCredential,
} from './credential-file.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dunlin-identity-credentials-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

const digits = (text: string): string => {
  if (/^\d+$/.test(text)) return text;
  throw new Error('digits are expected');
};

test('reads users and credentials, comments and blanks aside', () => {
  const text = '\ufeff# who\r\n ada:1 \r\n\n\t# bob:2\nbob : 2\nc d:3';
  assert.deepEqual(parseCredentials('f', text, digits), [
    { user: 'ada', line: 2, value: '1' },
    { user: 'bob', line: 5, value: '2' },
    { user: 'c d', line: 6, value: '3' },
  ]);
});

test('names every line at fault, without what stands behind the colon', () => {
  const text = 'ada:1\nhunter2\n:1\nbob:secret\nada:2\nx\u0001y:1\n\ufffd:1';
  assert.throws(
    () => parseCredentials('f', text, digits),
    (error: Error) => {
      assert.equal((error as { code?: string }).code, 'credential-file');
      assert.deepEqual(error.message.split('\n  '), [
        'Cannot use f:',
        'f:2: expected "user:credential", there is no ":"',
        'f:3: there is no user name',
        'f:4: digits are expected',
        'f:5: the user of line 1 is here again, expected once',
        'f:6: the user name holds a control character',
        'f:7: the user name is not UTF-8',
      ]);
      return true;
    },
  );
});

test('of many lines at fault it names the first twenty', () => {
  assert.throws(() => parseCredentials('f', 'x\n'.repeat(50), digits), /\n {2}f:20: [^\n]*\n {2}and 30 more$/);
});

test('a user may have one credential of each kind', () => {
  const kinds = parseCredentials('f', 'a:11\na:2', digits, (value) => String(value.length));
  assert.equal(kinds.length, 2);
  assert.throws(() => parseCredentials('f', 'a:1\na:2', digits, (value) => String(value.length)), /f:2:/);
});

test('says what is wrong with a user name', () => {
  assert.equal(userProblem('ada@example.org'), undefined);
  for (const name of ['', 'a:b', '#a', ' a', 'a ', 'a\nb', 'a\0', '\ud800', 'x'.repeat(65_536)])
    assert.equal(typeof userProblem(name), 'string', JSON.stringify(name).slice(0, 9));
});

test('puts a credential in its place and leaves the other lines alone', () => {
  const text = '# who\nada:1\n\nbob:2 \n';
  assert.equal(withCredential(text, 'ada', '9'), '# who\nada:9\n\nbob:2 \n');
  assert.equal(withCredential(text, 'eve', '3'), '# who\nada:1\n\nbob:2 \neve:3\n');
  assert.equal(withCredential('ada:1', 'eve', '3'), 'ada:1\neve:3\n');
  assert.equal(withCredential('', 'eve', '3'), 'eve:3\n');
  assert.equal(withCredential(text, 'ada', undefined), '# who\n\nbob:2 \n');
  assert.equal(withCredential('ada:1\nada:2\n', 'ada', '9'), 'ada:9\n');
  assert.equal(
    withCredential('ada:11\nada:2\n', 'ada', '9', (credential) => credential.length === 1),
    'ada:11\nada:9\n',
  );
});

test('changes every credential, and no comment', async () => {
  const text = '# who: me\nada: 1\nloose\n';
  assert.equal(await withEveryCredential(text, async (credential) => `<${credential}>`), '# who: me\nada:<1>\nloose\n');
});

test('a file that is not there or too large is an error with its name', () => {
  const file = join(scratch, 'users');
  assert.throws(() => readCredentialText(file), {
    code: 'credential-file',
    message: /users:\n {2}Cannot read credentials from ".*users": there is no such file$/,
  });
  writeFileSync(file, 'a:1');
  assert.equal(readCredentialText(file), 'a:1');
  truncateSync(file, CREDENTIAL_FILE_BYTES_MAX + 1);
  assert.throws(() => readCredentialText(file), /it has 67108865 bytes, at most 67108864 are expected$/);
});
