/** Whom an address stands for, where connections are counted. */

const MAPPED = '::ffff:';

/**
 * An IPv4 address that is written as IPv6 (RFC 4291, section 2.5.5.2), in whatever form, as IPv4: `::ffff:192.0.2.7` and
 * `::ffff:c000:207` are `192.0.2.7`. Everything else is as it was.
 */
export function plainAddress(text: string): string {
  if (!/:ffff:/i.test(text)) return text;
  const short = URL.parse(`http://[${text}]`)?.hostname.slice(1, -1) ?? '';
  if (!short.startsWith(MAPPED)) return text;
  const groups = short.slice(MAPPED.length).split(':');
  if (groups.length !== 2) return text;
  return groups
    .map((group) => Number.parseInt(group, 16))
    .flatMap((group) => [group >> 8, group & 0xff])
    .join('.');
}

/**
 * What an address counts as: itself, of IPv6 its /64, since one host has all of that. Undefined for loopback addresses,
 * where proxies and whole test fleets come from, and for what is no IP address.
 */
export function networkOf(address: string): string | undefined {
  const plain = plainAddress(address);
  if (/^\d+\.\d+\.\d+\.\d+$/.test(plain)) return plain.startsWith('127.') ? undefined : plain;
  if (!/^[\da-f]*:[\da-f:]*(%.*)?$/i.test(plain) || plain === '::1') return undefined;
  const [front, back] = plain.replace(/%.*$/, '').split('::');
  const groups = front === '' ? [] : front.split(':');
  const behind = back === undefined || back === '' ? [] : back.split(':');
  while (back !== undefined && groups.length + behind.length < 8) groups.push('0');
  return [...groups, ...behind]
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}
