/** Whom an address stands for: one IPv4 address, or a /64 of IPv6, which one host has for itself. */

/** A text that is equal for the addresses of one host; undefined for what is no IP address, such as that of a Unix socket. */
export function networkOf(address: string): string | undefined {
  if (isIPv4(address)) return address;
  const groups = groupsOf(address.replace(/%.*$/, ''));
  if (groups === undefined) return undefined;
  // An IPv4 address in IPv6 clothes (RFC 4291, section 2.5.5.2).
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff)
    return [groups[6] >> 8, groups[6] & 0xff, groups[7] >> 8, groups[7] & 0xff].join('.');
  if (groups.every((group, index) => group === (index === 7 ? 1 : 0))) return LOOPBACK;
  const network = groups.slice(0, 4).map((group) => group.toString(16));
  return `${network.join(':')}::/64`;
}

/** The same where connections are counted: undefined for loopback too, where proxies and whole test fleets come from. */
export function countedNetworkOf(address: string): string | undefined {
  const network = networkOf(address);
  return network === LOOPBACK || network?.startsWith('127.') ? undefined : network;
}

/** Of its /64 the one address that a host may have. */
const LOOPBACK = '::1';

function isIPv4(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

/** The eight groups of an IPv6 address; undefined where it is none. */
function groupsOf(address: string): number[] | undefined {
  const tail = address.slice(address.lastIndexOf(':') + 1);
  const hexadecimal = isIPv4(tail) ? address.slice(0, -tail.length) + groupsOfIPv4(tail) : address;
  const halves = hexadecimal.split('::').map((half) => (half === '' ? [] : half.split(':')));
  if (halves.length > 2) return undefined;
  const [before, behind] = halves;
  const zeros = behind === undefined ? 0 : 8 - before.length - behind.length;
  if (behind !== undefined && zeros < 1) return undefined;
  const groups = [...before, ...Array.from({ length: zeros }, () => '0'), ...(behind ?? [])];
  if (groups.length !== 8 || !groups.every((group) => /^[\da-f]{1,4}$/i.test(group))) return undefined;
  return groups.map((group) => Number.parseInt(group, 16));
}

function groupsOfIPv4(text: string): string {
  const [a, b, c, d] = text.split('.').map(Number);
  return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}
