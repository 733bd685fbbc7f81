/** `@dunlin/client/node`: the client in Node, and what it has only there. */

import { watchCertificates } from './certificate-watch.ts';
import { clientsOn } from './create-client.ts';
import { nodeDial } from './dial-node.ts';
import { SYSTEM } from './environment.ts';
import { checkNames, checkOptions, checkRequest } from './known-names.ts';

export { type NodeDialOptions, nodeDial } from './dial-node.ts';
export { type FileOutboxOptions, fileOutbox } from './file-outbox.ts';
export { FileSet, type FileSetOptions } from './file-set.ts';
export { OutboxError, type OutboxErrorCode } from './outbox-store.ts';
export { openSeenIds, type SeenIds, SeenIdsError, type SeenIdsErrorCode, type SeenIdsOptions } from './seen-ids.ts';
export { type TlsFiles, tlsFiles } from './tls-files.ts';

/** See `clientsOn`; by `mqtt:`, `mqtts:`, `ws:`, `wss:` and `mqtt+unix:///path`. */
export const { createClient, connect } = clientsOn({
  dial: nodeDial(),
  environment: SYSTEM,
  debugNames: () => process.env.DEBUG,
  checkOptions,
  checkNames,
  checkRequest,
  watchCertificates,
});
