/** A fleet of the examples from nothing: `dunlin init`, its configuration at free ports, `dunlin serve`, and its programs. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { askServer, type LocalRequest } from '@dunlin/server';
import { GuardedServer, scratch } from '../doors/guarded-server.ts';
import { freePort } from '../free-port.ts';
import { eventually, Program } from '../interop/local-broker.ts';

const MAIN = fileURLToPath(new URL('../../packages/cli/src/main.ts', import.meta.url));
const NODE = [process.execPath, '--conditions=@dunlin/source'] as const;

// biome-ignore lint/suspicious/noExplicitAny: whatever the API answers
export type Answer = { readonly status: number; readonly body: any };

/** A file of the examples. */
export const example = (file: string): string => fileURLToPath(new URL(`../../examples/${file}`, import.meta.url));

export class Fleet {
  /** Of `dunlin init`. */
  readonly directory: string;
  readonly #configuration: string;
  readonly #ports: ReadonlyMap<string, number>;
  #server: GuardedServer | undefined;

  private constructor(directory: string, configuration: string, ports: ReadonlyMap<string, number>) {
    this.directory = directory;
    this.#configuration = configuration;
    this.#ports = ports;
  }

  /** Makes the folder of an example; the server keeps its ports over restarts. `changes`: of the configuration. */
  static async init(name: 'cameras' | 'players', changes: (text: string) => string = (text) => text): Promise<Fleet> {
    const parent = scratch();
    const directory = join(parent, name);
    const password = join(parent, 'website.password');
    writeFileSync(password, 'a password of the test\n', { mode: 0o600 });
    const words = [MAIN, 'init', directory, '--user', 'website', '--password-file', password];
    await new Program(NODE[0], [NODE[1], ...words]).output();
    const ports = new Map<string, number>();
    let text = readFileSync(example(`${name}/dunlin.yaml`), 'utf8');
    for (const [, variable] of text.matchAll(/\$\{(\w+_PORT):/g)) ports.set(variable, await freePort());
    text = text.replaceAll(/\$\{(\w+_PORT):-\d+\}/g, (_, variable) => String(ports.get(variable)));
    text = text.replaceAll(/\$\{\w+_HOST:-[\d.]+\}/g, '127.0.0.1');
    // Subscriptions are told there.
    return new Fleet(directory, `${changes(text)}log: { level: debug }\n`, ports);
  }

  path(...names: readonly string[]): string {
    return join(this.directory, ...names);
  }

  /** Password of the user `website`. */
  get passwordFile(): string {
    return join(this.directory, '../website.password');
  }

  /** The port that the configuration calls by this variable. */
  port(variable: string): string {
    return String(this.#ports.get(variable) ?? assert.fail(`there is no ${variable}`));
  }

  /** What runs now, with its events. */
  get server(): GuardedServer {
    return this.#server ?? assert.fail('the server does not run');
  }

  async start(): Promise<void> {
    this.#server = await GuardedServer.serve(this.directory, this.#configuration);
  }

  /** Ends the server at once, as a power cut would, and starts it anew. */
  async killAndStart(): Promise<void> {
    this.server.signal('SIGKILL');
    await this.server.told('exited');
    await this.start();
  }

  /** Asks the API as local administrator. */
  async ask(method: LocalRequest['method'], path: string, body?: object): Promise<Answer> {
    const request = { command: 'api', method, path, ...(body !== undefined && { body }) } as const;
    const answered = await askServer(this.path('data'), request);
    assert.ok(answered !== undefined);
    const { status, body: text } = answered.result;
    return { status, body: text === '' ? undefined : JSON.parse(text) };
  }

  /** The same; fails where the API refuses. */
  async done(method: LocalRequest['method'], path: string, body?: object): Promise<Answer['body']> {
    const answer = await this.ask(method, path, body);
    assert.ok(answer.status < 300, JSON.stringify(answer));
    return answer.body;
  }

  /** Makes an API key and returns the file with it. */
  async keyFile(...scopes: readonly string[]): Promise<string> {
    const { key } = await this.done('POST', '/api/v1/keys', { name: 'test', scopes });
    return write(this.path(`${scopes.join('-').replaceAll(':', '-')}.key`), `${key}\n`);
  }
}

/** Writes a file in one step, since a program may be reading it, and returns it. */
export function write(file: string, text: string): string {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, text, { mode: 0o600 });
  renameSync(`${file}.new`, file);
  return file;
}

/** Runs a program of the examples in TypeScript. */
export function run(
  file: string,
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Program {
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  return new Program('env', [...variables, ...NODE, example(file), ...words], '', 0);
}

/** Waits until a program has shown a text so many times. */
export function showsTimes(program: Program, text: string, times: number): Promise<void> {
  return eventually(() => program.out.split(text).length > times, `${JSON.stringify(text)} ${times} times`);
}

/** Ends it as its operator would; settles with all that it printed. */
export function ended(program: Program): Promise<string> {
  program.kill('SIGTERM');
  return program.output();
}
