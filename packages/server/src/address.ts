/** What the address of a listener means: whom it lets in, and how it is written. */
import { BlockList, isIP } from 'node:net';

/** The name that stands for both loopback addresses; it is not looked up. */
export const LOCALHOST = 'localhost';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Whether only this machine can connect. A name other than `localhost` counts as open to others. */
export function isLoopback(host: string): boolean {
  if (host === LOCALHOST) return true;
  const family = isIP(host);
  return family !== 0 && loopback.check(host, family === 6 ? 'ipv6' : 'ipv4');
}

/** The addresses to listen at for a host of the configuration. */
export function addressesOf(host: string): readonly string[] {
  return host === LOCALHOST ? ['127.0.0.1', '::1'] : [host];
}

/** Whether one port cannot be open at both hosts: they share an address, or one stands for all of them. */
export function hostsOverlap(one: string, other: string): boolean {
  const addresses = addressesOf(other);
  return addressesOf(one).some((address) => addresses.some((second) => addressesOverlap(address, second)));
}

/** `::` takes IPv4 too. */
function addressesOverlap(one: string, other: string): boolean {
  if (one === other) return true;
  const families = [isIP(one), isIP(other)];
  if (families.includes(0)) return false;
  if (one === '::' || other === '::') return true;
  return families[0] === 4 && families[1] === 4 && (one === '0.0.0.0' || other === '0.0.0.0');
}

/** Address and port as one text, IPv6 in brackets. */
export function hostAndPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
