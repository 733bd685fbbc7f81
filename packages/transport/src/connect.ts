/** The entry `@dunlin/transport/connect`: every way of Node to a server. */

export { TransportError } from './errors.ts';
export { connectTcp, type TcpConnectOptions } from './tcp.ts';
export { connectTls, type TlsClientSettings, type TlsConnectOptions } from './tls-connect.ts';
export { connectUnix, type UnixConnectOptions } from './unix-connect.ts';
export { connectWebSocket, type WebSocketConnectOptions } from './websocket.ts';
export type { Wire } from './wire.ts';
