import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { PAYLOAD_BYTES_MAX } from './lines.ts';
import { readPayload } from './payload.ts';

const never = new AbortController().signal;

async function* input(...chunks: string[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield Buffer.from(chunk);
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'dunlin-payload-'));
  after(() => rm(folder, { recursive: true }));
  return folder;
}

test('every source gives its payload, lines give none', async () => {
  const path = join(await temporaryFolder(), 'file');
  await writeFile(path, 'of a file');
  const read = async (source: Parameters<typeof readPayload>[0]) =>
    (await readPayload(source, input('a', 'b'), never))?.toString();
  assert.equal(await read({ kind: 'text', text: 'å' }), 'å');
  assert.equal(await read({ kind: 'stdin' }), 'ab');
  assert.equal(await read({ kind: 'file', path }), 'of a file');
  assert.equal(await read({ kind: 'lines' }), undefined);
  assert.equal((await readPayload({ kind: 'empty' }, input('a'), never))?.length, 0);
});

test('a payload that no packet can hold is refused before it fills the memory', async () => {
  const piece = new Uint8Array(64 * 1024 * 1024);
  let pieces = 0;
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) {
      pieces += 1;
      yield piece;
    }
  }
  await assert.rejects(readPayload({ kind: 'stdin' }, endless(), never), {
    exitCode: 3,
    message: `Cannot read the payload from standard input: it is longer than ${PAYLOAD_BYTES_MAX} bytes, the most of a packet`,
  });
  assert.equal(pieces, 4);
});

test('the signal ends the wait for an input that never comes', { timeout: 10_000 }, async () => {
  const stop = new AbortController();
  const reading = readPayload(
    { kind: 'stdin' },
    { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) },
    stop.signal,
  );
  stop.abort();
  assert.equal((await reading)?.length, 0);
});

const onPosix = process.platform === 'win32' ? 'has no named pipes' : false;

test('a process may end while a named pipe has no writer', { skip: onPosix, timeout: 30_000 }, async () => {
  const pipe = join(await temporaryFolder(), 'pipe');
  assert.equal(spawnSync('mkfifo', [pipe]).status, 0);
  const program = `
    import { readPayload } from ${JSON.stringify(new URL('payload.ts', import.meta.url))};
    const stop = new AbortController();
    process.once('SIGTERM', () => stop.abort());
    console.log('ready');
    await readPayload({ kind: 'file', path: ${JSON.stringify(pipe)} }, [], stop.signal);
    process.exit(stop.signal.aborted ? 0 : 9);`;
  const reader = spawn(process.execPath, ['--conditions=@dunlin/source', '--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => reader.on('exit', (code, signal) => resolve(code ?? signal)));
  try {
    await once(reader.stdout, 'data');
    reader.kill('SIGTERM');
    assert.equal(await ended, 0);
  } finally {
    reader.kill('SIGKILL');
  }
});
