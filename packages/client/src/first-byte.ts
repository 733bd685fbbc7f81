/**
 * Something else than an MQTT server is told at once: its first bytes may claim a long packet that never comes. A browser has
 * WebSocket only, whose server has said by the subprotocol that it speaks MQTT: its bundle does without (`REPLACED` of
 * `tools/browser-bundle.ts`).
 */

import { hexadecimal, protocolError } from '@dunlin/protocol';

/** Of what may come first: CONNACK, and in MQTT 5.0 DISCONNECT and AUTH. */
const FIRST_BYTES: readonly number[] = [0x20, 0xe0, 0xf0];

/** Throws 'protocol-error' for the first byte of what is no MQTT server. */
export function checkFirstByte(first: number): void {
  if (FIRST_BYTES.includes(first)) return;
  const found = `begins with ${hexadecimal(first)}, expected CONNACK (0x20) of an MQTT server`;
  throw protocolError(`Cannot accept the answer: it ${found}`);
}
