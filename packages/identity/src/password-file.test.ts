import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { passwordFile } from './password-file.ts';
import { PasswordVerifier } from './password-verifier.ts';
import { testRequest } from './testing/request.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dunlin-identity-passwords-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

const ADA =
  'ada:$7$101$M5a3fd4ewSdl0bb/$XisLFlzQXywg1Okn64hBbu6tRbpAuiEo9/SpA3pBl7k+yxXMSPdsphE2dknuB+bc7jjJzaDceTDbLTeG3pzgUQ==';
const EVE =
  'eve:$6$16EplkpkAHJcoNQl$7k9AeUKW84WzhMqrWSfkDcLAYPj64jDjLia7YP8lyx6izu9oDK11POt/J5n/hkmjagFrgGxlV5P0o9c+tyE7Nw==';

test('reads the file of mosquitto_passwd, and what changed in it later', async () => {
  const file = join(scratch, 'users');
  writeFileSync(file, `# users\n${ADA}\n`);
  const method = passwordFile({ name: 'file', file, verifier: new PasswordVerifier() });
  const ask = (username: string, password: string) => method.authenticate(testRequest({ username, password }));
  const accepted = await ask('ada', 'correct horse');
  assert.equal(accepted?.kind, 'accept');
  assert.equal(await ask('eve', 'pw6'), undefined);
  writeFileSync(file, `${EVE}\n`);
  assert.deepEqual(method.prepareReload()(), { added: ['eve'], removed: ['ada'], changed: [] });
  assert.equal((await ask('eve', 'pw6'))?.kind, 'accept');
  assert.equal(method.review?.(accepted.principal)?.check, 'user-removed');
});

test('a file with a fault changes nothing, and says where the fault is', async () => {
  const file = join(scratch, 'faulty');
  writeFileSync(file, ADA);
  const method = passwordFile({ name: 'file', file, verifier: new PasswordVerifier() });
  writeFileSync(file, `${EVE}\nbob:hunter2\n`);
  assert.throws(
    () => method.prepareReload(),
    (error: Error) => {
      assert.match(error.message, /faulty:2: Cannot use the password hash: it is no hash/);
      return !error.message.includes('hunter2');
    },
  );
  const accepted = await method.authenticate(testRequest({ username: 'ada', password: 'correct horse' }));
  assert.equal(accepted?.kind, 'accept');
  assert.equal(method.review?.(accepted.principal), undefined);
});
