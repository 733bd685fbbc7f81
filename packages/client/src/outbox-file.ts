/**
 * The open file of an outbox: what it holds, group commit, and writing it anew.
 *
 * Batches that come while a flush is under way wait for the next one and share it, so that many of them cost as little
 * as one. When more of the file is about messages that are gone than about those that are kept, the latter are copied
 * into a new file, which takes the name of the old one when it is whole and flushed.
 */
import { rm } from 'node:fs/promises';
import { type IndexEntry, OutboxIndex } from './outbox-index.ts';
import { damaged, FRAME_HEAD_BYTES, type Frame, HEAD_BYTES, OutboxLog } from './outbox-log.ts';
import { type OperationVisitor, OperationWriter, readOperations, recordOf } from './outbox-operations.ts';
import { type OutboxBatch, type OutboxContents, OutboxError } from './outbox-store.ts';

interface WaitingWrite {
  readonly batch: OutboxBatch;
  readonly resolve: () => void;
  readonly reject: (error: OutboxError) => void;
}

/** Up to here batches share a frame; one that is larger has its own. Bounds the memory of writing and reading. */
const GROUP_BYTES_MAX = 1_048_576;
/** Ends the name of a file that is being written anew; what is left under it was never used. */
const UNREADY = '.new';
const NO_ROOM = ['ENOSPC', 'EDQUOT', 'EFBIG'];

export class OutboxFile {
  readonly #path: string;
  #log: OutboxLog;
  readonly #index = new OutboxIndex();
  /** Dead bytes up to which the file is left as it is. */
  #deadBytesMin: number;
  /** Why nothing more can be written. */
  #failure: OutboxError | undefined;
  #waiting: WaitingWrite[] = [];
  #writing: Promise<void> | undefined;
  readonly #operations = new OperationWriter(FRAME_HEAD_BYTES);

  private constructor(path: string, log: OutboxLog, deadBytesMin: number) {
    this.#path = path;
    this.#log = log;
    this.#deadBytesMin = deadBytesMin;
  }

