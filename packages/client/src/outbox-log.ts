/**
 * The file of an outbox: a head, then frames, each the batches of one flush.
 *
 *     head    magic (8 bytes)  version u32  mark (8 random bytes)  CRC-32 u32 of what is before it
 *     frame   mark (8 bytes)  length u32  CRC-32 u32 of length and body  body[length]
 *
 * A frame is written only when the one before it was flushed. So a frame that cannot be read and has no other behind it
 * is a write that a crash cut short: nobody was told that it is kept, and it is cut off. With another behind it, it was
 * kept and has been damaged since. Frames are looked for by the mark, which nobody outside knows and which is another
 * one in every file: no payload looks like a frame, and no page that an older file left on the device does.
 */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { keepToOwner } from './file-lock.ts';
import type { OperationWriter } from './outbox-operations.ts';
import { OutboxError } from './outbox-store.ts';

/** Room for what stands before the body of a frame. */
export const FRAME_HEAD_BYTES = 16;
/** Bytes of a file without a frame. */
export const HEAD_BYTES = 24;

const MAGIC = Buffer.from('dunlinOB', 'latin1');
const VERSION = 1;
const VERSION_AT = 8;
const MARK_AT = 12;
const MARK_BYTES = 8;
const HEAD_CRC_AT = 20;
const LENGTH_AT = 8;
const CRC_AT = 12;
/** One read, where what is wanted is not longer. */
const READ_BYTES = 262_144;
const OWNER_ONLY = 0o600;

/** The body of a frame and where it stands in the file; the bytes are never written to again. */
export interface Frame {
  readonly at: number;
  readonly body: Uint8Array;
}

export class OutboxLog {
  /** Where the next frame goes: the bytes that are in use. */
  end: number;
  /** Where the last whole frame ends, once `frames` has come to it. */
  wholeEnd = HEAD_BYTES;
  #path: string;
  readonly #file: FileHandle;
  readonly #mark: Buffer;

  private constructor(path: string, file: FileHandle, mark: Buffer, end: number) {
    this.#path = path;
    this.#file = file;
    this.#mark = mark;
    this.end = end;
  }

