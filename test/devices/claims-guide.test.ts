/** The guide to claims, line by line, against a server. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openClaimWorld } from '../../packages/server/src/api/testing/claim-world.ts';

const MAIN = join(import.meta.dirname, '../../packages/cli/src/main.ts');
const DUNLIN = `dunlin() { "${process.execPath}" --conditions=@dunlin/source "${MAIN}" "$@"; }`;
const guide = readFileSync(join(import.meta.dirname, '../../docs/guide/claims.md'), 'utf8');
const [begin, request, confirm, claim, list, collect, renew, ...others] = [
  ...guide.matchAll(/^```sh\n([\s\S]*?)^```/gm),
].map(([, code]) => code);

test('the guide to claims leads from nothing to a renewed certificate', async () => {
  assert.deepEqual(others, []);
  await using world = await openClaimWorld();
  const cwd = mkdtempSync(join(tmpdir(), 'dunlin-claims-guide-'));
  const env: Record<string, string> = { PATH: process.env.PATH ?? '', URL: world.origin };
  const run = async (code: string): Promise<void> => {
    const shell = spawn('sh', ['-eu', '-c', `${DUNLIN}\n${code}`], { cwd, env, stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    shell.stderr.on('data', (data) => {
      said += data;
    });
    assert.equal(await new Promise((resolve) => shell.once('close', resolve)), 0, said);
  };
  const answer = (file: string) => JSON.parse(readFileSync(join(cwd, file), 'utf8'));
  try {
    await run(begin);
    const { claimId, secret, code } = answer('claim.json');
    const { body } = await world.server.api({
      method: 'POST',
      path: '/api/v1/keys',
      body: { name: 'guide', scopes: ['claims:write', 'devices:read'] },
    });
    const { claimId: stranger } = await world.begin();
    const { key } = JSON.parse(body);
    Object.assign(env, {
      CLAIM_ID: claimId,
      SECRET: secret,
      CODE: code,
      KEY: key,
      DUNLIN_API_KEY: key,
      STRANGER: stranger,
    });
    await run(collect);
    assert.equal(answer('collected.json').state, 'pending');
    await run(confirm);
    await run(claim);
    await run(list);
    await run(collect);
    const { deviceId, credentials } = answer('collected.json');
    assert.equal(readFileSync(join(cwd, 'device.id'), 'utf8'), `${deviceId}\n`);
    assert.equal(
      (await world.post(`/api/v1/claims/${stranger}/refuse`, undefined, { authorization: `Bearer ${key}` })).status,
      404,
    );
    Object.assign(env, { DEVICE: deviceId, RENEWAL: credentials.renewalToken });
    await run(renew);
    assert.match(answer('renewed.json').credentials.certificate.key, /PRIVATE KEY/);
    await run(request);
    const csr = readFileSync(join(cwd, 'device.csr'), 'utf8');
    assert.equal((await world.post('/api/v1/claims', { type: 'frame', csr })).status, 201);
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
});

test('the guide says what the numbers are', () => {
  assert.ok(guide.includes((24 ** 6).toLocaleString('en')));
  const hours = 24 ** 6 / 1_000 / 10;
  assert.ok(hours / 24 / 365 > 2 && 24 ** 6 / 1_000 / 1_000 / 24 > 7);
});
