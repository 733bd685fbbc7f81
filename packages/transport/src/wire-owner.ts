/** What the wires of one listener, or of one connect, have in common. */

import type { Peer } from './wire.ts';

/** A peer that vanished without a word is found by probes after this much silence, whatever its MQTT Keep Alive. */
export const KEEP_ALIVE_MS = 120_000;

/** Shared by many wires, so that each holds one reference only. */
export interface WireOwner {
  readonly lingerMs: number;
  /** Called once for each wire, when it is gone. */
  wireGone(): void;
}

const MAPPED_IPV4 = '::ffff:';

/** Makes a peer of what the system says; an IPv4 address in IPv6 form is shown as IPv4, an unknown one as empty. */
export function peerOf(address = '', port = 0): Peer {
  const mapped = address.startsWith(MAPPED_IPV4) && address.includes('.');
  return { address: mapped ? address.slice(MAPPED_IPV4.length) : address, port };
}