  /**
   * Opens a file, undefined where there is none or an empty one. Read its `frames` and `cut` it before the first `add`.
   *
   * Rejects `not-ours`, `newer-format` and `damaged`, else with the system's error.
   */
  static async open(path: string): Promise<OutboxLog | undefined> {
    // Without O_NONBLOCK a named pipe at this place would keep the thread that opens it.
    const file = await open(path, constants.O_RDWR | constants.O_NONBLOCK).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      if (error.code === 'EISDIR') throw notOurs(path);
      throw error;
    });
    if (file === undefined) return undefined;
    try {
      const status = await file.stat();
      if (!status.isFile()) throw notOurs(path);
      if (status.size > 0 && status.size < HEAD_BYTES) throw notOurs(path);
      if (status.size > 0) {
        const mark = await readHead(path, file);
        await keepToOwner(file, status.mode);
        return new OutboxLog(path, file, mark, status.size);
      }
    } catch (error) {
      await file.close();
      throw error;
    }
    await file.close();
    return undefined;
  }

  /** Makes a file that only its owner may read, in place of what stands there; nothing of it is flushed yet. */
  static async create(path: string): Promise<OutboxLog> {
    await rm(path, { force: true });
    const file = await open(path, 'wx+', OWNER_ONLY);
    const head = Buffer.alloc(HEAD_BYTES);
    const mark = randomBytes(MARK_BYTES);
    head.set(MAGIC);
    head.writeUInt32BE(VERSION, VERSION_AT);
    head.set(mark, MARK_AT);
    head.writeUInt32BE(crc32(head.subarray(0, HEAD_CRC_AT)), HEAD_CRC_AT);
    const log = new OutboxLog(path, file, mark, 0);
    try {
      await log.#write(head);
    } catch (error) {
      await log.discard();
      throw error;
    }
    return log;
  }

  /**
   * Every whole frame; the rest, where a crash left one, is what is between `wholeEnd` and `end`. Rejects `damaged` where
   * it is more than that.
   */
  async *frames(): AsyncGenerator<Frame, void, void> {
    const size = this.end;
    let at = HEAD_BYTES;
    let window: Buffer = Buffer.alloc(0);
    let windowAt = at;
    const read = async (from: number, length: number): Promise<Buffer> => {
      if (from + length > windowAt + window.length) {
        window = await this.#read(from, Math.min(Math.max(length, READ_BYTES), size - from));
        windowAt = from;
      }
      return window.subarray(from - windowAt, from - windowAt + length);
    };
    while (at < size) {
      const head = await read(at, Math.min(FRAME_HEAD_BYTES, size - at));
      const bodyAt = at + FRAME_HEAD_BYTES;
      const isFrame = head.length === FRAME_HEAD_BYTES && this.#mark.equals(head.subarray(0, MARK_BYTES));
      const length = isFrame ? head.readUInt32BE(LENGTH_AT) : Infinity;
      const body = bodyAt + length > size ? undefined : await read(bodyAt, length);
      if (body === undefined || head.readUInt32BE(CRC_AT) !== checksum(head, body)) {
        await this.#assertLast(at, size);
        break;
      }
      yield { at: bodyAt, body };
      at = bodyAt + length;
    }
    this.wholeEnd = at;
  }

  /** Takes away what stands behind `end`, which becomes the end; settles when that survives a power cut. */
  async cut(end: number): Promise<void> {
    await this.#file.truncate(end);
    await this.#file.sync();
    this.end = end;
  }

  /** Writes the operations as a frame, without a flush. Rejects with the system's error; `end` is then as before. */
  async add(operations: OperationWriter): Promise<void> {
    const frame = Buffer.from(operations.bytes.buffer, 0, operations.end);
    frame.set(this.#mark);
    frame.writeUInt32BE(frame.length - FRAME_HEAD_BYTES, LENGTH_AT);
    frame.writeUInt32BE(checksum(frame, frame.subarray(FRAME_HEAD_BYTES)), CRC_AT);
    await this.#write(frame);
  }

  /** All that was added survives a power cut when this settles. */
  async flush(): Promise<void> {
    await this.#file.datasync();
  }

  /** Takes the name `path`, in place of what has it; settles when that survives a power cut. */
  async takeName(path: string): Promise<void> {
    await rename(this.#path, path);
    this.#path = path;
    const directory = await open(dirname(path), 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  /** Closes and deletes a file that has not taken its name. */
  async discard(): Promise<void> {
    await this.#file.close();
    await rm(this.#path, { force: true });
  }

  async #write(bytes: Buffer): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await this.#file.write(bytes, done, bytes.length - done, this.end + done);
      done += bytesWritten;
    }
    this.end += bytes.length;
  }

  async #read(from: number, length: number): Promise<Buffer> {
    return readFully(this.#file, from, length);
  }

  /** @throws OutboxError 'damaged' where a frame begins behind `at` */
  async #assertLast(at: number, size: number): Promise<void> {
    // Pieces overlap by all but one byte of a mark.
    for (let from = at + 1; from < size; from += READ_BYTES) {
      const length = Math.min(READ_BYTES + MARK_BYTES - 1, size - from);
      if ((await this.#read(from, length)).includes(this.#mark)) throw damaged(this.#path, at);
    }
  }
}

/** The error of a file whose frame at `at` cannot be read. */
export function damaged(path: string, at: number, cause?: unknown): OutboxError {
  const remedy = `move the file away to begin with an empty outbox, or cut it there (truncate -s ${at}) to go on from what was written before: what came later is then lost or sent again`;
  return new OutboxError(
    'damaged',
    `Cannot open the outbox ${path}: the frame at byte ${at} is damaged; ${remedy}`,
    cause,
  );
}

function notOurs(path: string): OutboxError {
  return new OutboxError(
    'not-ours',
    `Cannot open the outbox ${path}: it is something else; the file of an outbox or a free name is expected`,
  );
}

async function readHead(path: string, file: FileHandle): Promise<Buffer> {
  const head = await readFully(file, 0, HEAD_BYTES);
  if (!head.subarray(0, MAGIC.length).equals(MAGIC)) throw notOurs(path);
  if (crc32(head.subarray(0, HEAD_CRC_AT)) !== head.readUInt32BE(HEAD_CRC_AT)) {
    throw new OutboxError(
      'damaged',
      `Cannot open the outbox ${path}: its head (the first ${HEAD_BYTES} bytes) is damaged; move the file away to begin with an empty outbox`,
    );
  }
  const version = head.readUInt32BE(VERSION_AT);
  if (version !== VERSION) {
    throw new OutboxError(
      'newer-format',
      `Cannot open the outbox ${path}: it has format ${version}, ${VERSION} is expected; use the version of @dunlin/client that wrote it, or a newer one`,
    );
  }
  return head.subarray(MARK_AT, MARK_AT + MARK_BYTES);
}

async function readFully(file: FileHandle, from: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(length);
  for (let done = 0; done < length; ) {
    const { bytesRead } = await file.read(bytes, done, length - done, from + done);
    if (bytesRead === 0) throw new Error(`the file ends at byte ${from + done}, ${from + length} is expected`);
    done += bytesRead;
  }
  return bytes;
}

/** Of the length and the body. */
function checksum(head: Buffer, body: Buffer): number {
  return crc32(body, crc32(head.subarray(LENGTH_AT, CRC_AT)));
}
