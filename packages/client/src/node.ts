/** `connect` in Node: the URL's scheme chooses the transport. */

import { connectTcp } from '@dunlin/transport';
import type { Client } from './client.ts';
import { connectOver } from './connect.ts';
import { MqttError } from './errors.ts';
import type { ConnectOptions } from './options.ts';
import { type ServerAddress, serverAddress } from './server-url.ts';
import type { WiredOptions } from './settings.ts';

/**
 * Connects to a server, such as `mqtt://localhost:1883`; user and password may stand in the URL.
 *
 * See `connectOver` for how it settles. With `options.wire` the URL only names the server.
 */
export async function connect(url: string | URL, options: ConnectOptions = {}): Promise<Client> {
  const address = serverAddress(url);
  return connectOver((bounds) => connectTcp({ host: address.host, port: address.port, ...bounds }), {
    ...credentials(address),
    ...options,
  });
}

/** The same for those who have a wire already, as in tests and in one process with the broker. */
export function connectWire(options: WiredOptions & Required<Pick<WiredOptions, 'wire'>>): Promise<Client> {
  return connectOver(() => Promise.reject(new MqttError('invalid', 'Cannot connect: there is no URL')), options);
}

function credentials({ username, password }: ServerAddress): ConnectOptions {
  return {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
  };
}
