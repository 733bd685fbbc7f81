/** What the package offers: wires over TCP and in memory, and their errors. */

export { TransportError } from './errors.ts';
export type { HttpVisit } from './http-visit.ts';
export { type MemoryOptions, type MemoryWire, memoryPair } from './memory.ts';
export type { OnRefused, ProxyProtocolOptions } from './proxy-entrance.ts';
export {
  type AcceptOptions,
  connectTcp,
  listenTcp,
  type TcpConnectOptions,
  type TcpImplementation,
  type TcpListenOptions,
} from './tcp.ts';
export type { Listener, Peer, Wire, WireHandler } from './wire.ts';
