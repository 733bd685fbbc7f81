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
}

/** The real one. */
export function processTerminal(): Terminal {
  const { stdin, stderr } = process;
  return {
    ...(stdin.isTTY
      ? {
          askSecrets: (prompts: readonly string[]) => askSecrets(stdin, stderr, prompts),
          onKey: (call: (key: string) => void) => keysOf(stdin, call),
        }
      : {}),
    input: stdin,
    output: process.stdout,
    errors: stderr,
    processId: process.pid,
    environment: process.env,
    onInterrupt: (call) => {
      process.once('SIGINT', call);
      process.once('SIGTERM', call);
      return () => {
        process.off('SIGINT', call);
        process.off('SIGTERM', call);
      };
    },
  };
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

/**
 * Lines and bytes for whoever reads the output. What is written in one turn leaves together at its end.
 *
 * When the reader goes away (EPIPE) the rest is dropped and `gone` settles; any other failure of the stream settles
 * `gone` with the error.
 */
export class Output {
  /** Settles when nobody reads any more. */
  readonly gone: Promise<Error | undefined>;
  readonly #stream: NodeJS.WritableStream;
  #waiting: Uint8Array[] = [];
  #isGone = false;

  constructor(stream: NodeJS.WritableStream) {
    this.#stream = stream;
    this.gone = new Promise((resolve) => {
      stream.on('error', (error: NodeJS.ErrnoException) => {
        this.#isGone = true;
        resolve(error.code === 'EPIPE' ? undefined : error);
      });
    });
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
    this.#stream.write(bytes);
  }
}
