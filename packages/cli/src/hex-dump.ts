/** Bytes for people: offset, sixteen bytes and their ASCII a line, as `hexdump -C` has it. */

const LINE_BYTES = 16;

/** The lines without newlines; none for no bytes. */
export function hexDump(bytes: Uint8Array): string[] {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += LINE_BYTES) lines.push(hexLine(at, bytes.subarray(at, at + LINE_BYTES)));
  return lines;
}

function hexLine(offset: number, bytes: Uint8Array): string {
  const pairs = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0'));
  const halves = [pairs.slice(0, 8).join(' ').padEnd(23), pairs.slice(8).join(' ').padEnd(23)];
  const ascii = Array.from(bytes, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
  return `${offset.toString(16).padStart(8, '0')}  ${halves.join('  ')}  |${ascii}|`;
}
