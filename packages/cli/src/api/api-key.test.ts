import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { deviceDirectory, dunlinAt, dunlinByUrl, startDevices } from '../contract/device-server.ts';
import { RecordedTerminal } from '../contract/recorded-terminal.ts';
import { run } from '../main.ts';

test('a key is made where the server runs, shown once, listed without its secret, and removed', async () => {
  const directory = deviceDirectory();
  await using server = await startDevices(directory);
  const dunlin = dunlinAt(directory);
  assert.equal((await dunlin('api-key')).out, 'There is none.\n');
  const made = await dunlin(
    'api-key',
    'add',
    'shop',
    '--scope',
    'devices:read',
    '--scope',
    'keys:write',
    '--expires',
    '90d',
  );
  assert.match(made.out, /^dk_[0-9a-f]{16}_[\w-]{43}\n$/);
  const id = made.out.slice(3, 19);
  assert.match(made.err, new RegExp(`^Key ${id} counts until .*, in 90 days\\.\nIt is not shown again`));
  const listed = await dunlin('api-key', 'list');
  assert.match(
    listed.out,
    new RegExp(`^ID +NAME +ENDS +LAST USED +MAY\n${id}  shop  .*, in 90 days  never +devices:read keys:write\n$`),
  );
  assert.ok(!(await dunlin('api-key', '--json')).out.includes(made.out.slice(20).trim()));
  const byUrl = await dunlinByUrl(server);
  assert.equal((await byUrl('api-key', 'remove', id)).out, `Removed ${id}: it counts no longer.\n`);
  assert.equal((await dunlin('api-key', 'remove', id)).exitCode, 5);
});

test('says what is wrong with a command line, and which scopes there are', async () => {
  const dunlin = dunlinAt(deviceDirectory());
  const wrong: [string[], RegExp][] = [
    [['drop'], /Cannot run "drop": expected list, add, remove or hash/],
    [['list', 'x'], /Cannot use "x": nothing more is expected behind list/],
    [['add'], /Cannot add a key: expected NAME behind add/],
    [['add', 'a', 'b'], /Cannot use "b"/],
    [['add', 'a'], /Cannot add a key without --scope: expected one or several of\n {2}devices:read: /],
    [['add', 'a', '--scope', 'all'], /Cannot add a key with --scope "all": expected one or several of\n/],
    [['add', 'a', '--scope', 'toString'], /Cannot add a key with --scope "toString"/],
    [['remove', '../devices/x'], /expected the id of a key, as the list has it/],
    [['hash', 'a-key'], /^(?!.*a-key).*the key comes by the input/],
    [['hash', '--scope', 'x'], /expected add before it/],
    [['list', '--scope', 'x'], /expected add before it/],
  ];
  for (const [argv, message] of wrong) {
    const { exitCode, err } = await dunlin('api-key', ...argv);
    assert.equal(exitCode, 1);
    assert.match(err, message);
  }
});

test('prints the hash of a key that comes by the input, without a server, and not of what is no key', async () => {
  const hash = async (input: string, ...flags: string[]) => {
    const terminal = new RecordedTerminal([input]);
    const exitCode = await run(['api-key', 'hash', ...flags], terminal);
    return { exitCode, out: terminal.out, err: terminal.err };
  };
  const key = 'k'.repeat(64);
  const sha256 = createHash('sha256').update(key).digest('hex');
  for (const input of [key, `${key}\n`, `${key}\r\nmore`])
    assert.deepEqual(await hash(input), { exitCode: 0, out: `${sha256}\n`, err: '' });
  assert.deepEqual(JSON.parse((await hash(key, '--json')).out), { sha256 });
  for (const input of ['', 'short', 'k'.repeat(257), `${key} ${key}`]) {
    const { exitCode, out, err } = await hash(input);
    assert.deepEqual([exitCode, out], [1, '']);
    assert.match(err, /Cannot hash the key: a line of 32 to 256 visible ASCII characters is expected/);
    assert.ok(input.length < 10 || !err.includes(input));
  }
});
