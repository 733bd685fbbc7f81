import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { after, test } from 'node:test';
import {
  fileDestination,
  joinedDestinations,
  type LogDestination,
  streamDestination,
  syslogDestination,
} from './log-destination.ts';

const folder = mkdtempSync(join(tmpdir(), 'dunlin-log-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const line = (text: string) => ({ level: 'info', text }) as const;
const neverFails = (error: Error): void => assert.fail(error);

test('writes the lines of a turn at once to a stream, and survives its end', () => {
  const stream = new PassThrough();
  const destination = streamDestination(stream);
  destination.write([line('a'), line('b')]);
  assert.equal(stream.read().toString(), 'a\nb\n');
  stream.destroy(new Error('nobody reads'));
  destination.write([line('c')]);
});

test('appends to a file that others cannot read, and opens it anew after it was moved away', async () => {
  const path = join(folder, 'dunlin.log');
  writeFileSync(path, 'before\n');
  const destination = fileDestination(path, neverFails);
  destination.write([line('a')]);
  await new Promise((resolve) => setImmediate(resolve));
  while (!readFileSync(path, 'utf8').includes('a')) await new Promise((resolve) => setImmediate(resolve));
  renameSync(path, `${path}.1`);
  destination.reopen();
  destination.write([line('b'), line('c')]);
  await destination.close();
  assert.equal(readFileSync(`${path}.1`, 'utf8'), 'before\na\n');
  assert.equal(readFileSync(path, 'utf8'), 'b\nc\n');
  assert.equal(statSync(path).mode & 0o007, 0);
});

test('tells once that a file cannot be opened, and says later how many lines are missing', async () => {
  const path = join(folder, 'absent', 'dunlin.log');
  const failures: Error[] = [];
  const destination = fileDestination(path, (error) => failures.push(error));
  while (failures.length === 0) await new Promise((resolve) => setImmediate(resolve));
  destination.write([line('a'), line('b')]);
  destination.write([line('c')]);
  assert.equal(failures.length, 1);
  assert.match(failures[0].message, /ENOENT/);
  await destination.close();
});

test('gives the command logger every line with its priority', async () => {
  const taken = join(folder, 'taken');
  const command = join(folder, 'logger');
  writeFileSync(command, `#!/bin/sh\necho "$@" > ${taken}.flags\ncat > ${taken}.part\nmv ${taken}.part ${taken}\n`);
  chmodSync(command, 0o755);
  const destination = syslogDestination('dunlin', neverFails, command);
  destination.write([{ level: 'error', text: 'bad' }, line('good')]);
  await destination.close();
  await appeared(taken);
  assert.equal(readFileSync(taken, 'utf8'), '<27>bad\n<30>good\n');
  assert.match(readFileSync(`${taken}.flags`, 'utf8'), /--tag dunlin/);
});

test('tells that there is no command logger', async () => {
  const failure = await new Promise<Error>((resolve) => syslogDestination('dunlin', resolve, join(folder, 'nothing')));
  assert.match(failure.message, /ENOENT/);
});

test('a command logger that ended loses lines, of whose number the next one is told', async () => {
  const taken = join(folder, 'taken-later');
  const command = join(folder, 'ending');
  writeFileSync(command, '#!/bin/sh\nexit 7\n');
  chmodSync(command, 0o755);
  let failed: (error: Error) => void = () => {};
  const failure = new Promise<Error>((resolve) => {
    failed = resolve;
  });
  const destination = syslogDestination('dunlin', (error) => failed(error), command);
  assert.match((await failure).message, /ended with code 7/);
  destination.write([line('lost'), line('lost too')]);
  writeFileSync(command, `#!/bin/sh\ncat > ${taken}.part\nmv ${taken}.part ${taken}\n`);
  destination.reopen();
  destination.write([line('later')]);
  await destination.close();
  await appeared(taken);
  assert.match(readFileSync(taken, 'utf8'), /^<27>2 lines could not be written\n<30>later\n$/);
});

test('writes to several places, reopens and closes them all', async () => {
  const calls: string[] = [];
  const named = (name: string): LogDestination => ({
    write: ([{ text }]) => void calls.push(`${name} ${text}`),
    reopen: () => void calls.push(`${name} reopened`),
    close: async () => void calls.push(`${name} closed`),
  });
  const both = joinedDestinations([named('one'), named('two')]);
  both.write([line('a')]);
  both.reopen();
  await both.close();
  assert.deepEqual(calls, ['one a', 'two a', 'one reopened', 'two reopened', 'one closed', 'two closed']);
});

async function appeared(path: string): Promise<void> {
  for (;;) {
    try {
      statSync(path);
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}
