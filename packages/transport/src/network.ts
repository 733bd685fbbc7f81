/** Whom an address stands for, where connections are counted. */

/**
 * What an address counts as: itself, of IPv6 its /64, since one host has all of that. Undefined for loopback addresses,
 * where proxies and whole test fleets come from, and for what is no IP address.
 */
export function networkOf(address: string): string | undefined {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '');
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
