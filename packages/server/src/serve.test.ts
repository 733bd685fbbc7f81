import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { RawClient } from '../../../test/conformance/raw-client.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const patienceMs = 30_000;
const { HOME, NODE_COMPILE_CACHE } = process.env;

/** The command as a process of its own, with what it has printed. */
class Served {
  readonly child: ChildProcess;
  output = '';
  errors = '';
  readonly #ended: Promise<number | string>;

  constructor(command: string, parameters: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const path = `${dirname(process.execPath)}:${process.env.PATH}`;
    this.child = spawn(command, parameters, {
      cwd: root,
      // As from a shell: a run under "npm test" would pass on what npm set for its own children.
      env: { PATH: path, HOME, NODE_COMPILE_CACHE, DUNLIN_DATA: join(scratch, `${started.length}`), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stdout?.setEncoding('utf8').on('data', (text) => {
      this.output += text;
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      // Lines of the log are JSON here; they come whole, a turn's together.
      for (const line of text.split(/(?<=\n)/)) this[line.startsWith('{') ? 'output' : 'errors'] += line;
    });
    this.#ended = new Promise((resolve) =>
      this.child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown')),
    );
    started.push(this);
  }

  /** Exit code or signal. */
  async ended(): Promise<number | string> {
    const late = new Promise<string>((resolve) => setTimeout(resolve, patienceMs, 'still running').unref());
    return Promise.race([this.#ended, late]);
  }

  /** Waits for a pattern in the output and returns its first group. */
  async printed(pattern: RegExp): Promise<string> {
    for (let look = 0; look < patienceMs / 20; look++) {
      const match = pattern.exec(this.output);
      if (match !== null) return match[1] ?? match[0];
      if (this.child.exitCode !== null) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`${pattern} was not printed, but:\n${this.output}${this.errors}`);
  }

  async port(): Promise<number> {
    return Number(await this.printed(/"listening",[^\n]*"address":"127\.0\.0\.1:(\d+)"/));
  }

  events(): Record<string, unknown>[] {
    return this.output
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line));
  }
}

const started: Served[] = [];
const scratch = mkdtempSync(join(tmpdir(), 'dunlin-serve-'));
const serve = (...argv: string[]): Served =>
  new Served(process.execPath, ['--conditions=@dunlin/source', 'packages/cli/src/main.ts', 'serve', ...argv]);

after(() => {
  for (const { child } of started) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  rmSync(scratch, { recursive: true, force: true });
});

const onLinux = process.platform === 'linux' ? false : 'looks into /proc';

test('serves clients, logs as JSON into a pipe, and stops gracefully at SIGTERM with exit code 0', async () => {
  const data = join(scratch, 'data');
  const server = serve('--port', '0', '--data', data, '--setting', 'strictText=false');
  const client = await RawClient.open({ host: '127.0.0.1', port: await server.port() }, 5);
  await client.connect({ clientId: 'evil\u001b[2J', username: 'ada', password: 'secret-password' });
  await client.subscribe('a');
  client.sendPublish({ topic: 'a', payload: 'secret-payload' });
  await client.receive({ topic: 'a' });
  server.child.kill('SIGTERM');
  await client.expect('disconnect', { code: 0x8b });
  client.socket.end();
  assert.equal(await server.ended(), 0);
  const events = server.events();
  assert.deepEqual(events.find(({ event }) => event === 'clientConnected')?.clientId, 'evil\u001b[2J');
  const start = events.find(({ event }) => event === 'started');
  assert.deepEqual([start?.data, start?.durability], [data, 'durable']);
  assert.equal(events.at(-1)?.event, 'stopped');
  assert.doesNotMatch(server.output, /secret|\u001b/);
  assert.equal(server.errors, '');
});

test('greets people with what listens where and two commands to try', async () => {
  const server = serve('--port', '0', '--log-format', 'human', '--durability', 'memory');
  const port = await server.printed(/mqtt:\/\/localhost:(\d+)/);
  await server.printed(/Ctrl-C stops it/);
  assert.match(server.output, /^Dunlin \d+\.\d+\.\d+ on Node v\d+/);
  assert.match(
    server.output,
    new RegExp(`bin/dunlin.js sub -p ${port} -t [^\n]+\n +\\S+bin/dunlin.js pub -p ${port} -t `),
  );
  assert.match(server.output, /Everything is in memory/);
  server.child.kill('SIGINT');
  assert.equal(await server.ended(), 0);
});

test('reads its file again at SIGHUP, and goes on as it was where that is wrong', async () => {
  const file = join(scratch, 'reloaded.yaml');
  const write = (level: string): void => writeFileSync(file, `listeners: [{port: 0}]\nlog: {level: ${level}}\n`);
  write('info');
  const server = serve('--config', file);
  await server.port();
  write('loud');
  server.child.kill('SIGHUP');
  const error = await server.printed(/"reloadFailed","error":"([^"]*)/);
  assert.match(error, /reloaded\.yaml:2: log\.level is /);
  write('debug');
  server.child.kill('SIGHUP');
  assert.equal(await server.printed(/"reloaded","changed":"([^"]*)/), 'log.level');
  // From here on its log holds more.
  server.child.kill('SIGTERM');
  assert.equal(await server.ended(), 0);
  assert.ok(server.events().some(({ event, level }) => event === 'listenerClosed' && level === 'debug'));
});

