/** The one payload of `dunlin pub`: from the command line, a file, a pipe or standard input, and never without a bound. */

import { closeSync, constants, createReadStream, openSync, type ReadStream, statSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { localError } from './exit-codes.ts';
import { PAYLOAD_BYTES_MAX, until } from './lines.ts';
import type { PayloadSource } from './pub-flags.ts';
import { systemReason } from './system-reason.ts';

const CHUNK_BYTES = 1024 * 1024;
const LOOK_EVERY_MS = 10;

/**
 * Reads the payload, or returns undefined where each line of the input is one. When the signal comes it ends early with
 * what there was so far: the caller looks at the signal. Rejects with a local error.
 */
export async function readPayload(
  source: PayloadSource,
  input: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  switch (source.kind) {
    case 'text':
      return Buffer.from(source.text);
    case 'empty':
      return new Uint8Array(0);
    case 'lines':
      return undefined;
    case 'stdin':
      return allOf(until(input, signal), 'standard input');
    case 'file':
      return allOf(chunksOf(source.path, signal), `"${source.path}"`);
  }
}

async function allOf(input: AsyncIterable<Uint8Array>, name: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of input) {
    length += chunk.length;
    if (length > PAYLOAD_BYTES_MAX)
      throw localError(
        `Cannot read the payload from ${name}: it is longer than ${PAYLOAD_BYTES_MAX} bytes, the most of a packet`,
      );
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

/** The file in pieces, whatever it is: pipes and devices have no size to ask for. */
async function* chunksOf(path: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const stream = createReadStream(path, { highWaterMark: CHUNK_BYTES });
  try {
    yield* until(stream, signal);
  } catch (error) {
    throw localError(`Cannot read the payload from "${path}": ${systemReason(error)}`);
  } finally {
    stream.destroy();
    if (signal.aborted) await opened(stream, path);
  }
}

/**
 * Opening a named pipe waits for its writer in a thread of Node, and the end of the process waits for the thread: being
 * the writer for a moment lets it go.
 */
async function opened(stream: ReadStream, path: string): Promise<void> {
  while (stream.pending && !stream.closed && isPipe(path)) {
    try {
      closeSync(openSync(path, constants.O_WRONLY | constants.O_NONBLOCK));
    } catch {
      // Nobody waits there yet.
    }
    await wait(LOOK_EVERY_MS);
  }
}

function isPipe(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFIFO() === true;
}
