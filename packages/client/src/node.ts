/** `@dunlin/client/node`: the client in Node, and what it has only there. */

import type { Client } from './client.ts';
import { connectOver } from './connect.ts';
import { nodeDial } from './dial-node.ts';
import { MqttError } from './errors.ts';
import type { ConnectOptions } from './options.ts';
import type { WiredOptions } from './settings.ts';

export { type NodeDialOptions, nodeDial } from './dial-node.ts';
export { type TlsFiles, tlsFiles } from './tls-files.ts';

const dial = nodeDial();

/** Connects to a server, such as `mqtt://localhost:1883`; user and password may stand in the URL. */
export async function connect(given: string | URL, options: ConnectOptions = {}): Promise<Client> {
  const url = URL.parse(String(given));
  if (url === null) {
    throw new MqttError('invalid', 'Cannot connect: expected a URL such as mqtt://localhost:1883');
  }
  const { username, password } = url;
  const tls = typeof options.tls === 'function' ? await options.tls() : options.tls;
  return connectOver((bounds) => dial({ url, tls, certificateSeen: () => {}, ...bounds }), {
    ...(username === '' ? {} : { username: decodeURIComponent(username) }),
    ...(password === '' ? {} : { password: decodeURIComponent(password) }),
    ...options,
  });
}

/** The same for those who have a wire already, as in tests and in one process with the broker. */
export function connectWire(options: WiredOptions & Required<Pick<WiredOptions, 'wire'>>): Promise<Client> {
  return connectOver(() => Promise.reject(new MqttError('invalid', 'Cannot connect: there is no URL')), options);
}
