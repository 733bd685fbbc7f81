/** The disk fails under the whole server: it ends, says why, and has everything that it acknowledged. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openLmdb } from '@dunlin/lmdb';
import { FORMAT_VERSION } from '../../packages/lmdb/src/format.ts';
import { missing } from '../../tools/prerequisites.ts';
import { RawClient } from '../conformance/raw-client.ts';

const MAIN = fileURLToPath(new URL('../../packages/cli/src/main.ts', import.meta.url));
const PAYLOAD_BYTES = 100_000;
const durable = { clientId: 'keeper', clean: false, properties: { sessionExpiryInterval: 1_000 } };

const scratch = mkdtempSync(join(tmpdir(), 'dunlin-full-'));
const mounted: string[] = [];
const children = new Set<ChildProcess>();
after(() => {
  for (const child of children) child.kill('SIGKILL');
  for (const path of mounted) spawnSync('umount', ['--lazy', path]);
  rmSync(scratch, { recursive: true, force: true });
});

/** A file system of its own, or undefined where this user may not make one. */
function fileSystem(name: string, options: string): string | undefined {
  const path = join(scratch, name);
  mkdirSync(path);
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', `mode=0700,${options}`, 'tmpfs', path]).status !== 0) return undefined;
  mounted.push(path);
  return path;
}

const small = fileSystem('small', 'size=16m');
const options = { skip: small === undefined && 'needs to mount a file system (root)', timeout: 120_000 };

interface Run {
  readonly port: number;
  readonly pid: number;
  readonly events: readonly Record<string, unknown>[];
  readonly kill: (signal: NodeJS.Signals) => void;
  /** Exit code or signal, and what was written. */
  readonly ended: Promise<{ code: number | NodeJS.Signals | null; errors: string; events: Record<string, unknown>[] }>;
}

/** `dunlin serve` on a data directory; `port` is 0 where it ended before it listened. */
async function serve(data: string): Promise<Run> {
  const flags = [
    'serve',
    '--host',
    '127.0.0.1',
    '--port',
    '0',
    '--log-to',
    'stdout',
    '--data',
    data,
    '--limit',
    'storeFreeBytesMin=0',
  ];
  const child = spawn(process.execPath, ['--conditions=@dunlin/source', MAIN, ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.add(child);
  let errors = '';
  const events: Record<string, unknown>[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const closed = new Promise<number | NodeJS.Signals | null>((resolve) =>
    child.once('close', (code, signal) => resolve(code ?? signal)),
  );
  const ended = closed.then((code) => {
    children.delete(child);
    return { code, errors, events };
  });
  const port = await new Promise<number>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const event = JSON.parse(line);
      events.push(event);
      if (event.event === 'listening') resolve(Number(event.address.split(':')[1]));
    });
    child.once('close', () => resolve(0));
  });
  return { port, pid: child.pid ?? 0, events, kill: (signal) => child.kill(signal), ended };
}

async function connected(port: number, clientId: string): Promise<RawClient> {
  const client = await RawClient.open({ host: '127.0.0.1', port }, 5);
  await client.connect({ clientId });
  return client;
}

/** Publishes until the server ends. Returns how many messages were acknowledged. */
async function fill(port: number): Promise<number> {
  const keeper = await RawClient.open({ host: '127.0.0.1', port }, 5);
  await keeper.connect(durable);
  await keeper.subscribe(['full/+', 1]);
  keeper.cut();
  const publisher = await connected(port, 'publisher');
  for (let count = 0; ; count++) {
    const payload = Buffer.alloc(PAYLOAD_BYTES, `${count} `);
    const code = await publisher.deliver({ topic: `full/${count}`, payload, qos: 1 }).catch(() => undefined);
    if (code === undefined) return count;
    assert.equal(code, 0);
  }
}

test(
  'a full disk ends the server, which says so, and after there is room it has all it acknowledged',
  options,
  async () => {
    const folder = small as string;
    const data = join(folder, 'data');
    const first = await serve(data);
    const acknowledged = await fill(first.port);
    const { code, errors, events } = await first.ended;
    assert.equal(code, 3);
    const failed = events.filter(({ event }) => event === 'storeFailed');
    const said =
      /Cannot write to .*data\.mdb: .* \(\d+ bytes of its file system are free\); make room or mend the device, then open it again/;
    assert.match(failed.map(({ error }) => error).join(), said);
    assert.match(errors, said);
    assert.equal(
      events.some(({ event }) => event === 'stopped'),
      false,
    );
    assert.ok(acknowledged > 50, `${acknowledged} acknowledged`);
    spawnSync('mount', ['-o', 'remount,size=32m', folder]);
    const second = await serve(data);
    const keeper = await RawClient.open({ host: '127.0.0.1', port: second.port }, 5);
    assert.equal((await keeper.connect(durable)).sessionPresent, true);
    for (let count = 0; count < acknowledged; count++)
      await keeper.receive({ topic: `full/${count}`, payload: Buffer.alloc(PAYLOAD_BYTES, `${count} `) });
    keeper.cut();
    second.kill('SIGTERM');
    assert.equal((await second.ended).code, 0);
  },
);

/** Starts the server on a data directory that it cannot use; returns what it says. */
async function refusal(data: string): Promise<string> {
  const { code, errors } = await (await serve(data)).ended;
  assert.equal(code, 3, errors);
  return errors;
}

