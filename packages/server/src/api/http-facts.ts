/** What HTTP knows of a request beside its path and body. */
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { networkOf } from '@dunlin/transport/network';
import type { ApiVisit } from './api-parts.ts';
import type { HttpFacts } from './api-route.ts';

/** `visit`: undefined where it came by the control socket. */
export function factsOf(request: IncomingMessage, visit: ApiVisit | undefined): HttpFacts {
  const { headers, socket } = request;
  const { peer, listener = '' } = visit ?? {};
  const isProxied = peer?.proxyAddress !== undefined && headers['x-forwarded-proto'] === 'https';
  return { listener, peer, headers, isSecure: isProxied || (socket as Partial<TLSSocket>).encrypted === true };
}

/** Whom limits count by: one host of IPv6 has as many addresses as it likes. Empty where it came by the control socket. */
export function networkAddressOf({ peer }: HttpFacts): string {
  return peer === undefined ? '' : (networkOf(peer.address) ?? peer.address);
}

/** Empty where there is none. */
export function headerOf({ headers }: HttpFacts, name: string): string {
  const value = headers[name];
  return typeof value === 'string' ? value : '';
}
