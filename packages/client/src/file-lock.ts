/**
 * One owner of a file: a lock that dies with its process.
 *
 * Whoever wants the file listens on a Unix socket beside it, under a name that nobody else has, and only then looks for
 * the sockets of others. A socket on which nobody listens was left by a process that died; it is deleted. Who finds no
 * other is the owner. Of any two, both had put up their socket before they looked, so the later one to look found the
 * other: there are never two owners. Where several come at once they withdraw and come again, each at another time.
 * A process that hangs keeps its lock, since the system itself answers for it.
 */
import { randomBytes } from 'node:crypto';
import { chmod, type FileHandle, open, readdir, realpath, rename, rm } from 'node:fs/promises';
import { createConnection, createServer, type Server } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { OutboxError } from './outbox-store.ts';

/** Ends the name of a socket on which its process may not listen yet. */
const UNREADY = '.new';
const TOKEN_BYTES = 6;
/** The process and what makes it unique; nothing else beside the file is ever asked or deleted. */
const TOKEN = /^\d+-[0-9a-f]{12}$/;
/** Of a socket's path, with the zero byte at its end; the least of the usual systems. */
const SOCKET_PATH_BYTES_MAX = 104;
const COME_AGAIN_MS = 40;

/** The path with symbolic links followed, so that every name of a file leads to one lock; undefined where nothing is. */
export async function existingPath(path: string): Promise<string | undefined> {
  return realpath(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

/** Takes from all others what they may do with a file that was there before. */
export async function keepToOwner(file: FileHandle, mode: number): Promise<void> {
  if ((mode & 0o077) !== 0) await file.chmod(0o600);
}

export class FileLock {
  readonly #server: Server;
  readonly #path: string;
  readonly #folder: Folder;

  private constructor(server: Server, path: string, folder: Folder) {
    this.#server = server;
    this.#path = path;
    this.#folder = folder;
  }

  /**
   * Takes the lock of the file at `path`, an absolute path without symbolic links; tries for `timeoutMs` while others
   * have it. Rejects `held`, naming the process, else with the system's error.
   */
  static async acquire(path: string, timeoutMs: number): Promise<FileLock> {
    const prefix = `${basename(path)}.lock-`;
    const token = `${process.pid}-${randomBytes(TOKEN_BYTES).toString('hex')}`;
    const folder = await openFolder(dirname(path), prefix.length + token.length + UNREADY.length);
    const ownPath = join(folder.path, prefix + token);
    const endMs = performance.now() + timeoutMs;
    try {
      for (;;) {
        let holder = await livingOther(folder.path, prefix, token);
        if (holder === undefined) {
          const server = await listen(ownPath);
          try {
            holder = await livingOther(folder.path, prefix, token);
          } catch (error) {
            await withdraw(server, ownPath);
            throw error;
          }
          if (holder === undefined) return new FileLock(server, ownPath, folder);
          await withdraw(server, ownPath);
        }
        if (performance.now() >= endMs) throw held(path, holder);
        await new Promise((resolve) => setTimeout(resolve, Math.random() * COME_AGAIN_MS));
      }
    } catch (error) {
      await folder.free();
      throw error;
    }
  }

  /** Lets the next one in. */
  async release(): Promise<void> {
    await withdraw(this.#server, this.#path);
    await this.#folder.free();
  }
}

/** A directory under a name that a socket's path has room for, until `free` is called. */
interface Folder {
  readonly path: string;
  free(): Promise<void>;
}

async function openFolder(directory: string, nameBytes: number): Promise<Folder> {
  // One for the slash; what is left must be less than the greatest length.
  if (Buffer.byteLength(directory) + 1 + nameBytes < SOCKET_PATH_BYTES_MAX) {
    return { path: directory, free: async () => undefined };
  }
  const handle: FileHandle = await open(directory, 'r');
  return { path: `/proc/self/fd/${handle.fd}`, free: () => handle.close() };
}

/** The token of somebody else who listens; deletes the sockets of the dead. */
async function livingOther(folder: string, prefix: string, ownToken: string): Promise<string | undefined> {
  for (const name of await readdir(folder)) {
    const token = name.slice(prefix.length);
    if (!name.startsWith(prefix) || !TOKEN.test(token) || token === ownToken) continue;
    const path = join(folder, name);
    if (await isListenedOn(path)) return token;
    // Its name was never given before somebody listened, and is never given again.
    await rm(path, { force: true });
  }
  return undefined;
}

/** Listens under another name first: from a name without `.new` on, whoever asks is answered while we live. */
async function listen(path: string): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path + UNREADY, resolve);
  });
  server.unref();
  try {
    await chmod(path + UNREADY, 0o600);
    await rename(path + UNREADY, path);
  } catch (error) {
    await withdraw(server, path + UNREADY);
    throw error;
  }
  return server;
}

async function withdraw(server: Server, path: string): Promise<void> {
  // One that stays is a dead one, which the next to come deletes.
  await rm(path, { force: true }).catch(() => undefined);
  await new Promise<void>((resolve) => server.close(() => resolve()));
}

/** Only a refusal says that nobody is there: a full backlog or a missing right means that somebody is. */
function isListenedOn(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', ({ code }: NodeJS.ErrnoException) => resolve(code !== 'ECONNREFUSED' && code !== 'ENOENT'));
  });
}

function held(path: string, token: string): OutboxError {
  const [pid] = token.split('-');
  const who = Number(pid) === process.pid ? 'this process' : `the process ${pid}`;
  return new OutboxError('held', `Cannot open the outbox ${path}: ${who} has it open; close it there first`);
}
