/**
 * One process a data directory: a lock that dies with its process.
 *
 * The lock is a Unix socket in the directory, on which its owner listens and says who it is. Where nobody listens the
 * owner has died, and the lock is taken over. Taking it is a hard link, which fails where there is one already:
 *
 *     1. listen on a socket under a name of our own, then link it to `lock`: done, where that succeeds
 *     2. else ask `lock`: if somebody listens, refuse with the owner's name
 *     3. else move `lock` aside (only one mover succeeds), make sure that nobody listens there either, delete it, go to 1
 *     4. at the end ask `lock` once more: the answer must be ours
 *
 * A socket's path may have about 107 bytes. A longer one is reached through `/proc/self/fd`, where there is that.
 */
import { randomUUID } from 'node:crypto';
import { chmodSync, closeSync, existsSync, linkSync, openSync, renameSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { StoreError } from './store-error.ts';

/** What the owner answers. */
export interface LockOwner {
  readonly pid: number;
  /** Tells two locks of one process apart. */
  readonly token: string;
}

/** What is known of a lock: who answers, that somebody listens but does not answer, or that nobody does. */
type Answer = LockOwner | 'silent' | 'nobody';

const NAME = 'lock';
/** Of a socket address, with the zero byte at its end; the least of the usual systems. */
const SOCKET_PATH_BYTES_MAX = 104;
const ANSWER_TIMEOUT_MS = 2_000;
const ANSWER_BYTES_MAX = 1_024;
const ATTEMPTS = 20;

export class DirectoryLock {
  readonly #server: Server;
  readonly #path: string;
  readonly #release: () => void;

  private constructor(server: Server, path: string, release: () => void) {
    this.#server = server;
    this.#path = path;
    this.#release = release;
  }

  /** @throws StoreError 'locked' naming the owner, 'not-openable' where no socket can be made */
  static async acquire(directory: string): Promise<DirectoryLock> {
    const { folder, release } = shortPath(directory);
    const token = randomUUID();
    const own = join(folder, `lock-${token.slice(0, 8)}`);
    const path = join(folder, NAME);
    let server: Server | undefined;
    try {
      server = await listen(own, token);
      await take(directory, own, path);
      const owner = await ask(path);
      if (typeof owner === 'string' || owner.token !== token) throw locked(directory, owner);
      return new DirectoryLock(server, path, release);
    } catch (error) {
      server?.close();
      release();
      if (error instanceof StoreError) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      throw new StoreError('not-openable', `Cannot lock ${directory}: ${reason}`, error);
    } finally {
      rmSync(own, { force: true });
    }
  }

  /** Lets the next one in. */
  async release(): Promise<void> {
    // The name goes first: who came between would find a socket that nobody listens on, and take it over.
    rmSync(this.#path, { force: true });
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#release();
  }
}

/** The directory under a name that a socket's path has room for. */
function shortPath(directory: string): { folder: string; release: () => void } {
  if (Buffer.byteLength(join(directory, 'lock-00000000.0')) < SOCKET_PATH_BYTES_MAX)
    return { folder: directory, release: () => undefined };
  const file = openSync(directory, 'r');
  const folder = `/proc/self/fd/${file}`;
  if (existsSync(folder)) return { folder, release: () => closeSync(file) };
  closeSync(file);
  throw new StoreError(
    'not-openable',
    `Cannot lock ${directory}: its path has ${Buffer.byteLength(directory)} bytes, expected are ${SOCKET_PATH_BYTES_MAX - 17} at the most`,
  );
}

function listen(path: string, token: string): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end(JSON.stringify({ pid: process.pid, token } satisfies LockOwner));
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      chmodSync(path, 0o600);
      server.unref();
      resolve(server);
    });
  });
}

async function take(directory: string, own: string, path: string): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (unless('EEXIST', () => linkSync(own, path))) return;
    const owner = await ask(path);
    if (owner !== 'nobody') throw locked(directory, owner);
    const aside = `${own}.${attempt % 10}`;
    if (!unless('ENOENT', () => renameSync(path, aside))) continue;
    const moved = await ask(aside);
    // Somebody had taken it over before we moved it: it is theirs.
    if (moved !== 'nobody') {
      unless('EEXIST', () => linkSync(aside, path));
      rmSync(aside, { force: true });
      throw locked(directory, moved);
    }
    rmSync(aside, { force: true });
  }
  throw new StoreError('locked', `Cannot open ${directory}: others take its lock all the time`);
}

/** False where it fails with this code. */
function unless(code: string, act: () => void): boolean {
  try {
    act();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === code) return false;
    throw error;
  }
}

/** Asks whoever listens on the socket who it is. */
export function ask(path: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let text = '';
    let isConnected = false;
    const socket = createConnection(path);
    const finish = (answer: Answer) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setEncoding('utf8');
    socket.setTimeout(ANSWER_TIMEOUT_MS, () => finish('silent'));
    socket.on('connect', () => {
      isConnected = true;
    });
    socket.on('data', (data: string) => {
      text += data;
      if (text.length > ANSWER_BYTES_MAX) finish('silent');
    });
    socket.on('end', () => finish(ownerOf(text)));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') finish('nobody');
      else if (isConnected || error.code === 'EAGAIN') finish('silent');
      // Not a socket, no permission: whose it is cannot be told.
      else reject(error);
    });
  });
}

function ownerOf(text: string): Answer {
  try {
    const { pid, token } = JSON.parse(text) as LockOwner;
    return { pid, token };
  } catch {
    return 'silent';
  }
}

function locked(directory: string, owner: Answer): StoreError {
  const who = typeof owner === 'string' ? 'a process that does not answer' : `the process ${owner.pid}`;
  return new StoreError('locked', `Cannot open ${directory}: ${who} has it open; stop it first`);
}
