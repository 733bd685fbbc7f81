/** Lines for a stream that is perhaps not read, such as those of `-d`: above a bound they are dropped, and counted. */

/** What waits at most in this process, bytes. */
export const LINES_BYTES_MAX = 1_048_576;

/** What is used of a stream. */
export interface LineStream {
  write(text: string): unknown;
  once(event: 'drain', call: () => void): unknown;
  /** Bytes that wait. Undefined where the stream does not tell: nothing is dropped. */
  readonly writableLength?: number;
}

/**
 * Writes lines, each with its line break, until `bytesMax` wait. Further ones are dropped until the reader has taken what
 * waits, who then reads how many there were.
 */
export function boundedLines(stream: LineStream, bytesMax = LINES_BYTES_MAX): (line: string) => void {
  let isFull = false;
  let dropped = 0;
  const goOn = (): void => {
    isFull = false;
    if (dropped > 0) stream.write(`${dropped} lines were dropped: they were not read in time\n`);
    dropped = 0;
  };
  return (line) => {
    if (isFull) {
      dropped += 1;
      return;
    }
    stream.write(line);
    if ((stream.writableLength ?? 0) <= bytesMax) return;
    isFull = true;
    stream.once('drain', goOn);
  };
}
