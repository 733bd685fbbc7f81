/** Dunlin with doors: as `dunlin serve --config FILE` or in this process, what it told, and clients that come to it. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { type ConfigurationInput, type RunningServer, type ServerParts, startServer } from '@dunlin/server';
import { type ClientOptions, createWebSocketStream, WebSocket } from 'ws';
import { type ConnectOptions, RawClient } from '../conformance/raw-client.ts';
import type { Version } from '../conformance/wire.ts';

const HOST = '127.0.0.1';
const MAIN = fileURLToPath(new URL('../../packages/cli/src/main.ts', import.meta.url));
/** A test that waits this long has failed. */
const PATIENCE_MS = 20_000;

/** An event with its fields, be it from the log of a process or from a server in this one. */
export type Told = { readonly name: string } & Readonly<Record<string, unknown>>;

/** A folder that is removed behind the tests of the file. */
export function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), 'dunlin-doors-'));
  after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** What all servers under test share: what they told, and waiting for it. */
class Telling {
  readonly events: Told[] = [];
  readonly #waiting: (() => void)[] = [];

  tell(event: Told): void {
    this.events.push(event);
    for (const wake of this.#waiting.splice(0)) wake();
  }

  async until<Value>(found: () => Value | undefined, what: () => string): Promise<Value> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(new Error(`waited in vain for ${what()}`)), PATIENCE_MS);
    try {
      for (let value = found(); ; value = found()) {
        if (value !== undefined) return value;
        await Promise.race([late, new Promise<void>((resolve) => this.#waiting.push(resolve))]);
      }
    } finally {
      clearTimeout(timer);
    }
  }
}

/** A server with its events. */
export class GuardedServer {
  readonly #telling: Telling;
  readonly #child: ChildProcess | undefined;
  /** Undefined where it is a process of its own. */
  readonly running: RunningServer | undefined;

  private constructor(telling: Telling, child: ChildProcess | undefined, running: RunningServer | undefined) {
    this.#telling = telling;
    this.#child = child;
    this.running = running;
  }

  /** Starts it in this process; it is stopped behind the tests of the file. Listeners are at free ports of 127.0.0.1. */
  static async start(configuration: ConfigurationInput, parts: ServerParts = {}): Promise<GuardedServer> {
    const telling = new Telling();
    const { listeners = [{}], ...rest } = configuration;
    const running = await startServer(
      { ...rest, listeners: listeners.map((listener) => ({ host: HOST, port: 0, ...listener })) },
      { ...parts, onEvent: (event) => telling.tell({ ...event }) },
    );
    after(() => running.stop());
    return new GuardedServer(telling, undefined, running);
  }

  /** Writes `text` to `dunlin.yaml` in the folder and runs `dunlin serve` on it, which has ended behind the tests. */
  static async serve(directory: string, text: string): Promise<GuardedServer> {
    const telling = new Telling();
    const file = join(directory, 'dunlin.yaml');
    writeFileSync(file, text);
    const parameters = [
      '--conditions=@dunlin/source',
      MAIN,
      'serve',
      '--config',
      file,
      '--data',
      join(directory, 'data'),
    ];
    const child = spawn(process.execPath, parameters, { stdio: ['ignore', 'ignore', 'pipe'] });
    let rest = '';
    let others = '';
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (line.startsWith('{')) {
          const { event, ...fields } = JSON.parse(line);
          telling.tell({ name: event, ...fields });
        } else others += `${line}\n`;
      }
    });
    child.on('exit', (code) => telling.tell({ name: 'exited', code }));
    after(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    });
    const server = new GuardedServer(telling, child, undefined);
    await telling.until(
      () => telling.events.find(({ name }) => name === 'started' || name === 'exited'),
      () => 'the start',
    );
    assert.ok(!telling.events.some(({ name }) => name === 'exited'), `dunlin serve did not start:\n${others}`);
    return server;
  }

  get events(): readonly Told[] {
    return this.#telling.events;
  }

  /** The port that a listener took. */
  port(listener: string): number {
    const found = this.events.find((event) => event.name === 'listening' && event.listener === listener);
    assert.ok(found !== undefined, `there is no listener ${listener}`);
    return Number(String(found.address).split(':').at(-1));
  }

  address(listener: string): { readonly host: string; readonly port: number } {
    return { host: HOST, port: this.port(listener) };
  }

  /** Waits until something was told with these fields, be it before. */
  told(name: string, fields: Readonly<Record<string, unknown>> = {}): Promise<Told> {
    return this.#telling.until(
      () => this.events.find((event) => event.name === name && fits(event, fields)),
      () =>
        `${name} ${JSON.stringify(fields)}; told was:\n${this.events.map((event) => JSON.stringify(event)).join('\n')}`,
    );
  }

  /** What was told so far with these fields. */
  count(name: string, fields: Readonly<Record<string, unknown>> = {}): number {
    return this.events.filter((event) => event.name === name && fits(event, fields)).length;
  }

  /** Waits until so many events of a name were told. */
  async counted(name: string, wanted: number): Promise<void> {
    await this.#telling.until(
      () => (this.count(name) >= wanted ? true : undefined),
      () => `${wanted} of ${name}`,
    );
  }

  /** Of the process; undefined where it is none of its own. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** To the process. */
  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** A client that has sent nothing yet, over plain TCP. */
  async open(listener: string, version: Version = 5, localAddress?: string): Promise<RawClient> {
    const socket = connectTcp({ ...this.address(listener), localAddress, allowHalfOpen: true });
    after(() => socket.destroy());
    await once(socket, 'connect');
    return new RawClient({ stream: socket, cut: () => socket.destroy() }, version);
  }

  /** The same over TLS; rejects where the handshake fails on the client's side. */
  async openTls(listener: string, options: ConnectionOptions, version: Version = 5): Promise<RawClient> {
    const socket = await tlsSocket(this.port(listener), options);
    return new RawClient({ stream: socket, cut: () => socket.destroy() }, version);
  }

  /** The same over a WebSocket; rejects with a `RefusedUpgrade` where the server gives none. */
  async openWebSocket(
    listener: string,
    wishes: WebSocketWishes = {},
    version: Version = 5,
  ): Promise<RawClient & { readonly webSocket: WebSocket }> {
    const { path = '/mqtt', secure = false, subprotocols = ['mqtt'], ...options } = wishes;
    const url = `${secure ? 'wss' : 'ws'}://${HOST}:${this.port(listener)}${path}`;
    const webSocket = new WebSocket(url, [...subprotocols], { perMessageDeflate: false, ...options });
    after(() => webSocket.terminate());
    const stream = createWebSocketStream(webSocket, { allowHalfOpen: true });
    const client = new RawClient({ stream, cut: () => webSocket.terminate() }, version);
    await new Promise((resolve, reject) => {
      webSocket.once('open', resolve);
      webSocket.once('error', reject);
      webSocket.once('unexpected-response', (_, { statusCode = 0 }) => reject(new RefusedUpgrade(statusCode)));
    });
    return Object.assign(client, { webSocket });
  }

  /** Connects, expects the code as refusal, and that the server told of it with the check. */
  async refuses(
    client: RawClient,
    connect: ConnectOptions & { readonly clientId: string },
    code: number,
    check: string,
  ): Promise<Told> {
    client.sendConnect(connect);
    await client.expectRefusal(code);
    return await this.told('connectRefused', { clientId: connect.clientId, check });
  }
}

/** Where a WebSocket is asked for, and how. */
export interface WebSocketWishes extends ClientOptions {
  /** Default `/mqtt`. */
  readonly path?: string;
  readonly secure?: boolean;
  /** Default `mqtt`. */
  readonly subprotocols?: readonly string[];
}

/** The answer of HTTP that came in place of a WebSocket. */
export class RefusedUpgrade extends Error {
  override readonly name = 'RefusedUpgrade';
  readonly status: number;

  constructor(status: number) {
    super(`the server answered ${status}`);
    this.status = status;
  }
}

/** A finished TLS handshake, closed behind the tests. */
export async function tlsSocket(port: number, options: ConnectionOptions): Promise<TLSSocket> {
  const socket = connectTls({ host: HOST, port, ...options });
  after(() => socket.destroy());
  await once(socket, 'secureConnect');
  return socket;
}

function fits(event: Told, fields: Readonly<Record<string, unknown>>): boolean {
  return Object.entries(fields).every(([name, wanted]) =>
    wanted instanceof RegExp ? wanted.test(String(event[name])) : event[name] === wanted,
  );
}
