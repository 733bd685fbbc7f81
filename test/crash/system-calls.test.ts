import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemCalls } from './system-calls.ts';

const FILE = '\\x2f\\x64\\x62';

test('reads bytes, target and result of a call, and every part of a gathered write', async () => {
  const [written, gathered, synced] = await systemCalls([
    `7  pwrite64(24<${FILE}>, "\\x61\\x00\\xff", 3, 4096) = 3`,
    `7  writev(24<${FILE}>, [{iov_base="\\x61", iov_len=1}, {iov_base="\\x62\\x63", iov_len=2}], 2) = 3`,
    `7  fdatasync(24<${FILE}>)        = 0`,
  ]);
  assert.deepEqual([written.name, written.descriptor, written.target, written.result], ['pwrite64', 24, '/db', 3]);
  assert.deepEqual([...written.bytes], [0x61, 0, 0xff]);
  assert.match(written.parameters, /, 4096$/);
  assert.equal(gathered.bytes.toString(), 'abc');
  assert.deepEqual([synced.target, synced.result], ['/db', 0]);
});

test('puts the two halves of a call together that another thread came between', async () => {
  const calls = await systemCalls([
    `7  fdatasync(24<${FILE}> <unfinished ...>`,
    '8  write(19<TCP:[127.0.0.1:1883->127.0.0.1:40000]>, "\\x40\\x02\\x00\\x01", 4) = 4',
    '7  <... fdatasync resumed>)        = 0',
  ]);
  assert.deepEqual(
    calls.map(({ name, began, ended, result }) => [name, began, ended, result]),
    [
      ['fdatasync', 1, 3, 0],
      ['write', 2, 2, 4],
    ],
  );
  assert.equal(calls[1].target, 'TCP:[127.0.0.1:1883->127.0.0.1:40000]');
});

test('knows a call that failed and one that never ended', async () => {
  const calls = await systemCalls([
    `7  openat(AT_FDCWD<${FILE}>, "\\x61", O_RDONLY) = -1 ENOENT (No such file or directory)`,
    '7  +++ killed by SIGKILL +++',
    `8  fdatasync(24<${FILE}> <unfinished ...>`,
  ]);
  assert.deepEqual(
    calls.map(({ name, result, ended }) => [name, result, ended]),
    [
      ['openat', -1, 1],
      ['fdatasync', -1, Number.POSITIVE_INFINITY],
    ],
  );
  assert.equal(calls[1].target, '/db');
});

test('refuses a record that is not whole', async () => {
  await assert.rejects(systemCalls(['7  write(1</x>, "\\x61"..., 9) = 9']), /line 1 cuts a string off/);
  await assert.rejects(systemCalls(['7  <... write resumed>) = 1']), /line 1 goes on with a call/);
  await assert.rejects(systemCalls(['nonsense']), /line 1 is none of strace: nonsense/);
});
