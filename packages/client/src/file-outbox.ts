/** An outbox store in one file, for Node: who may open it, and what its errors say; `outbox-file.ts` reads and writes. */
import { basename, dirname, join, resolve } from 'node:path';
import { existingPath, FileLock } from './file-lock.ts';
import { OutboxFile } from './outbox-file.ts';
import { type OutboxBatch, type OutboxContents, OutboxError, type OutboxStore } from './outbox-store.ts';

/** What may be set of the store in a file. */
export interface FileOutboxOptions {
  /** Milliseconds in which another owner may let go before `open` rejects `held`; default 1000. */
  readonly heldTimeoutMs?: number | undefined;
  /**
   * Bytes about messages that are gone up to which the file is left as it is; default 1048576. Above it the file is
   * written anew as soon as they are more than those about messages that are kept.
   */
  readonly deadBytesMin?: number | undefined;
}

const HELD_TIMEOUT_MS = 1_000;
const DEAD_BYTES_MIN = 1_048_576;

interface Owned {
  readonly lock: FileLock;
  readonly file: OutboxFile;
}

/**
 * A store in the file at `path`, which is made where there is none and which only its owner may read (mode 0600).
 *
 * Its directory must exist and be on a local disk. The lock is a Unix socket beside the file and goes with its process,
 * so a crash leaves nothing to clear away. Node on Linux and other systems with Unix sockets, not on Windows.
 *
 * Memory: an index of some 150 bytes a record while it is open, and while it reads or writes some MiB or twice the
 * largest batch. Disk: twice what is kept or what is kept and `deadBytesMin`, whichever is more; and what is kept once
 * more while the file is written anew.
 */
export function fileOutbox(path: string, options: FileOutboxOptions = {}): OutboxStore {
  return new FileOutbox(resolve(path), options);
}

class FileOutbox implements OutboxStore {
  readonly #path: string;
  readonly #options: FileOutboxOptions;
  #owned: Owned | undefined;
  /** From the call of `open` until it has failed or `close` is through. */
  #opening: Promise<OutboxContents> | undefined;
  #closing: Promise<void> | undefined;

  constructor(path: string, options: FileOutboxOptions) {
    this.#path = path;
    this.#options = options;
  }

  async open(): Promise<OutboxContents> {
    if (this.#opening !== undefined) throw new OutboxError('held', this.#cannotOpen('it is open; close it first'));
    this.#opening = this.#take();
    try {
      return await this.#opening;
    } catch (error) {
      this.#opening = undefined;
      throw error instanceof OutboxError ? error : new OutboxError('failed', this.#cannotOpen(textOf(error)), error);
    }
  }

  write(batch: OutboxBatch): Promise<void> {
    if (this.#owned !== undefined) return this.#owned.file.write(batch);
    return Promise.reject(new OutboxError('closed', `Cannot write to the outbox ${this.#path}: it is not open`));
  }

  close(): Promise<void> {
    this.#closing ??= this.#letGo();
    return this.#closing;
  }

  async #take(): Promise<OutboxContents> {
    const path = await this.#realPath();
    const lock = await FileLock.acquire(path, this.#options.heldTimeoutMs ?? HELD_TIMEOUT_MS);
    try {
      const { file, contents } = await OutboxFile.open(path, this.#options.deadBytesMin ?? DEAD_BYTES_MIN);
      this.#owned = { lock, file };
      return contents;
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  async #letGo(): Promise<void> {
    // An open store takes no more writes from the moment of the call.
    if (this.#owned === undefined) await this.#opening?.catch(() => undefined);
    const owned = this.#owned;
    this.#owned = undefined;
    await owned?.file.close();
    await owned?.lock.release();
    this.#opening = undefined;
    this.#closing = undefined;
  }

  /** The path with symbolic links followed, so that every name of the file leads to the same lock. */
  async #realPath(): Promise<string> {
    if (process.platform === 'win32') throw new Error('a system with Unix sockets is expected, found Windows');
    return (await existingPath(this.#path)) ?? join(await this.#realDirectory(), basename(this.#path));
  }

  async #realDirectory(): Promise<string> {
    const directory = await existingPath(dirname(this.#path));
    if (directory !== undefined) return directory;
    throw new OutboxError('no-directory', this.#cannotOpen('its directory does not exist; make it first'));
  }

  #cannotOpen(why: string): string {
    return `Cannot open the outbox ${this.#path}: ${why}`;
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
