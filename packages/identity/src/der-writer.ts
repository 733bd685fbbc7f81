/** Writes DER (X.690): each function returns one whole element. */
import { TAG } from './der.ts';

/** An element of any kind around its contents. For thousands of them concatenate first: each is an argument. */
export function element(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  if (content.length < 0x80) return Buffer.concat([Uint8Array.of(tag, content.length), content]);
  const length = unsigned(content.length);
  return Buffer.concat([Uint8Array.of(tag, 0x80 | length.length), length, content]);
}

export function sequence(...contents: readonly Uint8Array[]): Buffer {
  return element(TAG.sequence, ...contents);
}

/** An INTEGER that is not negative, from a number up to 2^53 - 1 or big-endian bytes. */
export function integer(value: number | Uint8Array): Buffer {
  const bytes = typeof value === 'number' ? unsigned(value) : value;
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start += 1;
  const shortest = bytes.subarray(start);
  return element(TAG.integer, shortest[0] >= 0x80 ? Uint8Array.of(0) : new Uint8Array(), shortest);
}

export function boolean(value: boolean): Buffer {
  return element(TAG.boolean, Uint8Array.of(value ? 0xff : 0));
}

/** An OBJECT IDENTIFIER from its arcs in decimal, such as `2.5.4.3`. */
export function oid(text: string): Buffer {
  const [first, second, ...rest] = text.split('.').map(Number);
  const octets = [first * 40 + second, ...rest].flatMap((arc) => {
    const groups = [arc % 128];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) groups.unshift(0x80 | (left % 128));
    return groups;
  });
  return element(TAG.oid, Uint8Array.from(octets));
}

export function octetString(content: Uint8Array): Buffer {
  return element(TAG.octetString, content);
}

/** A BIT STRING of whole octets, or with `unusedBits` at its end. */
export function bitString(content: Uint8Array, unusedBits = 0): Buffer {
  return element(TAG.bitString, Uint8Array.of(unusedBits), content);
}

export function utf8String(text: string): Buffer {
  return element(TAG.utf8String, Buffer.from(text));
}

/** UTCTime up to 2049 and GeneralizedTime from 2050 on, as RFC 5280 wants it; parts of a second are dropped. */
export function time(ms: number): Buffer {
  const text = `${new Date(ms).toISOString().slice(0, 19).replaceAll(/[-:T]/g, '')}Z`;
  const short = text >= '1950' && text < '2050';
  return element(short ? TAG.utcTime : TAG.generalizedTime, Buffer.from(short ? text.slice(2) : text));
}

function unsigned(value: number): Buffer {
  const octets: number[] = [];
  for (let left = value; left > 0 || octets.length === 0; left = Math.floor(left / 256)) octets.unshift(left % 256);
  return Buffer.from(octets);
}
