/** What the wires of one listener, or of one connect, have in common. */

import { plainAddress } from './network.ts';
import type { Peer } from './wire.ts';

/** A peer that vanished without a word is found by probes after this much silence, whatever its MQTT Keep Alive. */
export const KEEP_ALIVE_MS = 120_000;

/** Shared by many wires, so that each holds one reference only. */
export interface WireOwner {
  readonly lingerMs: number;
  /** Called once for each wire, when it is gone. */
  wireGone(): void;
}

/** Makes a peer of what is said of it; an IPv4 address in IPv6 form is shown as IPv4, an unknown one as empty. */
export function peerOf(address = '', port = 0): Peer {
  return { address: plainAddress(address), port };
}
