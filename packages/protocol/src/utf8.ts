/** UTF-8 text of MQTT packets: strict reading, checking without a string, writing (section 1.5.4). */

import { MqttError, malformedPacket } from './errors.ts';

/** How text from a peer is judged. */
export interface TextRules {
  /**
   * Also refuse the control characters U+0001 to U+001F and U+007F to U+009F and the non-characters, as a receiver
   * may (section 1.5.4). True when absent. Bad UTF-8 and U+0000 are refused always.
   */
  strictText?: boolean;
}

/** The most bytes a text field holds. */
export const TEXT_BYTES_MAXIMUM = 65_535;

/** Up to here characters are collected in JavaScript; a call of TextDecoder costs more than that many steps. */
const SHORT_TEXT_BYTES = 64;
const PLUS = 0x2b;
const NUMBER_SIGN = 0x23;
/** `ignoreBOM` keeps a leading U+FEFF [MQTT-1.5.4-3]. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * The string in bytes [start, end).
 *
 * Throws 'malformed-packet' for anything but well-formed UTF-8 [MQTT-1.5.4-1], for U+0000 [MQTT-1.5.4-2] and, with
 * `strictText`, for control and non-characters. U+FEFF is kept wherever it stands [MQTT-1.5.4-3].
 */
export function readUtf8(bytes: Uint8Array, start: number, end: number, strictText = true): string {
  if (end - start <= SHORT_TEXT_BYTES) {
    const text = readShortAscii(bytes, start, end);
    if (text !== undefined) return text;
  }
  check(bytes, start, end, strictText, false);
  return decoder.decode(bytes.subarray(start, end));
}

/** Checks bytes [start, end) as `readUtf8` does, without making a string. */
export function checkUtf8(bytes: Uint8Array, start: number, end: number, strictText = true): void {
  check(bytes, start, end, strictText, false);
}

/**
 * Checks that bytes [start, end) can be a Topic Name; allocates nothing for one that can.
 *
 * Throws what `readUtf8` throws, and 'topic-name-invalid' (0x90) for a wildcard [MQTT-3.3.2-2]. An empty name passes:
 * whether a Topic Alias stands for it only the packet tells.
 */
export function checkTopicName(bytes: Uint8Array, start: number, end: number, strictText = true): void {
  check(bytes, start, end, strictText, true);
}

/** How many bytes `writeUtf8` writes for the text. */
export function utf8Length(text: string): number {
  let length = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) continue;
    if (unit < 0x800) {
      length += 1;
    } else if (isHighSurrogate(unit) && isLowSurrogate(text.charCodeAt(index + 1))) {
      length += 2;
      index++;
    } else {
      length += 2;
    }
  }
  return length;
}

/**
 * Writes the text at `offset`, without a length in front, and returns the offset behind it.
 *
 * The caller made room for `utf8Length(text)` bytes. Throws 'malformed-packet' for a lone surrogate [MQTT-1.5.4-1],
 * U+0000 [MQTT-1.5.4-2] and more than 65535 bytes.
 */
export function writeUtf8(bytes: Uint8Array, offset: number, text: string): number {
  let at = offset;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit === 0) throw malformedPacket('Cannot write text: it holds U+0000 [MQTT-1.5.4-2]');
    if (unit < 0x80) {
      bytes[at++] = unit;
    } else if (unit < 0x800) {
      bytes[at++] = 0xc0 | (unit >> 6);
      bytes[at++] = 0x80 | (unit & 0x3f);
    } else if (unit < 0xd800 || unit > 0xdfff) {
      bytes[at++] = 0xe0 | (unit >> 12);
      bytes[at++] = 0x80 | ((unit >> 6) & 0x3f);
      bytes[at++] = 0x80 | (unit & 0x3f);
    } else {
      const point = text.codePointAt(index) ?? 0;
      if (point <= 0xffff) throw malformedPacket('Cannot write text: it holds a lone surrogate [MQTT-1.5.4-1]');
      index++;
      bytes[at++] = 0xf0 | (point >> 18);
      bytes[at++] = 0x80 | ((point >> 12) & 0x3f);
      bytes[at++] = 0x80 | ((point >> 6) & 0x3f);
      bytes[at++] = 0x80 | (point & 0x3f);
    }
  }
  if (at - offset > TEXT_BYTES_MAXIMUM) {
    throw malformedPacket(`Cannot write text: it has ${at - offset} bytes, at most ${TEXT_BYTES_MAXIMUM} fit`);
  }
  return at;
}

