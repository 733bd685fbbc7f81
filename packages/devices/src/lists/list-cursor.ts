/** Cursors of lists, as callers see them: opaque, and good for the query that they came from. */
import { DeviceError } from '../device-error.ts';

/** No cursor of a table comes near: it holds a key and a term, cut. */
const CHARACTERS_MAX = 8_192;

/** `index`: what the list goes by. */
export function writeCursor(cursor: string, index: string): string {
  return Buffer.from(JSON.stringify([index, cursor])).toString('base64url');
}

/** The cursor of the table. @throws DeviceError 'cursor-invalid' for another text, and for one of another index */
export function readCursor(text: string, index: string): string {
  if (text.length > CHARACTERS_MAX) throw cursorInvalid();
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(text, 'base64url').toString());
  } catch {
    throw cursorInvalid();
  }
  if (!Array.isArray(parts) || parts.length !== 2 || parts[0] !== index || typeof parts[1] !== 'string')
    throw cursorInvalid();
  return parts[1];
}

export function cursorInvalid(): DeviceError {
  return new DeviceError(
    'cursor-invalid',
    'Cannot go on with the list: the cursor of the page before, with the same query, is expected',
  );
}
