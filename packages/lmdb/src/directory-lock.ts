/**
 * One process a data directory: a lock that dies with its process.
 *
 * Whoever wants the directory listens on a Unix socket in it, under a name that nobody else has, and only then looks for
 * the sockets of others and asks them. A socket on which nobody listens was left by a process that died; it is deleted.
 * Who finds no other becomes the owner. Of any two, both had put up their socket before they looked, so the later one to
 * look found the other: there is never a second owner. Where several come at once, the one with the greatest rank goes
 * on and the others withdraw and come again, each time later, so that it finds a moment without them; where there is an
 * owner, they are refused.
 */
import { randomUUID } from 'node:crypto';
import { chmodSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { socketFolder } from './socket-path.ts';
import { StoreError } from './store-error.ts';

/** What a socket of the lock answers. */
interface Claim {
  readonly pid: number;
  /** Names its socket. */
  readonly token: string;
  /** Who goes first of those that come at once: the same for every socket that one puts up. */
  readonly rank: string;
  /** False while it still looks for others. */
  readonly isOwner: boolean;
  readonly purpose: LockPurpose;
}

/** What a process has a directory for, so that others know whether to stop it or to wait. */
export type LockPurpose = 'serve' | 'inspect' | 'restore';

const HOLDERS: Readonly<Record<LockPurpose, readonly [what: string, remedy: string]>> = {
  serve: ['a server', 'stop it first'],
  inspect: ['it looks at the store', 'wait until it has ended'],
  restore: ['it restores a backup', 'wait until it has ended'],
};

/** What is known of a socket: who answers, that somebody listens but does not answer, or that nobody does. */
type Answer = Claim | 'silent' | 'nobody';

const PREFIX = 'lock-';
/** Ends the name of a socket on which its process may not listen yet. */
const UNREADY = '.new';
const TOKEN_LETTERS = 12;
const NAME_BYTES = PREFIX.length + TOKEN_LETTERS + UNREADY.length;
const ANSWER_TIMEOUT_MS = 2_000;
const RESETS_MAX = 10;
const ANSWER_BYTES_MAX = 1_024;
/** For others that come at the same time to withdraw or to become owner, in milliseconds. */
const LOOK_AGAIN_MS_MAX = 5;
const COME_AGAIN_MS_MAX = 400;
const GIVE_UP_MS = 20_000;

export class DirectoryLock {
  readonly #server: Server;
  readonly #path: string;
  readonly #free: () => void;

  private constructor(server: Server, path: string, free: () => void) {
    this.#server = server;
    this.#path = path;
    this.#free = free;
  }

  /** @throws StoreError 'locked' naming the owner, 'not-openable' where no socket can be made */
  static async acquire(directory: string, purpose: LockPurpose): Promise<DirectoryLock> {
    const { folder, free } = socketFolder(directory, NAME_BYTES);
    try {
      const rank = newToken();
      const endMs = performance.now() + GIVE_UP_MS;
      for (let waitMs = 10; performance.now() < endMs; waitMs = Math.min(waitMs * 2, COME_AGAIN_MS_MAX)) {
        const lock = await DirectoryLock.#attempt(directory, folder, { rank, purpose }, free);
        if (lock !== undefined) return lock;
        await pause(waitMs);
      }
      throw new StoreError('locked', `Cannot open ${directory}: others want it at the same time`);
    } catch (error) {
      free();
      if (error instanceof StoreError) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      throw new StoreError('not-openable', `Cannot lock ${directory}: ${reason}`, error);
    }
  }

  /** Undefined where somebody who came at the same time goes first. */
  static async #attempt(
    directory: string,
    folder: string,
    { rank, purpose }: Pick<Claim, 'rank' | 'purpose'>,
    free: () => void,
  ): Promise<DirectoryLock | undefined> {
    const claim = { pid: process.pid, token: newToken(), rank, isOwner: false, purpose };
    const path = join(folder, PREFIX + claim.token);
    const lock = new DirectoryLock(await listen(path, claim), path, free);
    try {
      for (;;) {
        const others = await claimsOf(folder, claim.token);
        if (others.length === 0) {
          claim.isOwner = true;
          return lock;
        }
        const owner = others.find((other) => typeof other === 'string' || other.isOwner);
        if (owner !== undefined) throw locked(directory, owner);
        if (others.some((other) => typeof other !== 'string' && other.rank > rank)) break;
        await pause(LOOK_AGAIN_MS_MAX);
      }
    } catch (error) {
      await lock.#withdraw();
      throw error;
    }
    await lock.#withdraw();
    return undefined;
  }

  /** Leaves the directory as it is, so that it may be one that can only be read. @throws StoreError 'locked' */
  static async assertFree(directory: string): Promise<void> {
    const { folder, free } = socketFolder(directory, NAME_BYTES);
    try {
      for (const name of readdirSync(folder).filter(isClaim)) {
        const answer = await ask(join(folder, name));
        if (answer !== 'nobody') throw locked(directory, answer);
      }
    } finally {
      free();
    }
  }

  /** Lets the next one in. */
  async release(): Promise<void> {
    await this.#withdraw();
    this.#free();
  }

  async #withdraw(): Promise<void> {
    rmSync(this.#path, { force: true });
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

/** What the living sockets of others answer; deletes the dead. */
async function claimsOf(folder: string, ownToken: string): Promise<Exclude<Answer, 'nobody'>[]> {
  const names = readdirSync(folder).filter(isClaim);
  const others = names.filter((name) => name !== PREFIX + ownToken).map((name) => join(folder, name));
  const found: Exclude<Answer, 'nobody'>[] = [];
  for (const path of others) {
    const answer = await ask(path);
    // Its name was never given before somebody listened, and is never given again.
    if (answer === 'nobody') rmSync(path, { force: true });
    else found.push(answer);
  }
  return found;
}

function isClaim(name: string): boolean {
  return name.startsWith(PREFIX) && !name.endsWith(UNREADY);
}

function newToken(): string {
  return randomUUID().replaceAll('-', '').slice(0, TOKEN_LETTERS);
}

function pause(maxMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1 + Math.random() * maxMs));
}

