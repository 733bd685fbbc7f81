/** A terminal for tests: what the tool writes is kept, what it reads and when it is interrupted the test decides. */

import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { Terminal } from '../terminal.ts';

/** A test that waits this long for output has failed. */
const PATIENCE_MS = 10_000;

/** A stream that keeps what is written; `break` makes it fail like a pipe whose reader went away. */
class RecordedStream extends EventEmitter {
  #chunks: Buffer[] = [];

  write(chunk: string | Uint8Array): boolean {
    this.#chunks.push(Buffer.from(chunk as Uint8Array));
    this.emit('written');
    return true;
  }

  /** Put together only when somebody looks: ten thousand lines are written one by one. */
  get bytes(): Buffer {
    if (this.#chunks.length !== 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0];
  }

  get text(): string {
    return this.bytes.toString();
  }
}

/** The recording. */
export class RecordedTerminal implements Terminal {
  readonly processId = 4711;
  readonly environment: Record<string, string> = {};
  readonly input: AsyncIterable<Uint8Array>;
  readonly #output = new RecordedStream();
  readonly #errors = new RecordedStream();
  #interrupt: (() => void) | undefined;
  #failure: Error | undefined;

  constructor(input: readonly (string | Uint8Array)[] | AsyncIterable<Uint8Array> = []) {
    this.#output.on('error', (error) => {
      this.#failure ??= error;
    });
    this.input =
      Symbol.asyncIterator in input
        ? input
        : (async function* () {
            for (const chunk of input) yield Buffer.from(chunk as Uint8Array);
          })();
  }

  get output(): NodeJS.WritableStream {
    return this.#output as unknown as NodeJS.WritableStream;
  }

  get errors(): NodeJS.WritableStream {
    return this.#errors as unknown as NodeJS.WritableStream;
  }

  get out(): string {
    return this.#output.text;
  }

  get outBytes(): Buffer {
    return this.#output.bytes;
  }

  get err(): string {
    return this.#errors.text;
  }

  onInterrupt(call: () => void): () => void {
    this.#interrupt = call;
    return () => {
      this.#interrupt = undefined;
    };
  }

  async written(): Promise<Error | undefined> {
    return this.#failure;
  }

  /** As Ctrl-C. */
  interrupt(): void {
    this.#interrupt?.();
  }

  /** The output's reader goes away, or the disk is full. */
  breakOutput(code = 'EPIPE'): void {
    this.#output.emit('error', Object.assign(new Error(`write ${code}`), { code }));
  }

  /** Waits until the output or the errors hold the text. */
  async shows(text: string): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    while (!this.out.includes(text) && !this.err.includes(text)) {
      assert.ok(performance.now() < deadline, `waited for "${text}", found "${this.out}" and "${this.err}"`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}
