/** The guide to claims, line by line as it stands but for the ports, in an empty folder. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { missing } from '../../tools/prerequisites.ts';
import { scratch } from '../doors/guarded-server.ts';
import { freePort } from '../free-port.ts';
import { eventually, Program } from '../interop/local-broker.ts';

const MAIN = join(import.meta.dirname, '../../packages/cli/src/main.ts');
const guide = readFileSync(join(import.meta.dirname, '../../docs/guide/claims.md'), 'utf8');
const blocks = [...guide.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, block]) => block);
const PRELUDE = `dunlin() { $LAST "${process.execPath}" --conditions=@dunlin/source "${MAIN}" "$@"; }\n`;

/** One terminal: what a block sets is there for the next. */
class Terminal implements Disposable {
  readonly #shell: ChildProcess;
  #out = '';
  #err = '';

  constructor(cwd: string) {
    const env = { PATH: `${join(process.execPath, '..')}:${process.env.PATH}`, HOME: cwd };
    this.#shell = spawn('bash', ['-eu', '-o', 'pipefail'], { cwd, env, stdio: 'pipe' });
    this.#shell.stdout?.on('data', (chunk) => {
      this.#out += chunk;
    });
    this.#shell.stderr?.on('data', (chunk) => {
      this.#err += chunk;
    });
    this.#shell.stdin?.on('error', () => {});
    this.#shell.stdin?.write(`LAST=\n${PRELUDE}`);
  }

  /** What the block printed. */
  async run(block: string): Promise<string> {
    this.#out = '';
    this.#shell.stdin?.write(`${block}\necho __end__\n`);
    const isOver = () => this.#out.includes('__end__') || this.#shell.exitCode !== null;
    await eventually(isOver, `the end of:\n${block}`);
    assert.equal(this.#shell.exitCode, null, `${block}\n${this.#out}${this.#err}`);
    return this.#out.replace('__end__\n', '');
  }

  [Symbol.dispose](): void {
    this.#shell.kill('SIGKILL');
  }
}

test('the guide to claims leads from an empty folder to a device that connects with a renewed certificate', {
  skip: missing('openssl-command'),
}, async () => {
  const folder = scratch();
  const ports = new Map<string, string>();
  for (const port of ['8443', '8883']) ports.set(port, String(await freePort()));
  using terminal = new Terminal(folder);
  const printed: string[] = [];
  for (const block of blocks) {
    const here = block.replaceAll(/\b(8443|8883)\b/g, (port) => ports.get(port) ?? port);
    if (block.startsWith('# Terminal')) {
      const server = new Program('bash', ['-ec', `cd "${folder}"\nLAST=exec\n${PRELUDE}${here}`], '', 0);
      await eventually(() => server.err.includes('"started"'), 'the start of the server');
      assert.doesNotMatch(server.err, /configurationWarning/);
    } else printed.push(await terminal.run(here));
  }
  const text = (file: string) => readFileSync(join(folder, file), 'utf8');
  const answer = (file: string) => JSON.parse(text(file));
  const said = printed.join('');
  assert.ok(said.includes(answer('frame/claim.json').code), said);
  const { state, deviceId } = answer('frame/collected.json');
  assert.equal(state, 'ready');
  assert.equal(text('device.id'), `${deviceId}\n`);
  assert.match(answer('stranger.json').claimId, /^[\da-f]{16}$/);
  const serials = ['collected', 'renewed', 'renewed-again'].map(
    (name) => answer(`frame/${name}.json`).credentials.certificate.serial,
  );
  assert.equal(new Set(serials).size, 3);
  assert.ok(existsSync(join(folder, 'server/dunlin.yaml')));
});

test('the guide says what the numbers are', () => {
  assert.ok(guide.includes((24 ** 6).toLocaleString('en')));
  const hours = 24 ** 6 / 1_000 / 10;
  assert.ok(hours / 24 / 365 > 2 && 24 ** 6 / 1_000 / 1_000 / 24 > 7);
});