/** Listens under another name first: from a name without `.new` on, whoever asks is answered while we live. */
function listen(path: string, claim: Claim): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end(JSON.stringify(claim));
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path + UNREADY, () => {
      try {
        chmodSync(path + UNREADY, 0o600);
        renameSync(path + UNREADY, path);
        server.unref();
        resolve(server);
      } catch (error) {
        server.close();
        reject(error);
      }
    });
  });
}

/** Asks whoever listens on the socket who it is. */
export async function ask(path: string): Promise<Answer> {
  for (let attempt = 0; attempt < RESETS_MAX; attempt++) {
    const answer = await askOnce(path);
    if (answer !== 'reset') return answer;
  }
  return 'silent';
}

/** 'reset': it was being closed, so the next answer will be another one. */
function askOnce(path: string): Promise<Answer | 'reset'> {
  return new Promise((resolve, reject) => {
    let text = '';
    let isConnected = false;
    const socket = createConnection(path);
    const finish = (answer: Answer | 'reset') => {
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
    socket.on('end', () => finish(claimOf(text)));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') finish('nobody');
      else if (error.code === 'ECONNRESET' || error.code === 'EPIPE') finish('reset');
      else if (isConnected || error.code === 'EAGAIN') finish('silent');
      // Not a socket, no permission: whose it is cannot be told.
      else reject(error);
    });
  });
}

function claimOf(text: string): Answer {
  try {
    const { pid, token, rank, isOwner, purpose } = JSON.parse(text) as Claim;
    return { pid, token, rank, isOwner, purpose };
  } catch {
    return 'silent';
  }
}

function locked(directory: string, owner: Answer): StoreError {
  if (typeof owner === 'string')
    return new StoreError(
      'locked',
      `Cannot open ${directory}: a process that does not answer has it open; stop it first`,
    );
  // An owner of another version may have other purposes, or none.
  const [what, remedy] = Object.hasOwn(HOLDERS, owner.purpose) ? HOLDERS[owner.purpose] : HOLDERS.serve;
  return new StoreError(
    'locked',
    `Cannot open ${directory}: the process ${owner.pid} (${what}) has it open; ${remedy}`,
  );
}
