/**
 * Room for the values of a transaction. LMDB's writer thread reads values where they stand until the transaction is
 * over, so they are written one behind the other into a few large chunks, which are used again afterwards.
 */

const CHUNK_BYTES = 256 * 1024;
/** Chunks that wait for the next transaction at the most. */
const SPARE_MAX = 4;

/** One chunk, and in `start` and `end` the value in it that is being given to LMDB. */
export class Chunk {
  readonly bytes: Buffer;
  /** Under this name lmdb looks for what a value lies in; see `database.ts`. */
  readonly buffer: ArrayBufferLike;
  /** Where it lies in memory; lmdb looks it up once and keeps it here. */
  address: number | undefined = undefined;
  start = 0;
  end = 0;
  /** Bytes in use. */
  used = 0;

  constructor(bytes: number) {
    // Not from Node's pool, where it would begin somewhere inside the buffer.
    this.bytes = Buffer.allocUnsafeSlow(bytes);
    this.buffer = this.bytes.buffer;
  }
}

/** The chunks of one transaction. */
export interface Values {
  /** A chunk with so many bytes free behind `used`. Whoever writes there sets `start`, `end` and `used`. */
  room(bytes: number): Chunk;
}

/** Hands out chunks to transactions and takes them back. */
export class ChunkPool {
  readonly #spare: Chunk[] = [];

  /** Room for one transaction; `release` must be called once it is over, and only then. */
  open(): Values & { release(): void } {
    const chunks: Chunk[] = [];
    let current: Chunk | undefined;
    return {
      room: (bytes) => {
        if (current !== undefined && current.bytes.length - current.used >= bytes) return current;
        const chunk = bytes > CHUNK_BYTES ? new Chunk(bytes) : (this.#spare.pop() ?? new Chunk(CHUNK_BYTES));
        chunks.push(chunk);
        // What is too large for a chunk gets its own; the next small value goes on where the last one ended.
        if (bytes <= CHUNK_BYTES) current = chunk;
        return chunk;
      },
      release: () => {
        for (const chunk of chunks) {
          if (chunk.bytes.length !== CHUNK_BYTES || this.#spare.length >= SPARE_MAX) continue;
          chunk.used = 0;
          this.#spare.push(chunk);
        }
        chunks.length = 0;
        current = undefined;
      },
    };
  }
}
