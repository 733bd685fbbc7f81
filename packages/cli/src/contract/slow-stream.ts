/** An output for tests whose reader takes nothing until the test says so. */

import { Writable } from 'node:stream';

export interface SlowStream {
  readonly stream: Writable;
  /** What the reader was given, also what it has not taken yet. */
  readonly chunks: Buffer[];
  /** From now on the reader takes everything. */
  read(): void;
}

/** Full with its first byte. */
export function slowStream(): SlowStream {
  const chunks: Buffer[] = [];
  const reading = Promise.withResolvers<void>();
  const stream = new Writable({
    highWaterMark: 1,
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push(chunk);
      reading.promise.then(() => done());
    },
  });
  return { stream, chunks, read: reading.resolve };
}
