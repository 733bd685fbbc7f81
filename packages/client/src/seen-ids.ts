/**
 * The identifiers of messages that were handled, kept in a file for a window of time: an event that QoS 1 repeats, or that
 * comes again after a restart, is handled once.
 *
 * The file is lines of a fixed length, `<seconds since 1970> <first 132 bits of SHA-256, base64url>`: identifiers come
 * from devices, and neither their length nor what is in them is ours to choose. Lines are only added; a last one that a
 * crash cut short is cut off. When most of them are older than the window, the others are written into a new file.
 */

/// <reference lib="esnext.disposable" preserve="true" />
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { surface } from './events.ts';
import { existingPath, FileLock, keepToOwner } from './file-lock.ts';
import type { MessageHandler } from './options.ts';
import type { ReceivedMessage } from './received-message.ts';

/** `held`: another process has the file; `not-ours`: it holds something else. */
export type SeenIdsErrorCode = 'invalid' | 'held' | 'not-ours' | 'failed' | 'closed';

/** Why identifiers cannot be remembered; the text names the file and none of them. */
export class SeenIdsError extends Error {
  override readonly name = 'SeenIdsError';
  readonly code: SeenIdsErrorCode;

  constructor(code: SeenIdsErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/** What may be set of `openSeenIds`. */
export interface SeenIdsOptions {
  /** Seconds for which an identifier is remembered, 1 to 31,536,000; default 86,400. */
  readonly windowS?: number | undefined;
  /**
   * Identifiers at the most, the oldest go first; 1 to 10,000,000; default 1,000,000, of some
   * 120 bytes of memory each.
   */
  readonly idsMax?: number | undefined;
  /** Milliseconds in which another process may let go of the file; default 1000. */
  readonly heldTimeoutMs?: number | undefined;
}

/** The identifiers that a program has dealt with. */
export interface SeenIds extends AsyncDisposable {
  /** How many are remembered. */
  readonly size: number;
  /** How many went before their time, because there were `idsMax`. */
  readonly dropped: number;
  has(id: string): boolean;
  /**
   * Remembers an identifier. Settles when that survives a power cut: true where it was new. Rejects 'failed' where it
   * cannot be written, then and later, until the file is opened again; 'closed'.
   */
  add(id: string): Promise<boolean>;
  /**
   * A handler that calls `handle` once for each identifier, and remembers it when `handle` has settled, before the
   * message is acknowledged. Copies that come meanwhile wait for how it ends, and where it fails the next one is tried.
   * After a crash between the two a message comes again: `handle` has to bear that. Where `idOf` returns no string, as
   * it may where it takes what it finds in a payload, or throws, the message has none, and `handle` is called.
   *
   * Where identifiers cannot be written any more, or after `close`, messages with one are not handled, and at QoS 1 and 2
   * neither are they acknowledged, nor what comes behind them: the server sends them again. The error surfaces as uncaught.
   */
  once(idOf: (message: ReceivedMessage) => unknown, handle: MessageHandler): MessageHandler;
  /** Settles when all is written; what is added later rejects. */
  close(): Promise<void>;
}

const LINE = /^\d{10} [\w-]{22}$/;
const LINE_BYTES = 34;
const HASH_CHARACTERS = 22;
const WINDOW_S_MAX = 31_536_000;
const IDS_MAX = 10_000_000;
/** What is read and written at once. */
const PIECE_BYTES = LINE_BYTES * 32_768;
/** Lines that are over up to which the file is left as it is. */
const OLD_LINES_MIN = 4_096;
const OWNER_ONLY = 0o600;

/**
 * Opens the file, or makes it where there is none (mode 0600); its directory must exist and be on a local disk. One
 * process has it at a time. Rejects with a `SeenIdsError`: 'invalid' for an option, 'held', 'not-ours', else 'failed'.
 */
export async function openSeenIds(path: string, options: SeenIdsOptions = {}): Promise<SeenIds> {
  const { windowS = 86_400, idsMax = 1_000_000, heldTimeoutMs = 1_000 } = options;
  checkRange('windowS', windowS, WINDOW_S_MAX);
  checkRange('idsMax', idsMax, IDS_MAX);
  const given = resolve(path);
  let lock: FileLock | undefined;
  try {
    const real = (await existingPath(given)) ?? join(await realpath(dirname(given)), basename(given));
    lock = await FileLock.acquire(real, heldTimeoutMs);
    return await SeenIdsFile.open(real, lock, windowS, idsMax);
  } catch (error) {
    await lock?.release();
    if (error instanceof SeenIdsError) throw error;
    const isHeld = (error as { code?: unknown }).code === 'held';
    const why = isHeld ? 'another process has it open; one at a time is expected' : textOf(error);
    throw new SeenIdsError(isHeld ? 'held' : 'failed', `Cannot open the seen identifiers ${given}: ${why}`, error);
  }
}

function checkRange(name: string, value: number, maximum: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= maximum) return;
  throw new SeenIdsError('invalid', `Cannot open seen identifiers: ${name} is ${value}, expected 1 to ${maximum}`);
}

class SeenIdsFile implements SeenIds {
  dropped = 0;
  readonly #path: string;
  readonly #lock: FileLock;
  readonly #windowS: number;
  readonly #idsMax: number;
  /** Seconds at which each was added, the oldest first. */
  readonly #seen = new Map<string, number>();
  /** Over all that were there; a new one would have to step over each that was deleted. */
  #order = this.#seen.entries();
  #oldest: [hash: string, addedS: number] | undefined;
  readonly #handling = new Map<string, Promise<boolean>>();
  #file: FileHandle;
  /** Lines of the file, those that are over included. */
  #lines = 0;
  #waiting = '';
  #writing: Promise<void> | undefined;
  #failure: SeenIdsError | undefined;
  #closed: Promise<void> | undefined;

