import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { hashPassword } from '@dunlin/identity';
import { startServer } from '@dunlin/server';
import { RecordedTerminal } from './contract/recorded-terminal.ts';
import { run } from './main.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dunlin-cli-bans-'));
const data = join(scratch, 'data');
const shadow = join(scratch, 'shadow.yaml');
writeFileSync(shadow, 'rules:\n  - deny: publish\n    topics: t\n');
const server = await startServer({
  data,
  listeners: [{ host: '127.0.0.1', port: 0 }],
  authentication: [{ method: 'users', users: [{ name: 'ada', password: await hashPassword(Buffer.from('ada')) }] }],
  guard: { trusted: ['192.0.2.0/24'], userAtAddressBanAfter: 1, flapping: { connectsMax: 2, banS: 60 } },
  authorization: { shadow },
});
after(async () => {
  await server.stop();
  rmSync(scratch, { recursive: true, force: true });
});

async function dunlin(...argv: string[]): Promise<{ exitCode: number; out: string; err: string }> {
  const terminal = new RecordedTerminal();
  const exitCode = await run([...argv, '--data', data], terminal);
  return { exitCode, out: terminal.out, err: terminal.err };
}

function publish(clientId: string, username: string, password: string): Promise<number> {
  const port = String(server.listeners[0].port);
  const who = ['-i', clientId, '-u', username, '-P', password];
  return run(['pub', '-h', '127.0.0.1', '-p', port, ...who, '-t', 't', '-m', 'x'], new RecordedTerminal());
}

test('lists a user at an address and a client that are kept out, and lets them in again', async () => {
  assert.deepEqual(await dunlin('bans'), { exitCode: 0, out: 'Nobody is kept out.\n', err: '' });
  for (let time = 0; time < 3; time++) await publish('flapper', 'ada', 'ada');
  await publish('guesser', 'ada', 'wrong');
  const { out } = await dunlin('bans', 'list');
  assert.match(out, /127\.0\.0\.1, user "ada" +began at tcp, \d+ s to go\n/);
  assert.match(out, /client "flapper" of "users:ada" +began at tcp, (60|59) s to go\n/);
  const listed = JSON.parse((await dunlin('bans', '--json')).out);
  assert.equal(listed.length, 2);
  assert.deepEqual(await dunlin('bans', 'lift', '127.0.0.1'), {
    exitCode: 4,
    out: 'No ban of the address itself:\n  user "ada" is kept out there: dunlin bans lift 127.0.0.1 ada\n',
    err: '',
  });
  assert.deepEqual(await dunlin('bans', 'lift', '127.0.0.1', 'ada'), {
    exitCode: 0,
    out: 'The ban is lifted.\n',
    err: '',
  });
  assert.deepEqual(
    JSON.parse((await dunlin('bans', 'lift', '-i', 'flapper', '--identity', 'users:ada', '--json')).out),
    { lifted: true },
  );
  assert.deepEqual(await dunlin('bans', 'lift', '127.0.0.1'), { exitCode: 4, out: 'There is no such ban.\n', err: '' });
  assert.equal(await publish('flapper', 'ada', 'ada'), 0);
});

test('dunlin acl shadow lists what the rules that are tried out would have decided otherwise', async () => {
  assert.equal(await publish('c7', 'ada', 'ada'), 0);
  const { out, exitCode } = await dunlin('acl', 'shadow');
  assert.equal(exitCode, 0);
  assert.match(
    out,
    /^deny +publish "t" by client "c7", 1 times\n {2}first "t"; .*shadow\.yaml:2\): deny publish of "t"$/m,
  );
  const report = JSON.parse((await dunlin('acl', 'shadow', '--json')).out);
  assert.equal(report.unlisted, 0);
});

test('says what is wrong with a command line', async () => {
  const wrong: [string[], RegExp][] = [
    [['drop'], /Cannot run "drop": expected list or lift/],
    [['list', 'x'], /Cannot run list: expected nothing behind it/],
    [['lift'], /Cannot run lift: expected ADDRESS, ADDRESS and USER, or --client ID/],
    [['lift', 'a', '-i', 'c'], /Cannot run lift: expected ADDRESS/],
    [['lift', 'a', '--identity', 'i'], /Cannot use --identity: expected --client ID beside it/],
    [['lift', 'a', 'b', 'c'], /Cannot use "c": expected ADDRESS and USER behind lift/],
  ];
  for (const [argv, message] of wrong) {
    const { exitCode, err } = await dunlin('bans', ...argv);
    assert.equal(exitCode, 1);
    assert.match(err, message);
  }
});
