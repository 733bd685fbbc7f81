/** Which peers are proxies whose word about their clients counts: addresses and ranges of addresses. */

import { BlockList, isIP } from 'node:net';
import { peerOf } from './wire-owner.ts';

/** The peer of every Unix socket, and its entry in a list of trusted addresses. */
export const UNIX_ADDRESS = 'unix';

const BITS = { ipv4: 32, ipv6: 128 } as const;
/** Length of the prefix `::ffff:0:0`, in which IPv6 holds the IPv4 addresses. */
const MAPPED_PREFIX_BITS = 96;

/** A set of addresses and ranges. */
export interface TrustedAddresses {
  /** `address` is in text, as of `Peer.address`; whatever is no address is not in it. */
  includes(address: string): boolean;
}

/**
 * Reads addresses (`192.0.2.1`, `::1`), ranges (`10.0.0.0/8`, `fd00::/8`) and `unix`. An IPv4 address and its IPv6 form
 * (`::ffff:192.0.2.1`) are the same, here and in the question.
 * @throws RangeError for an entry that is none of these
 */
export function readTrustedAddresses(entries: readonly string[]): TrustedAddresses {
  const list = new BlockList();
  let unix = false;
  for (const entry of entries) {
    if (entry === UNIX_ADDRESS) unix = true;
    else addEntry(list, entry);
  }
  return {
    includes: (address) => {
      if (address === UNIX_ADDRESS) return unix;
      const plain = peerOf(address).address;
      const family = isIP(plain);
      return family !== 0 && list.check(plain, family === 4 ? 'ipv4' : 'ipv6');
    },
  };
}

function addEntry(list: BlockList, entry: string): void {
  const [text, prefix, ...more] = entry.split('/');
  const { address } = peerOf(text);
  const isMapped = address !== text;
  const version = isIP(address);
  if (version === 0 || address.includes('%') || more.length > 0) throw unreadable(entry);
  const family = version === 4 ? 'ipv4' : 'ipv6';
  if (prefix === undefined) {
    list.addAddress(address, family);
    return;
  }
  const bits = Number(prefix) - (isMapped ? MAPPED_PREFIX_BITS : 0);
  if (!/^\d{1,3}$/.test(prefix) || bits < 0 || bits > BITS[family]) throw unreadable(entry);
  list.addSubnet(address, bits, family);
}

function unreadable(entry: string): RangeError {
  return new RangeError(
    `Cannot trust the address "${entry}": an IP address, a range such as "10.0.0.0/8" or "${UNIX_ADDRESS}" is expected`,
  );
}
