/** `@dunlin/client/node`: the client in Node, and what it has only there. */

import { withCaller } from './caller-stack.ts';
import { watchCertificates } from './certificate-watch.ts';
import type { Client } from './client.ts';
import { clientsOn } from './create-client.ts';
import { nodeDial } from './dial-node.ts';
import { SYSTEM } from './environment.ts';
import { checkNames } from './known-names.ts';
import type { ConnectOptions } from './options.ts';
import type { ServerUrl } from './settings.ts';

export { type NodeDialOptions, nodeDial } from './dial-node.ts';
export { type FileOutboxOptions, fileOutbox } from './file-outbox.ts';
export { FileSet, type FileSetOptions } from './file-set.ts';
export { OutboxError, type OutboxErrorCode } from './outbox-store.ts';
export { openSeenIds, type SeenIds, SeenIdsError, type SeenIdsErrorCode, type SeenIdsOptions } from './seen-ids.ts';
export { type TlsFiles, tlsFiles } from './tls-files.ts';

const clients = clientsOn({
  dial: nodeDial(),
  environment: SYSTEM,
  debugNames: () => process.env.DEBUG,
  checkNames,
  watchCertificates,
});

/** See `clientsOn`; by `mqtt:`, `mqtts:`, `ws:`, `wss:` and `mqtt+unix:///path`. */
export const { createClient } = clients;

/** As `createClient`; see `clientsOn`. The stack of what it rejects with ends where it was called. */
export function connect(url: ServerUrl, options: ConnectOptions = {}): Promise<Client> {
  return withCaller(connect, clients.connect(url, options));
}
