/** Writes log lines to a stream that may be slow or gone: what waits is bounded, and what was dropped is told. */
import type { Writable } from 'node:stream';
import type { LogLine } from './log-destination.ts';

/** Lines wait here while a disk or a reader is slow. */
const waitingBytesMax = 4 * 1024 * 1024;

export class BoundedWriter {
  readonly #asText: (line: LogLine) => string;
  #stream: Writable;
  #dropped = 0;

  /** `asText` gives a line its line break. Errors of the stream are those of whoever opened it. */
  constructor(stream: Writable, asText: (line: LogLine) => string) {
    this.#asText = asText;
    this.#stream = stream;
    this.#listen();
  }

  get stream(): Writable {
    return this.#stream;
  }

  /** Another one takes what comes from now on. */
  set stream(next: Writable) {
    this.#stream = next;
    this.#listen();
  }

  /** Never throws and never waits: what there is no room for is dropped, and its number told when there is again. */
  write(lines: readonly LogLine[]): void {
    const { destroyed, writableEnded, writableLength } = this.#stream;
    if (destroyed || writableEnded || writableLength > waitingBytesMax) {
      this.#dropped += lines.length;
      return;
    }
    const text = [...this.#droppedLines(), ...lines].map(this.#asText).join('');
    if (text !== '') this.#stream.write(text);
  }

  #listen(): void {
    const stream = this.#stream;
    // Nothing else may come for long.
    stream.on('drain', () => {
      if (stream === this.#stream) this.write([]);
    });
  }

  #droppedLines(): LogLine[] {
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped === 0 ? [] : [{ level: 'error', text: `${dropped} lines could not be written` }];
  }
}
