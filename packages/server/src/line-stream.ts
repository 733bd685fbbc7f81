/** Lines of text out of a stream of bytes, none longer than is allowed: both ends of a control socket read by it. */

/** Thrown where a line does not end in time. */
export class LineTooLong extends Error {
  override readonly name = 'LineTooLong';
}

/**
 * The lines of a stream, without their ends. What follows the last end is a line where it is not empty.
 * @throws LineTooLong, and what the stream throws
 */
export async function* linesOf(stream: AsyncIterable<Buffer>, bytesMax: number): AsyncGenerator<string> {
  let parts: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      if (bytes + end - start > bytesMax) throw tooLong(bytesMax);
      yield Buffer.concat([...parts, chunk.subarray(start, end)]).toString();
      parts = [];
      bytes = 0;
      start = end + 1;
    }
    bytes += chunk.length - start;
    if (bytes > bytesMax) throw tooLong(bytesMax);
    if (start < chunk.length) parts.push(chunk.subarray(start));
  }
  if (bytes > 0) yield Buffer.concat(parts).toString();
}

const NEWLINE = 0x0a;

function tooLong(bytesMax: number): LineTooLong {
  return new LineTooLong(`Cannot read a line of more than ${bytesMax} bytes`);
}
