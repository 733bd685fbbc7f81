/** The wires of the clients, by the transport that the flags mean. */

import type { Dial } from '@dunlin/client';
import { connectTcp } from '@dunlin/transport';
import type { ConnectionFlags } from './connection-flags.ts';
import { isTls, placeUrl, type ServerPlace, urlPlace } from './server-place.ts';
import { readTls } from './tls-flags.ts';

/**
 * A way to dial as the flags say: to `place`, which is what `url` stands for, or to where the client wants instead.
 * Reads certificates and keys now, once. Throws a local error for a file that cannot be read.
 */
export function dialOf(flags: ConnectionFlags, place: ServerPlace, url: URL): Dial {
  const local = flags.bindAddress === undefined ? {} : { localAddress: flags.bindAddress };
  const tls = isTls(place) ? readTls(flags.tls) : undefined;
  return async (wanted) => {
    // A URL cannot say all that a place can, such as the zone of an address.
    const { scheme, host, port, path } = wanted.url.href === url.href ? place : urlPlace(wanted.url);
    const bounds = { signal: wanted.signal, timeoutMs: wanted.timeoutMs };
    if (scheme === 'mqtt') return connectTcp({ host, port, ...local, ...bounds });
    // Loaded when asked for: commands start faster without it.
    const { connectTls, connectUnix, connectWebSocket } = await import('@dunlin/transport/connect');
    if (scheme === 'mqtts') return connectTls({ host, port, ...tls, ...local, ...bounds });
    if (scheme === 'mqtt+unix') return connectUnix({ path, ...bounds });
    const { href } = placeUrl({ scheme, host, port, path });
    const packetBytesMax = wanted.maximumPacketSize;
    return connectWebSocket({ url: href, packetBytesMax, ...(tls === undefined ? {} : { tls }), ...local, ...bounds });
  };
}
