/** What the tool has around it: streams, signals and the process, so that tests can give it others. */

import { localError } from './exit-codes.ts';
import { askSecrets } from './secrets.ts';

/** The world of one run. */
export interface Terminal {
  readonly input: AsyncIterable<Uint8Array>;
  readonly output: NodeJS.WritableStream;
  readonly errors: NodeJS.WritableStream;
  readonly processId: number;
  /** Environment variables. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Calls back on the first SIGINT or SIGTERM; the function returned stops that. */
  onInterrupt(call: () => void): () => void;
  /**
   * Asks a person, one prompt after the other, without showing what is typed. Undefined where the input is no terminal.
   * Rejects with a local error where the person gives up.
   */
  readonly askSecrets?: (prompts: readonly string[]) => Promise<string[]>;
  /**
   * Calls for each key that is pressed, Ctrl-C among them; the function returned stops that. Undefined where the input
   * is no terminal.
   */
  readonly onKey?: (call: (key: string) => void) => () => void;
  /**
   * Settles when readers have taken what was written, or went away: `process.exit` drops the rest. After an interrupt at
   * once, so that a reader who takes nothing cannot keep the process. With the first error of the output, EPIPE among them.
   */
  written(): Promise<NodeJS.ErrnoException | undefined>;
}

/** The real one. */
export function processTerminal(): Terminal {
  const { stdin, stdout, stderr } = process;
  let isInterrupted = false;
  let failure: NodeJS.ErrnoException | undefined;
  stdout.on('error', (error) => {
    failure ??= error;
  });
  stderr.on('error', () => {});
  return {
    written: async () => {
      // A write that failed at once is told of a little later.
      await new Promise((resolve) => setImmediate(resolve));
      if (!isInterrupted) await Promise.all([writtenTo(stdout), writtenTo(stderr)]);
      return failure;
    },
    ...(stdin.isTTY
      ? {
          askSecrets: (prompts: readonly string[]) => askSecrets(stdin, stderr, prompts),
          onKey: (call: (key: string) => void) => keysOf(stdin, call),
        }
      : {}),
    input: stdin,
    output: stdout,
    errors: stderr,
    processId: process.pid,
    environment: process.env,
    onInterrupt: (call) => {
      const interrupt = (): void => {
        isInterrupted = true;
        call();
      };
      process.once('SIGINT', interrupt);
      process.once('SIGTERM', interrupt);
      return () => {
        process.off('SIGINT', interrupt);
        process.off('SIGTERM', interrupt);
      };
    },
  };
}

/** Settles when the stream holds nothing more, or cannot get rid of it. */
function writtenTo(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.writableLength === 0 || stream.destroyed) return resolve();
    stream.once('error', () => resolve());
    stream.write('', () => resolve());
  });
}

/** Calls for each key of a terminal until it is stopped. */
function keysOf(input: NodeJS.ReadStream, call: (key: string) => void): () => void {
  const take = (chunk: Buffer): void => {
    for (const key of chunk.toString()) call(key);
  };
  input.setRawMode(true);
  input.on('data', take);
  return () => {
    input.off('data', take);
    input.setRawMode(false);
    input.pause();
  };
}

/** What to tell where `gone` of an output settled with an error. */
export function outputFailed(error: Error): Error {
  return localError(`Cannot write the output: ${error.message}`);
}

/** What brings in that which is written. */
export interface Source {
  /** The output is full: bring in no more. May be called again while it is held. */
  hold(): void;
  /** It has room again, or nobody reads it any more. */
  release(): void;
}

/**
 * Lines and bytes for whoever reads the output. What is written in one turn leaves together at its end. Nothing is
 * refused: a reader that is slow is heeded by whoever looks at `isFull`, waits for `room`, or is the `source`.
 *
 * When the reader goes away (EPIPE) the rest is dropped and `gone` settles; any other failure of the stream settles
 * `gone` with the error.
 */
export class Output {
  /** Settles when nobody reads any more. */
  readonly gone: Promise<Error | undefined>;
  readonly #stream: NodeJS.WritableStream;
  readonly #source: Source | undefined;
  #waiting: Uint8Array[] = [];
  #isGone = false;
  #room: PromiseWithResolvers<void> | undefined;

  constructor(stream: NodeJS.WritableStream, source?: Source) {
    this.#stream = stream;
    this.#source = source;
    this.gone = new Promise((resolve) => {
      stream.on('error', (error: NodeJS.ErrnoException) => {
        this.#isGone = true;
        this.#roomAgain();
        resolve(error.code === 'EPIPE' ? undefined : error);
      });
    });
    stream.on('drain', () => this.#roomAgain());
  }

  /** The reader is behind: what is written now waits in this process. */
  get isFull(): boolean {
    return this.#room !== undefined;
  }

  /** Settles when the reader is not behind, or nobody reads any more, or the signal comes. */
  async room(signal: AbortSignal): Promise<void> {
    this.flush();
    const room = this.#room;
    if (room === undefined || signal.aborted) return;
    const interrupt = (): void => room.resolve();
    signal.addEventListener('abort', interrupt);
    await room.promise;
    signal.removeEventListener('abort', interrupt);
  }

  write(bytes: string | Uint8Array): void {
    if (this.#isGone) return;
    if (this.#waiting.length === 0) queueMicrotask(() => this.flush());
    this.#waiting.push(typeof bytes === 'string' ? Buffer.from(bytes) : bytes);
  }

  /** Hands everything to the stream now. */
  flush(): void {
    if (this.#waiting.length === 0 || this.#isGone) return;
    const bytes = this.#waiting.length === 1 ? this.#waiting[0] : Buffer.concat(this.#waiting);
    this.#waiting = [];
    if (this.#stream.write(bytes)) return;
    this.#room ??= Promise.withResolvers();
    this.#source?.hold();
  }

  #roomAgain(): void {
    this.#room?.resolve();
    this.#room = undefined;
    this.#source?.release();
  }
}
