/** Cuts a stream of bytes into lines. */

import { localError } from './exit-codes.ts';

/** The longest packet there is: no payload can be longer (section 2.1.4). */
export const PAYLOAD_BYTES_MAX = 268_435_455;
const NEWLINE = 0x0a;

/**
 * The lines of the input without their newline, as bytes which nobody writes to again; the last one needs no newline.
 *
 * Ends early, without an error, when the signal says so. Throws a local error for a line that no packet can hold.
 */
export async function* readLines(input: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  let rest: Uint8Array[] = [];
  let restBytes = 0;
  for await (const chunk of until(input, signal)) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      yield rest.length === 0 ? chunk.subarray(start, end) : Buffer.concat([...rest, chunk.subarray(start, end)]);
      rest = [];
      restBytes = 0;
      start = end + 1;
    }
    if (start === chunk.length) continue;
    rest.push(chunk.subarray(start));
    restBytes += chunk.length - start;
    if (restBytes > PAYLOAD_BYTES_MAX)
      throw localError(`Cannot read a line: it is longer than ${PAYLOAD_BYTES_MAX} bytes, the most of a packet`);
  }
  if (rest.length > 0 && !signal.aborted) yield Buffer.concat(rest);
}

/** The input until it ends or the signal comes, even while a read is waiting. */
export async function* until(input: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const stopped = new Promise<undefined>((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
  const reader = input[Symbol.asyncIterator]();
  for (;;) {
    const read = await Promise.race([reader.next(), stopped]);
    if (read === undefined || read.done) return;
    yield read.value;
  }
}