test('says that a file system is read-only, or has no room for a new store, and what to do', options, async () => {
  const readOnly = fileSystem('read-only', 'size=1m,ro') as string;
  const advice =
    /\nOr take another data directory \(--data DIR\), or keep everything in memory: --durability memory\n$/;
  for (const data of [readOnly, join(readOnly, 'new')]) {
    const errors = await refusal(data);
    assert.match(errors, /^Cannot use .* as data directory: its file system is mounted read-only; /);
    assert.match(errors, advice);
  }
  const full = fileSystem('full', 'size=64k') as string;
  const errors = await refusal(full);
  assert.match(errors, /^Cannot use .*: \d+ bytes of its file system are free, a new store needs 262144\n/);
  assert.match(errors, advice);
  assert.equal(existsSync(join(full, 'data.mdb')), false);
});

test('says that a newer version wrote the data file, and what to do', async () => {
  const data = join(scratch, 'newer');
  const environment = await openLmdb({ directory: data, durability: 'process' });
  await environment.close();
  const path = join(data, 'data.mdb');
  const bytes = readFileSync(path);
  // The key of the format with its value behind it, in every page that has it.
  const item = `\x01format${FORMAT_VERSION}`;
  for (let at = bytes.indexOf(item); at !== -1; at = bytes.indexOf(item, at + 1))
    bytes.write('9', at + item.length - 1);
  writeFileSync(path, bytes);
  assert.match(
    await refusal(data),
    /^Cannot open .*newer\/data\.mdb: it has format 9, this program knows formats up to \d; use a newer program\nStart the version of Dunlin that wrote it, or a newer one\n$/,
  );
});

test('says that the data file is rubbish, leaves it as it is, and what to do', async () => {
  const data = join(scratch, 'rubbish');
  mkdirSync(data);
  const rubbish = Buffer.alloc(20_000, 'rubbish');
  writeFileSync(join(data, 'data.mdb'), rubbish);
  assert.match(
    await refusal(data),
    /^Cannot open .*data\.mdb: its 20000 bytes do not begin as a file of LMDB does; restore a backup\nWith dunlin store restore; where there is none begin with another data directory: --data DIR\n$/,
  );
  assert.deepEqual(readFileSync(join(data, 'data.mdb')), rubbish);
});

/** From now on every flush of the process fails, or takes a minute: strace, which is returned, does it to the system call. */
async function flushes(run: Run, how: 'error=EIO' | 'delay_enter=60000000'): Promise<ChildProcess> {
  const flags = ['-f', '-qq', '-o', '/dev/null', '-e', 'trace=fdatasync', '-e', `inject=fdatasync:${how}`];
  const strace = spawn('strace', [...flags, '-p', String(run.pid)], { stdio: 'ignore' });
  children.add(strace);
  const threads = (): string[] => readdirSync(`/proc/${run.pid}/task`);
  const isTraced = (thread: string): boolean =>
    !/^TracerPid:\t0$/m.test(readFileSync(`/proc/${run.pid}/task/${thread}/status`, 'utf8'));
  await eventually(() => threads().every(isTraced));
  return strace;
}

async function eventually(happened: () => boolean): Promise<void> {
  for (let look = 0; look < 1_000 && !happened(); look++) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(happened());
}

/** Whether strace may attach to a process that it has not started; many systems let only root do so. */
function mayAttach(): boolean {
  const scope = '/proc/sys/kernel/yama/ptrace_scope';
  return process.getuid?.() === 0 || !existsSync(scope) || readFileSync(scope, 'utf8').startsWith('0');
}

const traced = {
  skip: missing('strace') || (!mayAttach() && 'needs strace to attach to a process (root)'),
  timeout: 60_000,
};

test('a flush that fails ends the server, which acknowledges nothing of it', traced, async () => {
  const run = await serve(join(scratch, 'broken'));
  const publisher = await connected(run.port, 'publisher');
  await flushes(run, 'error=EIO');
  publisher.sendPublish({ topic: 'a', payload: 'b', qos: 1, retain: true, id: 1 });
  await publisher.expectClose();
  const { code, errors, events } = await run.ended;
  assert.deepEqual([code, publisher.drain()], [3, []]);
  assert.match(errors, /Cannot write to .*data\.mdb: Input\/output error .*make room or mend the device/);
  const names = events.map(({ event }) => event);
  assert.deepEqual([names.includes('storeFailed'), names.includes('stopped')], [true, false]);
});

test('does not claim that it stopped in order where the last flush fails', traced, async () => {
  const run = await serve(join(scratch, 'last'));
  await flushes(run, 'error=EIO');
  run.kill('SIGTERM');
  const { code, errors, events } = await run.ended;
  assert.equal(code, 3);
  assert.match(errors, /Cannot write to .*data\.mdb: /);
  assert.equal(
    events.some(({ event }) => event === 'stopped'),
    false,
  );
});

test('a second SIGTERM ends a server whose disk hangs', traced, async () => {
  const run = await serve(join(scratch, 'hanging'));
  const publisher = await connected(run.port, 'publisher');
  const strace = await flushes(run, 'delay_enter=60000000');
  publisher.sendPublish({ topic: 'a', payload: 'b', qos: 1, retain: true, id: 1 });
  run.kill('SIGTERM');
  await publisher.expectClose([0x8b]);
  await eventually(() => run.events.some(({ event }) => event === 'draining'));
  // Sooner it counts as an echo of the first.
  await new Promise((resolve) => setTimeout(resolve, 700));
  run.kill('SIGTERM');
  // It has ended where its main thread has; strace holds on to the thread that flushes.
  await eventually(() => / Z /.test(readFileSync(`/proc/${run.pid}/stat`, 'utf8')));
  strace.kill('SIGKILL');
  const { code, errors } = await run.ended;
  assert.equal(code, 'SIGTERM');
  assert.match(errors, /SIGTERM again: stopping at once/);
});
