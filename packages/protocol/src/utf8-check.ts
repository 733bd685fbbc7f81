/** Checks UTF-8 text where it stands, without making a string of it (section 1.5.4). */

import { MqttError, malformedPacket } from './errors.ts';

const PLUS = 0x2b;
const NUMBER_SIGN = 0x23;

/** Refuses in bytes [start, end) what `readUtf8` refuses and, with `strictText`, control and non-characters (1.5.4). */
export function checkUtf8(bytes: Uint8Array, start: number, end: number, strictText = true): void {
  check(bytes, start, end, strictText, false);
}

/**
 * Checks that bytes [start, end) can be a Topic Name; allocates nothing for one that can.
 *
 * Throws what `checkUtf8` throws, and 'topic-name-invalid' (0x90) for a wildcard [MQTT-3.3.2-2]. An empty name passes:
 * whether a Topic Alias stands for it only the packet tells.
 */
export function checkTopicName(bytes: Uint8Array, start: number, end: number, strictText = true): void {
  check(bytes, start, end, strictText, true);
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
