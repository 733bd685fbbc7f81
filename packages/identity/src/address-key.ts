/** Whom an address stands for: one IPv4 address, or a /64 of IPv6, which one host has for itself. */
import { isIPv4, isIPv6 } from 'node:net';

/** Text that is equal for addresses of one host; undefined for what is no IP address, such as a Unix socket. */
export function addressKey(address: string): string | undefined {
  const text = address.replace(/%.*$/, '');
  if (isIPv4(text)) return text;
  if (!isIPv6(text)) return undefined;
  const groups = groupsOf(text);
  // An IPv4 address in IPv6 clothes (RFC 4291, section 2.5.5.2).
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff)
    return [groups[6] >> 8, groups[6] & 0xff, groups[7] >> 8, groups[7] & 0xff].join('.');
  const network = groups.slice(0, 4).map((group) => group.toString(16));
  return `${network.join(':')}::/64`;
}

/** The eight groups of an IPv6 address that is well formed. */
function groupsOf(address: string): number[] {
  const hexadecimal = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...bytes: string[]) => {
    const [a, b, c, d] = bytes.map(Number);
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  });
  const [before, behind] = hexadecimal.split('::').map((part) => (part === '' ? [] : part.split(':')));
  const zeros = behind === undefined ? [] : Array.from({ length: 8 - before.length - behind.length }, () => '0');
  return [...before, ...zeros, ...(behind ?? [])].map((group) => Number.parseInt(group, 16));
}
