/** `connect` in Node: the URL's scheme chooses the transport. */

import { connectTcp } from '@dunlin/transport';
import { clientsOn } from './create-client.ts';
import type { Dial } from './dial.ts';
import { SYSTEM } from './environment.ts';
import { serverAddress } from './server-url.ts';

const dial: Dial = async ({ url, signal, timeoutMs }) => {
  const { host, port } = serverAddress(url);
  return connectTcp({ host, port, signal, timeoutMs });
};

export const { createClient, connect } = clientsOn({ dial, environment: SYSTEM });
