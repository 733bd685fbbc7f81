/** `@dunlin/client` in browsers and their workers: WebSocket only. */

import type { Client } from './client.ts';
import { connectOver } from './connect.ts';
import { dialBrowser } from './dial-browser.ts';
import type { ConnectOptions } from './options.ts';

export { PAGE } from './environment-browser.ts';

/** Connects by `ws:` or `wss:`. */
export async function connect(given: string | URL, options: ConnectOptions = {}): Promise<Client> {
  const url = new URL(given);
  return connectOver((bounds) => dialBrowser({ url, tls: undefined, certificateSeen: () => {}, ...bounds }), options);
}
