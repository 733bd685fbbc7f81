import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, linkSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ControlError } from './control-protocol.ts';
import { type ControlOptions, ControlSocket } from './control-socket.ts';

const NOBODY = 65_534;
const scratch = mkdtempSync(join(tmpdir(), 'dunlin-control-'));
const opened: ControlSocket[] = [];
let directories = 0;

after(async () => {
  await Promise.all(opened.map((control) => control.close()));
  rmSync(scratch, { recursive: true, force: true });
});

function newDirectory(): string {
  directories += 1;
  const path = join(scratch, String(directories));
  mkdirSync(path);
  return path;
}

async function open(options: Partial<ControlOptions> = {}): Promise<{ control: ControlSocket; directory: string }> {
  const directory = options.directory ?? newDirectory();
  const commands = { echo: async (parameters: object) => parameters };
  const control = (await ControlSocket.open({ commands, ...options, directory })) as ControlSocket;
  opened.push(control);
  return { control, directory };
}

/** A connection of raw bytes, with what has come back on it. */
class Peer {
  readonly socket: Socket;
  readonly ended: Promise<void>;
  text = '';

  constructor(directory: string) {
    this.socket = connect({ path: join(directory, 'control'), allowHalfOpen: true });
    this.socket.on('error', () => undefined);
    this.socket.setEncoding('utf8').on('data', (text) => {
      this.text += text;
    });
    this.ended = new Promise((resolve) => this.socket.once('close', () => resolve()));
    this.socket.once('end', () => this.socket.end());
  }

  async answers(count: number): Promise<unknown[]> {
    while (this.text.split('\n').length <= count) {
      assert.ok(!this.socket.closed, `it was closed after ${JSON.stringify(this.text)}`);
      await Promise.race([new Promise((resolve) => this.socket.once('data', resolve)), this.ended]);
    }
    return this.text
      .split('\n')
      .slice(0, count)
      .map((line) => JSON.parse(line));
  }
}

test('answers several requests one after the other, in order', async () => {
  const order: string[] = [];
  const commands = {
    wait: async ({ name, ms }: { name?: string; ms?: number }) => {
      order.push(`${name} begins`);
      await new Promise((resolve) => setTimeout(resolve, ms));
      order.push(`${name} ends`);
      return name;
    },
  };
  const { directory } = await open({ commands });
  const peer = new Peer(directory);
  peer.socket.write('{"command":"wait","name":"a","ms":20}\n{"command":"wait","name":"b","ms":0}\n{"command":"wa');
  peer.socket.end('it","name":"c"}');
  assert.deepEqual(await peer.answers(3), [{ result: 'a' }, { result: 'b' }, { result: 'c' }]);
  assert.deepEqual(order, ['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  await peer.ended;
});

test('tells what was wrong by a code and a sentence, and goes on', async () => {
  const commands = {
    fail: async () => {
      throw new ControlError('bad-parameter', 'Cannot use it');
    },
    break: async () => {
      throw new TypeError('broken');
    },
  };
  const { directory } = await open({ commands });
  const peer = new Peer(directory);
  for (const line of ['no JSON', 'null', '[]', '{"command":7}', '{"command":"toString"}'])
    peer.socket.write(`${line}\n`);
  peer.socket.write('{"command":"fail"}\n{"command":"break"}\n');
  const bad = {
    error: {
      code: 'bad-request',
      message: 'Cannot read the request: expected is {"command":"NAME"} with its parameters',
    },
  };
  assert.deepEqual(await peer.answers(7), [
    ...[bad, bad, bad, bad],
    { error: { code: 'unknown-command', message: 'Cannot run "toString": expected is one of fail, break' } },
    { error: { code: 'bad-parameter', message: 'Cannot use it' } },
    { error: { code: 'failed', message: 'broken' } },
  ]);
  peer.socket.end();
});

test('ends a connection whose line is too long, and one that says nothing', async () => {
  const { directory } = await open({ requestBytesMax: 100 });
  const long = new Peer(directory);
  long.socket.write('x'.repeat(101));
  assert.match(JSON.stringify(await long.answers(1)), /bad-request.*more than 100 bytes/);
  await long.ended;
  const quiet = await open({ idleMs: 10 });
  const peer = new Peer(quiet.directory);
  await peer.ended;
  assert.equal(peer.text, '');
});

test('does not end a connection while its command runs, however long it takes', async () => {
  const commands = { wait: () => new Promise<string>((resolve) => setTimeout(resolve, 750, 'done')) };
  // On a busy machine the request itself comes late.
  const { directory } = await open({ commands, idleMs: 500 });
  const peer = new Peer(directory);
  peer.socket.write('{"command":"wait"}\n');
  assert.deepEqual(await peer.answers(1), [{ result: 'done' }]);
  await peer.ended;
});

test('closing answers what is under way, ends the others and takes the socket away', async () => {
  let finish = (_result: string): void => undefined;
  let begun = (): void => undefined;
  const running = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const commands = {
    wait: () => {
      begun();
      return new Promise<string>((resolve) => {
        finish = resolve;
      });
    },
  };
  const { control, directory } = await open({ commands });
  const [busy, idle] = [new Peer(directory), new Peer(directory)];
  busy.socket.write('{"command":"wait"}\n{"command":"wait"}\n');
  await running;
  const closed = control.close();
  await idle.ended;
  assert.deepEqual(readdirSync(directory), []);
  finish('done');
  await closed;
  await busy.ended;
  assert.equal(busy.text, '{"result":"done"}\n');
});

test('replaces a socket that a killed server left', async () => {
  const directory = newDirectory();
  const dead = createServer();
  await new Promise<void>((resolve) => dead.listen(join(directory, 'bound'), resolve));
  for (const name of ['control', 'control.new']) linkSync(join(directory, 'bound'), join(directory, name));
  await new Promise((resolve) => dead.close(resolve));
  await open({ directory });
  assert.deepEqual(readdirSync(directory), ['control']);
  const peer = new Peer(directory);
  peer.socket.end('{"command":"echo","a":1}\n');
  assert.deepEqual(await peer.answers(1), [{ result: { a: 1 } }]);
});

test('is for its user alone, also in a directory that everybody may enter', async (context) => {
  const { directory } = await open();
  assert.equal(statSync(join(directory, 'control')).mode & 0o777, 0o600);
  if (process.getuid?.() !== 0) return context.skip('only the superuser can be somebody else');
  for (const path of [scratch, directory]) chmodSync(path, 0o755);
  const source = `require('net').connect(${JSON.stringify(join(directory, 'control'))})
    .on('error', ({ code }) => console.log(code)).on('connect', () => process.exit(console.log('connected')))`;
  const other = spawnSync(process.execPath, ['-e', source], { uid: NOBODY, gid: NOBODY, encoding: 'utf8' });
  assert.equal(other.stdout, 'EACCES\n', other.stderr);
});

test('listens in a directory whose path is too long', { skip: !existsSync('/proc/self/fd') }, async () => {
  const directory = join(newDirectory(), 'd'.repeat(120));
  mkdirSync(directory);
  const { control } = await open({ directory });
  assert.deepEqual(readdirSync(directory), ['control']);
  await control.close();
  await control.close();
  assert.deepEqual(readdirSync(directory), []);
});

test('says why it cannot listen, and is not there on Windows', async () => {
  const directory = newDirectory();
  mkdirSync(join(directory, 'control'));
  await assert.rejects(open({ directory }), {
    code: 'not-openable',
    message: /^Cannot open the control socket of .*: E/,
  });
  assert.equal(await ControlSocket.open({ directory, commands: {}, platform: 'win32' }), undefined);
});
