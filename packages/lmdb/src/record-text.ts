/**
 * Values of tables as text: JSON, which V8 writes and reads by itself, without an object of C++ for each record. What JSON has no
 * word for is a text that begins with `~`:
 *
 *     ~b…  bytes in base64url     ~i  Infinity     ~j  -Infinity     ~n  NaN     ~z  -0
 *     ~~…  a text that begins with ~ itself        ~u  undefined in a list
 *
 * To put these back costs as much again as to read the JSON: what is read often is better off without them.
 */
import { assertPlainObject, isPlainScalar, notPlain, PLAIN_DEPTH_MAX } from '@dunlin/broker';
import { DamagedValue } from './reader.ts';

const MARK = 0x7e;
/** Where this does not occur, no text begins with the mark. */
const MARKED = '"~';

/** @throws TypeError where the value is no plain data (`@dunlin/broker`, plain-data.ts) */
export function writeRecordText(value: unknown): string {
  return JSON.stringify(marked(value, 0));
}

/** A value of its own, of plain data alone. @throws DamagedValue */
export function readRecordText(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new DamagedValue(`its value is no JSON (${error instanceof Error ? error.message : error})`);
  }
  return text.includes(MARKED) ? unmarked(value, 0) : value;
}

/** The value with what JSON has no word for in marked texts; itself where there is nothing of that. */
function marked(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return value.charCodeAt(0) === MARK ? `~${value}` : value;
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0) ? value : markedNumber(value);
  if (value === undefined) return '~u';
  if (typeof value !== 'object' || value === null) {
    if (isPlainScalar(value)) return value;
    throw notPlain(value);
  }
  if (value instanceof Uint8Array)
    return `~b${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64url')}`;
  assertPlainObject(value, depth);
  return Array.isArray(value) ? markedList(value, depth) : markedObject(value as Record<string, unknown>, depth);
}

function markedList(list: readonly unknown[], depth: number): readonly unknown[] {
  let copy: unknown[] | undefined;
  for (let index = 0; index < list.length; index++) {
    const written = marked(list[index], depth + 1);
    if (Object.is(written, list[index])) continue;
    copy ??= [...list];
    copy[index] = written;
  }
  return copy ?? list;
}

function markedObject(value: Readonly<Record<string, unknown>>, depth: number): object {
  let copy: Record<string, unknown> | undefined;
  for (const name in value) {
    const item = value[name];
    // JSON leaves it out as well.
    if (item === undefined) continue;
    const written = marked(item, depth + 1);
    if (Object.is(written, item)) continue;
    copy ??= { ...value };
    copy[name] = written;
  }
  return copy ?? value;
}

function markedNumber(value: number): string {
  if (value === Infinity) return '~i';
  if (value === -Infinity) return '~j';
  return value === 0 ? '~z' : '~n';
}

/** In place: what was just read from JSON belongs to nobody yet. */
function unmarked(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return value.charCodeAt(0) === MARK ? readMarked(value) : value;
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= PLAIN_DEPTH_MAX) throw new DamagedValue(`its value is nested more deeply than ${PLAIN_DEPTH_MAX}`);
  const items = value as Record<string, unknown>;
  for (const name in items) {
    const item = items[name];
    if (typeof item === 'object' || (typeof item === 'string' && item.charCodeAt(0) === MARK))
      items[name] = unmarked(item, depth + 1);
  }
  return items;
}

function readMarked(text: string): unknown {
  switch (text) {
    case '~u':
      return undefined;
    case '~i':
      return Infinity;
    case '~j':
      return -Infinity;
    case '~n':
      return Number.NaN;
    case '~z':
      return -0;
  }
  if (text[1] === '~') return text.slice(1);
  if (text[1] === 'b') return readBytes(text.slice(2));
  throw new DamagedValue(
    `its value has a text that begins with ${JSON.stringify(text.slice(0, 2))}, which says nothing`,
  );
}

function readBytes(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64url');
  if (text.length % 4 === 1 || bytes.length !== (text.length * 3) >> 2)
    throw new DamagedValue('its value has bytes that are not written in base64url');
  // Of their own: those of a Buffer lie among others.
  return new Uint8Array(bytes);
}
