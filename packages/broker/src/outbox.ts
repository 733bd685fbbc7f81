/**
 * The outbox of a connection: one buffer, filled during a turn and written once at its end.
 *
 * A buffer comes from the pool with the first byte of a turn and goes back when the wire has taken it, so that an idle
 * connection owns none. While the wire is busy, full buffers wait here.
 */
import type { Wire } from '@dunlin/transport';
import type { Metrics } from './metrics.ts';
import { type Receipt, WrittenReceipts } from './receipt.ts';

/** A turn begins with a small buffer: with a thousand busy connections most write little. */
const SMALL_BYTES = 2 * 1024;
const LARGE_BYTES = 32 * 1024;
/** Buffers of each size that a pool keeps for reuse. */
const SMALL_POOLED = 2048;
const LARGE_POOLED = 128;

/** Buffers of one broker, for its outboxes. */
export class BufferPool {
  readonly #small: Buffer[] = [];
  readonly #large: Buffer[] = [];
  readonly metrics: Metrics;
  /** Bytes that wait in all outboxes for a wire to take them. */
  waitingBytes = 0;
  /** Moves whenever a buffer may have been overwritten: bytes found in an outbox before are then not to be trusted. */
  recycled = 0;

  constructor(metrics: Metrics) {
    this.metrics = metrics;
  }

  /** A buffer of at least `bytes` bytes. */
  take(bytes: number): Buffer {
    if (bytes <= SMALL_BYTES) return this.#small.pop() ?? Buffer.allocUnsafeSlow(SMALL_BYTES);
    if (bytes <= LARGE_BYTES) return this.#large.pop() ?? Buffer.allocUnsafeSlow(LARGE_BYTES);
    return Buffer.allocUnsafeSlow(bytes);
  }

  give(buffer: Buffer): void {
    this.recycled += 1;
    if (buffer.length === SMALL_BYTES && this.#small.length < SMALL_POOLED) this.#small.push(buffer);
    else if (buffer.length === LARGE_BYTES && this.#large.length < LARGE_POOLED) this.#large.push(buffer);
  }
}

export class Outbox {
  readonly #pool: BufferPool;
  readonly #wire: Wire;
  /** Where the next byte goes. Public for the packet writers, which fill what `reserve` gave. */
  buffer: Buffer | undefined = undefined;
  length = 0;
  /** Full buffers that wait for the wire, and buffers lent to it. */
  #waiting: Buffer[] | undefined = undefined;
  #lent: Buffer[] | undefined = undefined;
  #waitingBytes = 0;
  /** Bytes that the wire was given in all. */
  #handedBytes = 0;
  #receipts: WrittenReceipts | undefined = undefined;

  constructor(wire: Wire, pool: BufferPool) {
    this.#wire = wire;
    this.#pool = pool;
  }

  /** Bytes not yet taken by the operating system. */
  get unsentBytes(): number {
    return this.length + this.#waitingBytes + this.#wire.pendingBytes;
  }

  get isBlocked(): boolean {
    return this.#lent !== undefined;
  }

  /** Makes `bytes` bytes free at `buffer[length]`; the caller fills them and adds to `length`. */
  reserve(bytes: number): Buffer {
    const buffer = this.buffer;
    if (buffer !== undefined && this.length + bytes <= buffer.length) return buffer;
    return this.#grow(buffer, bytes);
  }

  #grow(buffer: Buffer | undefined, bytes: number): Buffer {
    if (buffer === undefined) this.buffer = this.#pool.take(bytes);
    else if (buffer.length === SMALL_BYTES && this.length + bytes <= LARGE_BYTES) {
      this.buffer = this.#pool.take(LARGE_BYTES);
      buffer.copy(this.buffer, 0, 0, this.length);
      this.#pool.give(buffer);
    } else {
      this.#retire(buffer);
      this.buffer = this.#pool.take(Math.max(bytes, LARGE_BYTES));
    }
    return this.buffer as Buffer;
  }

  append(bytes: Uint8Array): void {
    const buffer = this.reserve(bytes.length);
    buffer.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** Sends bytes that will never change without copying them. */
  reference(bytes: Buffer): void {
    if (this.buffer !== undefined) this.#retire(this.buffer);
    this.#pool.metrics.bytesSent += bytes.length;
    if (this.#lent !== undefined) this.#wait(bytes);
    else if (!this.#hand(bytes)) this.#lent = [];
  }

  /** Hands what is here to the wire, unless that is still busy: then it goes on filling until `drained`. */
  flush(): void {
    if (this.buffer !== undefined && this.#lent === undefined) this.#retire(this.buffer);
    if (this.#receipts !== undefined) this.#tellReceipts();
  }

  /** The receipt settles when all that was written by now is handed to the wire, or never will be. */
  follow(receipt: Receipt): void {
    this.#receipts ??= new WrittenReceipts();
    this.#receipts.add(receipt, this.#handedBytes + this.#waitingBytes + this.length);
  }

  #tellReceipts(): void {
    if (this.#receipts?.handed(this.#handedBytes) === false) this.#receipts = undefined;
  }

  #hand(bytes: Buffer): boolean {
    this.#handedBytes += bytes.length;
    return this.#wire.write(bytes);
  }

  #retire(buffer: Buffer): void {
    const length = this.length;
    this.#pool.metrics.bytesSent += length;
    this.buffer = undefined;
    this.length = 0;
    if (this.#lent !== undefined) this.#wait(buffer.subarray(0, length));
    else if (length === 0 || this.#hand(buffer.subarray(0, length))) this.#pool.give(buffer);
    else this.#lent = [buffer];
  }

  #wait(bytes: Buffer): void {
    this.#waiting ??= [];
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    this.#pool.waitingBytes += bytes.length;
  }

  /** The wire has taken everything: what waited follows. */
  drained(): void {
    for (const buffer of this.#lent ?? []) this.#pool.give(buffer);
    this.#lent = undefined;
    const waiting = this.#waiting;
    if (waiting !== undefined) {
      this.#forgetWaiting();
      for (const bytes of waiting) {
        if (this.#lent !== undefined) this.#wait(bytes);
        else if (!this.#hand(bytes)) this.#lent = [];
      }
    }
    this.flush();
  }

  /** The wire is about to close: hands it all that is here, busy or not. */
  finish(): void {
    this.flush();
    if (this.buffer !== undefined) this.#retire(this.buffer);
    for (const bytes of this.#waiting ?? []) this.#hand(bytes);
    this.#forgetWaiting();
    this.#tellReceipts();
  }

  /** The connection is gone: what was not sent is dropped. Buffers lent to the wire are left to it. */
  drop(): void {
    if (this.buffer !== undefined) this.#pool.give(this.buffer);
    this.buffer = undefined;
    this.length = 0;
    this.#forgetWaiting();
    this.#lent = undefined;
    this.#receipts?.lose();
    this.#receipts = undefined;
  }

  #forgetWaiting(): void {
    this.#waiting = undefined;
    this.#pool.waitingBytes -= this.#waitingBytes;
    this.#waitingBytes = 0;
  }
}
