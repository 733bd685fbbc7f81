/** The server under test as a process of its own that is killed without warning and started again on its data. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../free-port.ts';

const MAIN = fileURLToPath(new URL('../../packages/cli/src/main.ts', import.meta.url));
const START_TIMEOUT_MS = 20_000;

/** `mosquitto`: with persistence on, each change saved after so many changes as `autosave` says. */
export type ServerKind = { readonly name: 'dunlin'; readonly durability: string } | { readonly name: 'mosquitto' };

export class ServerProcess {
  readonly port: number;
  readonly #kind: ServerKind;
  /** Where it keeps its data; made and removed by this class. */
  readonly directory = mkdtempSync(join(tmpdir(), 'dunlin-crash-'));
  #child: ChildProcess | undefined;
  #output = '';

  private constructor(kind: ServerKind, port: number) {
    this.#kind = kind;
    this.port = port;
  }

  static async create(kind: ServerKind): Promise<ServerProcess> {
    return new ServerProcess(kind, await freePort());
  }

  /** Resolves when it takes connections. */
  async start(): Promise<void> {
    const [command, ...args] = this.#command();
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    this.#output = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => {
        this.#output = (this.#output + chunk.toString()).slice(-10_000);
      });
    const giveUpAt = performance.now() + START_TIMEOUT_MS;
    while (!(await isOpen(this.port))) {
      if (child.exitCode !== null || child.signalCode !== null || performance.now() > giveUpAt)
        throw new Error(`the server did not start:\n${this.#output}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** `kill -9`: nothing is written, nobody is told. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#child = undefined;
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`the server ended by itself:\n${this.#output}`);
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  /** Ends it and removes its data. */
  async remove(): Promise<void> {
    this.#child?.kill('SIGKILL');
    if (this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null)
      await once(this.#child, 'exit');
    rmSync(this.directory, { recursive: true, force: true });
  }

  #command(): string[] {
    if (this.#kind.name === 'dunlin')
      return [
        process.execPath,
        '--conditions=@dunlin/source',
        MAIN,
        'serve',
        ...['--port', `${this.port}`, '--host', '127.0.0.1'],
        ...['--data', this.directory, '--durability', this.#kind.durability],
        ...['--limit', 'queueMessagesMax=1000000', '--limit', 'queueBytesMax=1GiB'],
      ];
    const file = join(this.directory, 'mosquitto.conf');
    // It gives up root for a user of its own, who must be able to write here.
    chmodSync(this.directory, 0o777);
    writeFileSync(
      file,
      [
        `listener ${this.port} 127.0.0.1`,
        'allow_anonymous true',
        'persistence true',
        `persistence_location ${this.directory}/`,
        'max_queued_messages 0',
        'max_inflight_messages 0',
        '',
      ].join('\n'),
    );
    return ['mosquitto', '-c', file];
  }
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
