/** The wires of the clients, by the transport that the flags mean. */

import { type Dial, MqttError } from '@dunlin/client';
import { connectTcp } from '@dunlin/transport';
import type { ConnectionFlags } from './connection-flags.ts';
import { type ServerPlace, urlPlace } from './server-place.ts';

/** A way to dial as the flags say: to `place`, which is what `url` stands for, or to where the client wants instead. */
export function dialOf(flags: ConnectionFlags, place: ServerPlace, url: URL): Dial {
  const local = flags.bindAddress === undefined ? {} : { localAddress: flags.bindAddress };
  return async (wanted) => {
    const { host, port, scheme } = wanted.url.href === url.href ? place : urlPlace(wanted.url);
    const { signal, timeoutMs } = wanted;
    if (scheme === 'mqtt') return connectTcp({ host, port, ...local, signal, timeoutMs });
    throw new MqttError('not-supported', `Cannot connect by ${scheme}: this transport is not built yet`);
  };
}