  /** Opens or makes the file, which nobody else may do at that time. Rejects as `OutboxLog.open` does, and `damaged`. */
  static async open(path: string, deadBytesMin: number): Promise<{ file: OutboxFile; contents: OutboxContents }> {
    await rm(path + UNREADY, { force: true });
    const log = (await OutboxLog.open(path)) ?? (await emptyLog(path));
    try {
      const file = new OutboxFile(path, log, deadBytesMin);
      return { file, contents: await file.#replay() };
    } catch (error) {
      await log.close();
      throw error;
    }
  }

  /** As `OutboxStore.write`. */
  write(batch: OutboxBatch): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ batch, resolve, reject });
      this.#writing ??= this.#writeWaiting();
    });
  }

  /** Waits for what is being written. */
  async close(): Promise<void> {
    await this.#writing;
    // All that counts was flushed, so an error of closing costs nothing.
    await this.#log.close().catch(() => undefined);
  }

  /** Reads the file and cuts off what a crash left unfinished. */
  async #replay(): Promise<OutboxContents> {
    /** The puts of the living alone, copied: a view would keep all that was read with it. */
    const puts = new Map<number, Uint8Array>();
    for await (const frame of this.#log.frames()) {
      this.#tell(frame, {
        put: (sequence, progress, start, putEnd) => {
          puts.set(sequence, new Uint8Array(frame.body.subarray(start, putEnd)));
          this.#index.set(sequence, { at: frame.at + start, length: putEnd - start, ...progress });
        },
        move: (sequence, progress) => {
          const entry = this.#index.get(sequence);
          if (entry === undefined) throw new RangeError(`There is no record ${sequence}`);
          this.#index.set(sequence, { ...entry, ...progress });
        },
        remove: (sequence) => {
          puts.delete(sequence);
          this.#index.set(sequence, undefined);
        },
        clientId: (clientId) => {
          this.#index.clientId = clientId;
        },
      });
      this.#index.settle();
    }
    if (this.#log.wholeEnd < this.#log.end) await this.#log.cut(this.#log.wholeEnd);
    const records = [...puts].map(([sequence, put]) => {
      const entry = this.#index.get(sequence) as IndexEntry;
      return this.#sane(entry.at, () => recordOf(put, entry));
    });
    return { clientId: this.#index.clientId, records: records.sort((a, b) => a.sequence - b.sequence) };
  }

  #tell(frame: Frame, visitor: OperationVisitor): void {
    this.#sane(frame.at - FRAME_HEAD_BYTES, () => readOperations(frame.body, visitor));
  }

  /** What is whole and makes no sense is damaged too. */
  #sane<T>(at: number, read: () => T): T {
    try {
      return read();
    } catch (error) {
      throw damaged(this.#path, at, error);
    }
  }

  async #writeWaiting(): Promise<void> {
    // What is written in the same turn goes together.
    await undefined;
    while (this.#waiting.length > 0) {
      await this.#writeGroup();
      if (this.#failure !== undefined) continue;
      const deadBytes = this.#log.end - HEAD_BYTES - this.#index.livingBytes;
      if (deadBytes > this.#deadBytesMin && deadBytes > this.#index.livingBytes) await this.#compact(deadBytes);
    }
    this.#writing = undefined;
  }

  /** Writes and flushes one frame with as many waiting batches as share one, and settles them. */
  async #writeGroup(): Promise<void> {
    const group: WaitingWrite[] = [];
    const before = this.#index.point();
    let taken = 0;
    for (; taken < this.#waiting.length && this.#operations.end < GROUP_BYTES_MAX; taken++) {
      const write = this.#waiting[taken];
      const error = this.#failure ?? this.#encode(write.batch);
      if (error === undefined) group.push(write);
      else write.reject(error);
    }
    this.#waiting.splice(0, taken);
    const error = this.#operations.isEmpty ? undefined : await this.#append();
    this.#operations.clear();
    if (error === undefined) this.#index.settle();
    else this.#index.rollBack(before);
    for (const { resolve, reject } of group) {
      if (error === undefined) resolve();
      else reject(error);
    }
  }

  /** Adds a batch to the frame and to the index, or neither and returns why. */
  #encode({ clientId, put, remove }: OutboxBatch): OutboxError | undefined {
    const operations = this.#operations;
    const index = this.#index;
    const start = operations.end;
    const before = index.point();
    try {
      if (clientId !== undefined) {
        operations.clientId(clientId);
        index.clientId = clientId;
      }
      for (const record of put) {
        const { sequence, packetId, state } = record;
        const entry = index.get(sequence);
        const at = this.#log.end + operations.end;
        if (entry === undefined) index.set(sequence, { at, length: operations.put(record), packetId, state });
        else {
          operations.move(sequence, record);
          index.set(sequence, { ...entry, packetId, state });
        }
      }
      for (const sequence of remove) {
        if (index.get(sequence) === undefined) continue;
        operations.remove(sequence);
        index.set(sequence, undefined);
      }
      return undefined;
    } catch (error) {
      operations.end = start;
      index.rollBack(before);
      return new OutboxError('invalid', `Cannot write to the outbox ${this.#path}: ${textOf(error)}`, error);
    }
  }

  /** Why the frame is not durable. What can be taken back is: then the next write may succeed. */
  async #append(): Promise<OutboxError | undefined> {
    try {
      await this.#log.add(this.#operations);
    } catch (error) {
      const isFull = NO_ROOM.includes((error as NodeJS.ErrnoException).code ?? '');
      const isCut = await this.#log.cut(this.#log.end).then(
        () => true,
        () => false,
      );
      if (!isFull || !isCut) return this.#fail(error);
      const text = `Cannot write to the outbox ${this.#path}: there is no room for it; make some, then write again`;
      return new OutboxError('full', text, error);
    }
    try {
      await this.#log.flush();
    } catch (error) {
      // Whether it is on the device nobody can say: after a flush has failed, a second one may succeed without it.
      return this.#fail(error);
    }
    return undefined;
  }

  #fail(error: unknown): OutboxError {
    const text = `Cannot write to the outbox ${this.#path}: ${textOf(error)}; close it, mend the device and open it again`;
    this.#failure = new OutboxError('failed', text, error);
    return this.#failure;
  }

  /** Writes the living records into a new file. Where there is no room for it, the old one serves on. */
  async #compact(deadBytes: number): Promise<void> {
    let log: OutboxLog | undefined;
    const entries: Parameters<OutboxIndex['set']>[] = [];
    try {
      log = await OutboxLog.create(this.#path + UNREADY);
      await this.#copyLiving(log, (sequence, entry) => entries.push([sequence, entry]));
      await log.flush();
    } catch {
      await log?.discard().catch(() => undefined);
      this.#deadBytesMin = 2 * deadBytes;
      return;
    }
    try {
      await log.takeName(this.#path);
    } catch (error) {
      // Which of the two files has the name after a power cut nobody can say.
      this.#fail(error);
      await log.close().catch(() => undefined);
      return;
    }
    for (const entry of entries) this.#index.set(...entry);
    this.#index.settle();
    await this.#log.close().catch(() => undefined);
    this.#log = log;
  }

  /** Copies the records, by `moved` saying where to. */
  async #copyLiving(log: OutboxLog, moved: OutboxIndex['set']): Promise<void> {
    const operations = this.#operations;
    try {
      if (this.#index.clientId !== undefined) operations.clientId(this.#index.clientId);
      for await (const frame of this.#log.frames()) {
        this.#tell(frame, {
          put: (sequence, _progress, start, end) => {
            const entry = this.#index.get(sequence);
            if (entry?.at !== frame.at + start) return;
            moved(sequence, { ...entry, at: log.end + operations.end });
            operations.copyPut(frame.body.subarray(start, end), entry);
          },
          move() {},
          remove() {},
          clientId() {},
        });
        if (operations.end < GROUP_BYTES_MAX) continue;
        await log.add(operations);
        operations.clear();
      }
      if (this.#log.wholeEnd < this.#log.end) throw damaged(this.#path, this.#log.wholeEnd);
      if (!operations.isEmpty) await log.add(operations);
    } finally {
      operations.clear();
    }
  }
}

async function emptyLog(path: string): Promise<OutboxLog> {
  const log = await OutboxLog.create(path + UNREADY);
  try {
    await log.flush();
    await log.takeName(path);
  } catch (error) {
    await log.discard();
    throw error;
  }
  return log;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
