/** Listeners behind proxies: whom to believe, and the PROXY protocol by itself. */

export type { OnRefused, ProxyProtocolOptions } from './proxy-entrance.ts';
export { PROXY_HEADER_BYTES_MAX, type ProxyHeader, type ProxyVersion, readProxyHeader } from './proxy-protocol.ts';
export { readTrustedAddresses, type TrustedAddresses, UNIX_ADDRESS } from './trusted-addresses.ts';
