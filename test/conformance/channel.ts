/** A connection to the broker under test over any transport, as a stream of bytes. */

import net from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import type { Framing, Transport } from './transport.ts';
import { WebSocketStream } from './websocket-stream.ts';

/** Where a broker is, and how to get there. */
export interface Address {
  host: string;
  port: number;
  /** Default `tcp`. */
  transport?: Transport;
  /** Of a Unix socket. */
  path?: string;
  /** PEM of the authority that the server's certificate comes from, where it is none that everybody trusts. */
  authority?: string;
  /** Of WebSocket. Default `whole`. */
  framing?: Framing;
}

/** A stream of bytes to the broker; its local port, where it is plain TCP. */
export type ChannelStream = Duplex & { readonly localPort?: number };

export interface Channel {
  readonly stream: ChannelStream;
  /** Ends it as a failure of the network does: reset where there is such a thing. */
  readonly cut: () => void;
}

/** Settles when bytes can be sent. A broker that closes its half leaves ours open, but of a WebSocket. */
export async function openChannel(address: Address): Promise<Channel> {
  const { stream, cut } = await openCarrier(address);
  if (address.transport !== 'ws' && address.transport !== 'wss') return { stream, cut };
  return { stream: await WebSocketStream.open(stream, address.host, address.framing), cut };
}

/** What lies below a WebSocket, and all there is of other transports. */
export async function openCarrier(address: Address): Promise<Channel> {
  const { transport = 'tcp', path, host, port } = address;
  const socket = new net.Socket({ allowHalfOpen: true });
  await settled(socket, 'connect', () => {
    if (transport === 'unix' && path !== undefined) socket.connect(path);
    else socket.connect(port, host);
  });
  socket.setNoDelay(true);
  const cut = (): void => {
    if (transport === 'unix') socket.destroy();
    else socket.resetAndDestroy();
  };
  if (transport === 'proxy') socket.write(proxyHeader());
  const isSecure = transport === 'tls' || transport === 'wss';
  return { stream: isSecure ? await secured(socket, address) : socket, cut };
}

async function secured(socket: net.Socket, { host, authority }: Address): Promise<tls.TLSSocket> {
  const stream = tls.connect({ socket, host, ...(authority !== undefined && { ca: authority }) });
  await settled(stream, 'secureConnect', () => {});
  return stream;
}

async function settled(stream: Duplex, event: string, begin: () => void): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  stream.once('error', reject);
  stream.once(event, resolve);
  begin();
  await promise;
  stream.off('error', reject);
}

/** A header of version 2 for 192.0.2.7:40000 to 192.0.2.1:1883. */
function proxyHeader(): Buffer {
  const addresses = Buffer.from([192, 0, 2, 7, 192, 0, 2, 1, 0x9c, 0x40, 0x07, 0x5b]);
  const head = Buffer.from([0x21, 0x11, 0, addresses.length]);
  return Buffer.concat([Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1'), head, addresses]);
}
