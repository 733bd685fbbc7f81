/** The two ways to a client, for a platform that says how to dial. */

import { Client } from './client.ts';
import type { ClientOptions, ConnectOptions } from './options.ts';
import type { Platform, ServerUrl } from './settings.ts';

/**
 * Makes `createClient` and `connect` of a platform.
 *
 * `createClient(url, options)` makes a client in the state `disconnected`, and dials nothing; it throws `MqttError` for
 * options that cannot be, in Node also for names that are no options, and for what is no object or function where one is expected.
 * `connect(url, options)` makes one and connects it; it rejects as `Client.connect` does, and then the client is done with.
 */
export function clientsOn(platform: Platform): {
  createClient: (url: ServerUrl, options?: ClientOptions) => Client;
  connect: (url: ServerUrl, options?: ConnectOptions) => Promise<Client>;
} {
  const createClient = (url: ServerUrl, options: ClientOptions = {}): Client => new Client(platform, url, options);
  return {
    createClient,
    connect: async (url, options = {}) => {
      const client = createClient(url, options);
      try {
        await client.connect({ signal: options.signal });
        return client;
      } catch (error) {
        await client.disconnect();
        throw error;
      }
    },
  };
}
