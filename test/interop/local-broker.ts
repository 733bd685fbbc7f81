/** Dunlin on a free port of this machine, programs run against it, and waiting for what they do. */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { after } from 'node:test';
import { type RunningServer, type ServerEvent, startServer } from '@dunlin/server';

/** A test that waits this long has failed. */
const PATIENCE_MS = 20_000;

/** A running Dunlin and what it told. */
export class LocalBroker {
  readonly server: RunningServer;
  readonly events: ServerEvent[];

  private constructor(server: RunningServer, events: ServerEvent[]) {
    this.server = server;
    this.events = events;
  }

  /** Starts it; it is stopped behind the tests of the file. */
  static async start(): Promise<LocalBroker> {
    const events: ServerEvent[] = [];
    const listeners = [{ host: '127.0.0.1', port: 0 }];
    const server = await startServer({ listeners }, { onEvent: (event) => events.push(event) });
    after(() => server.stop());
    return new LocalBroker(server, events);
  }

  get port(): number {
    return this.server.listeners[0].port;
  }

  /** Waits until a client has so many subscriptions to the filter. */
  async subscribed(filter: string, count = 1): Promise<void> {
    const isIt = (event: ServerEvent): boolean => event.name === 'subscribed' && event.filter === filter;
    await eventually(() => this.events.filter(isIt).length >= count, `a subscription to ${filter}`);
  }
}

/** A program that was started; it is killed behind the tests of the file, if it still runs. */
export class Program {
  out = '';
  err = '';
  readonly exited: Promise<number | null>;
  readonly #child: ChildProcess;
  readonly #name: string;

  /** `timeoutMs`: after which it is ended; 0 for one that runs as long as its tests. */
  constructor(command: string, parameters: readonly string[], input = '', timeoutMs = 2 * PATIENCE_MS) {
    this.#name = `${command} ${parameters.join(' ')}`;
    this.#child = spawn(command, parameters, { stdio: 'pipe', timeout: timeoutMs });
    this.#child.stdin?.on('error', () => {});
    this.#child.stdin?.end(input);
    this.#child.stdout?.on('data', (chunk) => {
      this.out += chunk;
    });
    this.#child.stderr?.on('data', (chunk) => {
      this.err += chunk;
    });
    this.exited = new Promise((resolve, reject) => {
      this.#child.on('error', reject);
      this.#child.on('close', resolve);
    });
    after(() => this.kill('SIGKILL'));
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Waits for the end, which must be a good one, and returns what was printed. */
  async output(): Promise<string> {
    const code = await this.exited;
    assert.equal(code, 0, `${this.#name} ended with ${code}: ${this.err}`);
    return this.out;
  }

  /** Waits until it has printed the text. */
  shows(text: string): Promise<void> {
    return eventually(() => this.out.includes(text), `"${text}" from ${this.#name}`);
  }
}

/** Waits until something has happened; fails after a while. */
export async function eventually(happened: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!happened()) {
    assert.ok(performance.now() < deadline, `waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
