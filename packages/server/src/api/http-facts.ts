/** What HTTP knows of a request beside its path and body. */
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { ApiVisit } from './api-application.ts';
import type { HttpFacts } from './api-route.ts';

/** `visit`: undefined where it came by the control socket. */
export function factsOf(request: IncomingMessage, visit: ApiVisit | undefined): HttpFacts {
  const { headers, socket } = request;
  const { peer, listener = '' } = visit ?? {};
  const isProxied = peer?.proxyAddress !== undefined && headers['x-forwarded-proto'] === 'https';
  return { listener, peer, headers, isSecure: isProxied || (socket as Partial<TLSSocket>).encrypted === true };
}
