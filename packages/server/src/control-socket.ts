/**
 * The control socket of a running server: a Unix socket in its data directory, for its user alone. Who has the directory
 * is decided by its lock before, so a socket that lies there already was left by a process that was killed.
 */
import { chmodSync, renameSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { socketFolder } from '@dunlin/lmdb';
import { CONTROL_SOCKET, type ControlAnswer, ControlError } from './control-protocol.ts';
import { LineTooLong, linesOf } from './line-stream.ts';

/** The parameters of a request, each of any kind. */
export type GivenParameters = Readonly<Record<string, unknown>>;
/** What answers commands, by their names. What a handler throws with a `code` is told by it. */
export type ControlTable = Readonly<Record<string, (parameters: GivenParameters) => Promise<unknown>>>;

export interface ControlOptions {
  readonly directory: string;
  readonly commands: ControlTable;
  /** Of one request. Default: 64 KiB. */
  readonly requestBytesMax?: number;
  /** For tests. */
  readonly idleMs?: number;
  readonly platform?: string;
}

/** Ends the name of the socket until nobody else may connect to it. */
const UNREADY = '.new';
const IDLE_MS = 30_000;
/** For others to take their last answer. */
const FAREWELL_MS = 1_000;
const REQUEST_BYTES_MAX = 64 * 1024;
const CONNECTIONS_MAX = 32;

export class ControlSocket {
  readonly #server: Server;
  readonly #path: string;
  readonly #free: () => void;
  readonly #commands: ControlTable;
  readonly #requestBytesMax: number;
  readonly #idleMs: number;
  readonly #conversations = new Set<Promise<void>>();
  readonly #sockets = new Map<Socket, 'waiting' | 'running' | 'answering'>();
  #closing: Promise<void> | undefined;

  private constructor(path: string, free: () => void, options: ControlOptions) {
    this.#path = path;
    this.#free = free;
    this.#commands = options.commands;
    this.#requestBytesMax = options.requestBytesMax ?? REQUEST_BYTES_MAX;
    this.#idleMs = options.idleMs ?? IDLE_MS;
    // An answer goes also to who has ended its own side.
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      const conversation = this.#converse(socket).finally(() => this.#conversations.delete(conversation));
      this.#conversations.add(conversation);
    });
    this.#server.maxConnections = CONNECTIONS_MAX;
  }

  /**
   * Listens in a directory whose lock is held. Undefined on Windows, which has no such sockets.
   * @throws ControlError 'not-openable'
   */
  static async open(options: ControlOptions): Promise<ControlSocket | undefined> {
    const { directory, platform = process.platform } = options;
    if (platform === 'win32') return undefined;
    const { folder, free } = socketFolder(directory, (CONTROL_SOCKET + UNREADY).length);
    const control = new ControlSocket(join(folder, CONTROL_SOCKET), free, options);
    try {
      await control.#listen();
      return control;
    } catch (error) {
      free();
      const reason = error instanceof Error ? error.message : String(error);
      throw new ControlError('not-openable', `Cannot open the control socket of ${directory}: ${reason}`, error);
    }
  }

  /** Lets nobody in any more. Resolves when commands under way are over and answered. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    rmSync(this.#path, { force: true });
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const [socket, state] of this.#sockets) {
      if (state === 'waiting') socket.destroy();
      else socket.setTimeout(FAREWELL_MS);
    }
    await Promise.all(this.#conversations);
    await closed;
    this.#free();
  }

  /** Its name replaces that of one that was left behind, and says from the beginning on who may use it. */
  #listen(): Promise<void> {
    rmSync(this.#path + UNREADY, { force: true });
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#path + UNREADY, () => {
        try {
          chmodSync(this.#path + UNREADY, 0o600);
          renameSync(this.#path + UNREADY, this.#path);
          this.#server.unref();
          resolve();
        } catch (error) {
          this.#server.close();
          reject(error);
        }
      });
    });
  }

  async #converse(socket: Socket): Promise<void> {
    socket.on('error', () => undefined);
    // A command takes as long as it takes.
    socket.setTimeout(this.#idleMs);
    socket.on('timeout', () => {
      if (this.#sockets.get(socket) !== 'running') socket.destroy();
    });
    this.#sockets.set(socket, 'waiting');
    // Who sent too much is told so, for which the socket must outlive the reading of it.
    const chunks = socket.iterator({ destroyOnReturn: false });
    try {
      for await (const line of linesOf(chunks, this.#requestBytesMax)) {
        this.#sockets.set(socket, 'running');
        const answer = await this.#answer(line);
        this.#sockets.set(socket, 'answering');
        await send(socket, answer);
        if (this.#closing !== undefined) break;
        this.#sockets.set(socket, 'waiting');
      }
    } catch (error) {
      // Anything else is a connection that broke.
      if (error instanceof LineTooLong) await send(socket, failure('bad-request', error.message));
    } finally {
      this.#sockets.delete(socket);
      socket.destroy();
    }
  }

  async #answer(line: string): Promise<ControlAnswer> {
    const request = requestOf(line);
    if (request === undefined)
      return failure('bad-request', 'Cannot read the request: expected is {"command":"NAME"} with its parameters');
    const { command, ...parameters } = request;
    if (!Object.hasOwn(this.#commands, command)) {
      const known = Object.keys(this.#commands).join(', ');
      return failure('unknown-command', `Cannot run ${JSON.stringify(command)}: expected is one of ${known}`);
    }
    try {
      return { result: await this.#commands[command](parameters) };
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      return failure(code ?? 'failed', message);
    }
  }
}

function failure(code: string, message: string): ControlAnswer {
  return { error: { code, message } };
}

function requestOf(line: string): { readonly command: string } | undefined {
  try {
    const request = JSON.parse(line) as { command?: unknown } | null;
    return typeof request?.command === 'string' ? (request as { command: string }) : undefined;
  } catch {
    return undefined;
  }
}

/** Resolves also where the other end has gone. */
function send(socket: Socket, answer: ControlAnswer): Promise<void> {
  return new Promise((resolve) => {
    socket.once('close', () => resolve());
    socket.write(`${JSON.stringify(answer)}\n`, () => resolve());
  });
}
