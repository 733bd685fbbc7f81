/** A fleet served by a process of its own, `dunlin serve`, which can be killed and started again on its data. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { askServer, type LocalRequest } from '@dunlin/server';
import { type Answer, type FleetFiles, fleetConfiguration } from './fleet-server.ts';

const MAIN = fileURLToPath(new URL('../../packages/cli/src/main.ts', import.meta.url));

export class FleetProcess {
  readonly files: FleetFiles;
  /** All that the processes have said, one after the other. */
  output = '';
  /** What was asked and answered as a change, by the number of the request. */
  readonly changes = new Map<string, string>();
  #child: ChildProcess | undefined;
  #ports = new Map<string, number>();

  /** The configuration is written as JSON, which is YAML. Ended behind the tests of the file. */
  constructor(files: FleetFiles) {
    this.files = files;
    const { listeners = [], ...rest } = fleetConfiguration(files);
    const bound = listeners.map((listener) => ({ host: '127.0.0.1', port: 0, ...listener }));
    const log = { level: 'debug', format: 'json' };
    writeFileSync(files.path('dunlin.yaml'), JSON.stringify({ ...rest, listeners: bound, log }));
    after(() => this.stop());
  }

  /** Settles when it takes connections. */
  async start(): Promise<void> {
    const parameters = ['--conditions=@dunlin/source', MAIN, 'serve', '--config', this.files.path('dunlin.yaml')];
    const child = spawn(process.execPath, parameters, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    this.#ports = new Map();
    const { promise: started, resolve, reject } = Promise.withResolvers<void>();
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      this.output += chunk;
    });
    let rest = '';
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      this.output += chunk;
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (this.#read(line)) resolve();
    });
    child.on('exit', (code) => reject(new Error(`the server ended with ${code}:\n${this.output.slice(-3_000)}`)));
    await started;
  }

  /** Whether the line says that it has started. */
  #read(line: string): boolean {
    if (!line.startsWith('{')) return false;
    const { event, listener, address } = JSON.parse(line);
    if (event === 'listening') this.#ports.set(listener, Number(address.split(':').at(-1)));
    return event === 'started';
  }

  port(listener: string): number {
    const port = this.#ports.get(listener);
    assert.ok(port !== undefined, `there is no listener ${listener}`);
    return port;
  }

  /** By the control socket, as local administrator; undefined where the server ended before it answered. */
  async tryAsk(
    method: LocalRequest['method'],
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer | undefined> {
    const request = { command: 'api', method, path, headers, ...(body !== undefined && { body }) } as const;
    const answered = await askServer(this.files.path('data'), request).catch(() => undefined);
    if (answered === undefined) return undefined;
    const { status, headers: told, body: text } = answered.result;
    const answer = { status, headers: told, body: /json/.test(told['content-type'] ?? '') ? JSON.parse(text) : text };
    if (isChange(method, answer)) this.changes.set(told['x-request-id'], `${method} ${path}`);
    return answer;
  }

  /** What must go well. */
  async done(method: LocalRequest['method'], path: string, body?: unknown): Promise<Answer['body']> {
    const answer = await this.tryAsk(method, path, body);
    assert.ok(answer !== undefined && answer.status < 300, `${method} ${path}: ${JSON.stringify(answer)}`);
    return answer.body;
  }

  /** `kill -9`: nothing is written, nobody is told. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.removeAllListeners('exit');
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }
}

/** An import may have found that there is nothing to do. */
function isChange(method: LocalRequest['method'], { status, headers, body }: Answer): boolean {
  if (method === 'GET' || status >= 300 || headers['idempotency-replayed'] !== undefined) return false;
  return body?.unchanged === undefined || body.added + body.changed + body.tokens > 0;
}