/** Whether a process has a handler for SIGHUP, signal 1. */
function handlesHangUp(pid: number): boolean {
  const caught = /^SigCgt:\s*([\da-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0';
  return (BigInt(`0x${caught}`) & 1n) === 1n;
}

test('outlives a SIGHUP from its first moment on, and reloads when it is up', { skip: onLinux }, async () => {
  const server = serve('--port', '0', '--durability', 'memory');
  const pid = server.child.pid as number;
  while (!handlesHangUp(pid)) await new Promise((resolve) => setTimeout(resolve, 1));
  server.child.kill('SIGHUP');
  await server.printed(/"event":"reloaded"/);
  const names = server.events().map(({ event }) => event);
  assert.ok(names.indexOf('listening') >= 0 && names.indexOf('listening') < names.indexOf('reloaded'));
  server.child.kill('SIGTERM');
  assert.equal(await server.ended(), 0);
});

test('stops in order when its terminal is closed', { skip: onLinux }, async () => {
  // The terminal is closed when the server says that it runs; its log goes to a file.
  const log = join(scratch, 'terminal.log');
  const argv = [process.execPath, '--conditions=@dunlin/source', 'packages/cli/src/main.ts', 'serve', '--port', '0'];
  const file = join(scratch, 'terminal.yaml');
  writeFileSync(file, `log: {file: ${log}}\n`);
  const source = `
import os, pty, sys, time
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
while b'"started"' not in open(os.environ["LOG"], "rb").read():
    time.sleep(0.02)
os.close(terminal)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;
  writeFileSync(log, '');
  const python = new Served('python3', ['-c', source, ...argv, '--config', file], { LOG: log });
  assert.equal(await python.ended(), 0, python.errors);
  const events = readFileSync(log, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.equal(events.find(({ event }) => event === 'stopping').reason, 'SIGHUP');
  assert.equal(events.at(-1).event, 'stopped');
});

test('shows its help and starts nothing', async () => {
  const server = serve('--help');
  assert.equal(await server.ended(), 0);
  assert.match(server.output, /Examples:/);
});

test('names what is wrong with flags and file, with exit code 1', async () => {
  const flags = serve('--port', 'abc');
  assert.equal(await flags.ended(), 1);
  assert.equal(flags.errors, '--port is "abc": a whole number from 0 to 65535 is expected\n');
  const both = serve('--data', 'd', '--durability', 'memory');
  assert.equal(await both.ended(), 1);
  assert.equal(both.errors, '--data is "d" and durability is "memory", which keeps nothing: one of both is expected\n');
  const folder = mkdtempSync(join(tmpdir(), 'dunlin-serve-'));
  try {
    const file = join(folder, 'dunlin.yaml');
    writeFileSync(file, 'listeners:\n  - port: abc\n');
    const wrong = serve('--config', file);
    assert.equal(await wrong.ended(), 1);
    assert.equal(wrong.errors, `${file}:2: listeners[0].port is "abc": a whole number from 0 to 65535 is expected\n`);
    const listener = 'listeners:\n  - port: 0\n';
    for (const [named, text] of [
      ['none', 'authentication:\n  - method: passwordFile\n    file: none\n'],
      ['rules.yaml', 'authentication:\n  - method: anonymous\nauthorization:\n  rulesFile: rules.yaml\n'],
    ]) {
      writeFileSync(join(folder, 'rules.yaml'), 'rules: 5\n');
      writeFileSync(file, listener + text);
      const late = serve('--config', file);
      assert.equal(await late.ended(), 1, late.errors);
      assert.ok(late.errors.includes(join(folder, named)), late.errors);
      // By line and key, as a check tells it.
      assert.match(
        late.errors,
        new RegExp(`^${file}:\\d: (?:authentication\\[0\\]\\.file|authorization\\.rulesFile): `),
      );
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('reads a file, and flags win over it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'dunlin-serve-'));
  try {
    const file = join(folder, 'dunlin.yaml');
    writeFileSync(
      file,
      'listeners:\n  - host: 127.0.0.1\n    port: 1\n    name: plant\nlimits:\n  receiveMaximum: 5\n',
    );
    const server = serve('--config', file, '--port', '0', '--limit', 'topicAliasMaximum=3');
    const client = await RawClient.open({ host: '127.0.0.1', port: await server.port() }, 5);
    const { properties } = await client.connect();
    assert.deepEqual([properties.receiveMaximum, properties.topicAliasMaximum], [5, 3]);
    await client.disconnect();
    server.child.kill('SIGTERM');
    assert.equal(await server.ended(), 0);
    assert.equal(server.events().find(({ event }) => event === 'clientConnected')?.listener, 'plant');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('explains a port in use, with exit code 3, and a listener open to all, which is a fault of the configuration, with 1', async () => {
  const first = serve('--port', '0');
  const port = String(await first.port());
  const second = serve('--port', port);
  assert.equal(await second.ended(), 3);
  assert.match(
    second.errors,
    new RegExp(`port ${port} is in use, perhaps by another broker.*\n.*bin/dunlin.js serve --port 18830`),
  );
  const failed = second.events().filter(({ event }) => event !== 'connectionsLimited');
  assert.deepEqual(
    failed.map(({ level, event, code }) => [level, event, code]),
    [['error', 'startFailed', 'EADDRINUSE']],
  );
  const open = serve('--host', '0.0.0.0', '--port', '0');
  assert.equal(await open.ended(), 1);
  assert.match(open.errors, /--allow-anonymous/);
  first.child.kill('SIGTERM');
  assert.equal(await first.ended(), 0);
});

test('ends at once at a second signal', async () => {
  const server = serve('--port', '0');
  const client = await RawClient.open({ host: '127.0.0.1', port: await server.port() }, 4);
  await client.connect();
  // A client that does not close its side keeps the graceful stop waiting.
  server.child.kill('SIGTERM');
  await client.expectClose();
  await new Promise((resolve) => setTimeout(resolve, 700));
  server.child.kill('SIGTERM');
  assert.equal(await server.ended(), 'SIGTERM');
  assert.match(server.errors, /SIGTERM again/);
  client.socket.destroy();
});

/** An ended process that nobody has waited for is not running either. */
function isRunning(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

const WAYS: Readonly<Record<string, readonly [command: string, ...parameters: string[]]>> = {
  'npm start': ['npm', 'start', '--silent', '--'],
  'npx dunlin serve': ['npx', '--offline', 'dunlin', 'serve'],
};

for (const [way, [command, ...parameters]] of Object.entries(WAYS))
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    test(`leaves no broker behind when ${way} gets ${signal}`, { skip: onLinux }, async () => {
      const npm = new Served(command, [...parameters, '--port', '0', '--log-format', 'json']);
      const port = await npm.port();
      const pid = Number(await npm.printed(/"event":"started".*"pid":(\d+)/));
      assert.match(readFileSync(`/proc/${pid}/cmdline`, 'utf8'), /main\.ts\0serve/);
      const client = await RawClient.open({ host: '127.0.0.1', port }, 5);
      await client.connect();
      npm.child.kill(signal);
      await client.expect('disconnect', { code: 0x8b });
      client.socket.end();
      // Its output ends when the broker has ended too, which holds the same pipe.
      await npm.ended();
      for (let look = 0; look < 500 && isRunning(pid); look++) await new Promise((resolve) => setTimeout(resolve, 20));
      assert.equal(isRunning(pid), false);
    });
  }

test('goes on where it was, after it was stopped and after it was killed', async () => {
  const data = join(scratch, 'kept');
  const durable = { clientId: 'keeper', clean: false, properties: { sessionExpiryInterval: 1000 } };
  for (const [round, signal] of (['SIGTERM', 'SIGKILL', 'SIGTERM'] as const).entries()) {
    const server = serve('--port', '0', '--data', data);
    const port = await server.port();
    const keeper = await RawClient.open({ host: '127.0.0.1', port }, 5);
    const connack = await keeper.connect(durable);
    assert.equal(connack.sessionPresent, round > 0);
    if (round === 0) await keeper.subscribe(['t', 1]);
    else await keeper.receive({ topic: 't', payload: `from round ${round - 1}` });
    keeper.cut();
    const publisher = await RawClient.open({ host: '127.0.0.1', port }, 5);
    await publisher.connect({ clientId: 'publisher' });
    assert.equal(await publisher.deliver({ topic: 't', payload: `from round ${round}`, qos: 1 }), 0);
    publisher.cut();
    server.child.kill(signal);
    await server.ended();
  }
});

test('refuses a data directory that another process has, and says which one', async () => {
  const data = join(scratch, 'taken');
  const first = serve('--port', '0', '--data', data);
  await first.port();
  const second = serve('--port', '0', '--data', data);
  assert.equal(await second.ended(), 3);
  assert.match(
    second.errors,
    new RegExp(`Cannot open .*taken: the process ${first.child.pid} \\(a server\\) has it open`),
  );
  assert.match(second.errors, /take another data directory: --data DIR/);
});