  static async open(path: string, lock: FileLock, windowS: number, idsMax: number): Promise<SeenIdsFile> {
    // The path is one without symbolic links; a named pipe would keep the thread that opens it.
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NONBLOCK | constants.O_NOFOLLOW;
    const file = await open(path, flags, OWNER_ONLY);
    try {
      const status = await file.stat();
      if (!status.isFile()) throw notOurs(path);
      const seen = new SeenIdsFile(path, lock, file, windowS, idsMax);
      await seen.#load();
      await keepToOwner(file, status.mode);
      await file.truncate(seen.#lines * LINE_BYTES);
      await syncDirectory(path);
      return seen;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  private constructor(path: string, lock: FileLock, file: FileHandle, windowS: number, idsMax: number) {
    this.#path = path;
    this.#lock = lock;
    this.#file = file;
    this.#windowS = windowS;
    this.#idsMax = idsMax;
  }

  get size(): number {
    this.#forget();
    return this.#seen.size;
  }

  has(id: string): boolean {
    this.#forget();
    return this.#seen.has(hashOf(id));
  }

  async add(id: string): Promise<boolean> {
    this.#checkWritable();
    this.#forget();
    const hash = hashOf(id);
    const isNew = !this.#seen.has(hash);
    if (isNew) {
      const nowS = Math.floor(Date.now() / 1_000);
      this.#seen.set(hash, nowS);
      this.#waiting += lineOf(hash, nowS);
      this.#forget();
    }
    // What was there may still be on its way to the disk.
    if (this.#waiting !== '') this.#writing ??= this.#write();
    await this.#writing;
    if (this.#failure !== undefined) throw this.#failure;
    return isNew;
  }

  once(idOf: (message: ReceivedMessage) => unknown, handle: MessageHandler): MessageHandler {
    return async (message) => {
      const id = idIn(idOf, message);
      if (id === undefined) return await handle(message);
      for (let former = this.#handling.get(id); former !== undefined; former = this.#handling.get(id))
        if (await former) return;
      if (this.has(id)) return;
      const handled = (async () => {
        this.#checkWritable();
        await handle(message);
        await this.add(id);
      })();
      this.#handling.set(
        id,
        handled.then(
          () => true,
          () => false,
        ),
      );
      try {
        await handled;
      } catch (error) {
        if (message.qos === 0 || !(error instanceof SeenIdsError)) throw error;
        surface(error);
        // Without an acknowledgement.
        return new Promise(() => {});
      } finally {
        this.#handling.delete(id);
      }
    };
  }

  close(): Promise<void> {
    this.#closed ??= (async () => {
      await this.#writing;
      await this.#file.close();
      await this.#lock.release();
    })();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #checkWritable(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#closed !== undefined)
      throw new SeenIdsError('closed', `Cannot write the seen identifiers ${this.#path}: they are closed`);
  }

  /** Reads the lines. Rejects 'not-ours' for anything else but what a crash may have left behind them. */
  async #load(): Promise<void> {
    const bytes = Buffer.alloc(PIECE_BYTES);
    const read = async (position: number): Promise<string> => {
      const { bytesRead } = await this.#file.read(bytes, 0, PIECE_BYTES, position);
      return bytes.toString('latin1', 0, bytesRead);
    };
    let rest = await read(0);
    for (let lines = this.#take(rest); lines > 0; lines = this.#take(rest)) {
      this.#lines += lines;
      rest = await read(this.#lines * LINE_BYTES);
    }
    if (!isTorn(rest)) throw notOurs(this.#path, this.#lines + 1);
    for (let at = this.#lines * LINE_BYTES + rest.length; rest !== ''; at += rest.length) {
      rest = await read(at);
      if (!/^\0*$/.test(rest)) throw notOurs(this.#path, this.#lines + 1);
    }
  }

  /** Takes the lines at the beginning of a text and returns how many there are. */
  #take(text: string): number {
    let at = 0;
    for (; text[at + LINE_BYTES - 1] === '\n'; at += LINE_BYTES) {
      const line = text.slice(at, at + LINE_BYTES - 1);
      if (!LINE.test(line)) break;
      const hash = line.slice(-HASH_CHARACTERS);
      // Behind all others: a map is in the order in which its keys came.
      this.#seen.delete(hash);
      this.#seen.set(hash, Number(line.slice(0, 10)));
      this.#forget();
    }
    return at / LINE_BYTES;
  }

  /** Lets go of what is older than the window, and of the oldest where there are too many. */
  #forget(): void {
    const endS = Math.floor(Date.now() / 1_000) - this.#windowS;
    for (;;) {
      this.#oldest ??= this.#order.next().value;
      if (this.#oldest === undefined) {
        // It has come to its end, and stays there.
        this.#order = this.#seen.entries();
        return;
      }
      const [hash, addedS] = this.#oldest;
      const isThere = this.#seen.get(hash) === addedS;
      if (isThere && addedS > endS && this.#seen.size <= this.#idsMax) return;
      this.#oldest = undefined;
      if (!isThere) continue;
      if (addedS > endS) this.dropped += 1;
      this.#seen.delete(hash);
    }
  }

  /** What comes while a flush is under way shares the next one. */
  async #write(): Promise<void> {
    try {
      // What is added in the same turn goes together.
      await undefined;
      while (this.#waiting !== '') {
        const text = this.#waiting;
        this.#waiting = '';
        await this.#file.write(text, this.#lines * LINE_BYTES, 'latin1');
        await this.#file.datasync();
        this.#lines += text.length / LINE_BYTES;
        const old = this.#lines - this.#seen.size;
        if (old > OLD_LINES_MIN && old > this.#seen.size) await this.#rewrite();
      }
    } catch (error) {
      this.#failure = this.#failed(error);
    } finally {
      this.#writing = undefined;
    }
  }

  async #rewrite(): Promise<void> {
    // From here on these wait for the new file, which has them.
    this.#waiting = '';
    const path = `${this.#path}.new`;
    await rm(path, { force: true });
    const file = await open(path, 'wx+', OWNER_ONLY);
    let bytes: number;
    try {
      await file.writeFile(piecesOf(this.#seen), 'latin1');
      await file.datasync();
      bytes = (await file.stat()).size;
      await rename(path, this.#path);
      await syncDirectory(this.#path);
    } catch (error) {
      await file.close();
      throw error;
    }
    await this.#file.close();
    this.#file = file;
    this.#lines = bytes / LINE_BYTES;
  }

  #failed(cause: unknown): SeenIdsError {
    return new SeenIdsError('failed', `Cannot write the seen identifiers ${this.#path}: ${textOf(cause)}`, cause);
  }
}

function idIn(idOf: (message: ReceivedMessage) => unknown, message: ReceivedMessage): string | undefined {
  try {
    const id = idOf(message);
    return typeof id === 'string' ? id : undefined;
  } catch {
    return undefined;
  }
}

function hashOf(id: string): string {
  return createHash('sha256').update(id).digest('base64url').slice(0, HASH_CHARACTERS);
}

function lineOf(hash: string, addedS: number): string {
  return `${String(addedS).padStart(10, '0')} ${hash}\n`;
}

/** The lines of all, also of those that come meanwhile. */
function* piecesOf(seen: ReadonlyMap<string, number>): Generator<string, void> {
  let piece = '';
  for (const [hash, addedS] of seen) {
    piece += lineOf(hash, addedS);
    if (piece.length < PIECE_BYTES) continue;
    yield piece;
    piece = '';
  }
  yield piece;
}

/** Whether a crash may have left this: the beginning of a line, and zeros where nothing was written yet. */
function isTorn(text: string): boolean {
  const written = text.replace(/\0+$/, '');
  return LINE.test(written + `${'0'.repeat(10)} ${'A'.repeat(HASH_CHARACTERS)}`.slice(written.length));
}

function notOurs(path: string, line = 1): SeenIdsError {
  const text = `Cannot open the seen identifiers ${path}: line ${line} is none of theirs; move the file away to begin anew`;
  return new SeenIdsError('not-ours', text);
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(dirname(path), 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
