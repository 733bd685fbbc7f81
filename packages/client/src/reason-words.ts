/** Reason Codes in words. The bundle for browsers has digits in their place: `REPLACED` of `tools/browser-bundle.ts`. */

import { hexadecimal, type Packet, reasonCodeName } from '@dunlin/protocol';

/** A Reason Code in words and digits, such as `Not authorized (0x87)`; in the bundle for browsers `0x87`. */
export function describeReason(reasonCode: number, packet?: Packet): string {
  return `${reasonCodeName(reasonCode, packet?.type)} (${hexadecimal(reasonCode)})`;
}

/** The server's words where they say more than the name of the Reason Code, which some servers send. */
export function addedWords(words: string | undefined, reasonCode: number, packet: Packet): string | undefined {
  return words === reasonCodeName(reasonCode, packet.type) ? undefined : words;
}