/** The text if all of it is printable ASCII, else undefined. */
function readShortAscii(bytes: Uint8Array, start: number, end: number): string | undefined {
  for (let at = start; at < end; at++) {
    const byte = bytes[at];
    if (byte < 0x20 || byte >= 0x7f) return undefined;
  }
  let text = '';
  let at = start;
  for (; at + 4 <= end; at += 4) {
    text += String.fromCharCode(bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]);
  }
  for (; at < end; at++) text += String.fromCharCode(bytes[at]);
  return text;
}

function check(bytes: Uint8Array, start: number, end: number, strictText: boolean, topicName: boolean): void {
  let at = start;
  while (at < end) {
    const byte = bytes[at];
    if (byte >= 0x80) {
      at = checkSequence(bytes, at, start, end, strictText);
      continue;
    }
    if (byte < 0x20 || byte === 0x7f) checkControl(byte, at - start, strictText);
    if (topicName && (byte === PLUS || byte === NUMBER_SIGN)) throw wildcardInTopicName(byte, at - start);
    at++;
  }
}

/** Checks the sequence of two to four bytes at `at` and returns the offset behind it. */
function checkSequence(bytes: Uint8Array, at: number, start: number, end: number, strictText: boolean): number {
  const lead = bytes[at];
  const size = sequenceSize(lead);
  if (size === 0) throw badUtf8(at - start, 'a byte that begins no character');
  if (at + size > end) throw badUtf8(at - start, 'a character that is cut off');
  let point = lead & (0xff >> (size + 1));
  for (let index = 1; index < size; index++) {
    const byte = bytes[at + index];
    if ((byte & 0xc0) !== 0x80) throw badUtf8(at - start, 'a character that is cut off');
    point = (point << 6) | (byte & 0x3f);
  }
  if (size === 3 && point < 0x800) throw badUtf8(at - start, 'an overlong form');
  if (size === 4 && point < 0x1_0000) throw badUtf8(at - start, 'an overlong form');
  if (point >= 0xd800 && point <= 0xdfff) throw badUtf8(at - start, 'a surrogate');
  if (point > 0x10_ffff) throw badUtf8(at - start, 'a number above U+10FFFF');
  if (strictText && (point < 0xa0 || isNonCharacter(point))) throw refusedCharacter(point, at - start);
  return at + size;
}

/** 2 to 4, or 0 for a byte which begins no sequence (0xC0 and 0xC1 could only begin overlong forms). */
function sequenceSize(lead: number): number {
  if (lead < 0xc2 || lead > 0xf4) return 0;
  if (lead < 0xe0) return 2;
  return lead < 0xf0 ? 3 : 4;
}

function checkControl(byte: number, index: number, strictText: boolean): void {
  if (byte === 0) throw malformedPacket(`Cannot read text: byte ${index} is U+0000 [MQTT-1.5.4-2]`);
  if (strictText) throw refusedCharacter(byte, index);
}

function isNonCharacter(point: number): boolean {
  return (point & 0xfffe) === 0xfffe || (point >= 0xfdd0 && point <= 0xfdef);
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

function badUtf8(index: number, what: string): MqttError {
  return malformedPacket(`Cannot read text: at byte ${index} stands ${what}, expected UTF-8 [MQTT-1.5.4-1]`);
}

function refusedCharacter(point: number, index: number): MqttError {
  const name = `U+${point.toString(16).toUpperCase().padStart(4, '0')}`;
  return malformedPacket(
    `Cannot read text: at byte ${index} stands ${name}, a control or non-character (section 1.5.4)`,
  );
}

function wildcardInTopicName(byte: number, index: number): MqttError {
  const wildcard = String.fromCharCode(byte);
  return new MqttError(
    'topic-name-invalid',
    0x90,
    `Cannot use the Topic Name: "${wildcard}" at byte ${index}, wildcards occur only in filters [MQTT-3.3.2-2]`,
  );
}
