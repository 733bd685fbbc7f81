/** What an Authenticator is asked, for the tests beside it. */
import type { AuthenticationRequest, Principal } from '@dunlin/broker';
import { NO_PROPERTIES } from '@dunlin/protocol';

export interface RequestParts {
  readonly username?: string;
  readonly password?: string;
  readonly clientId?: string;
  readonly address?: string;
  readonly listener?: string;
  readonly method?: string;
  readonly data?: string;
  readonly state?: unknown;
  readonly current?: Principal;
  readonly gone?: AbortSignal;
}

export function request(parts: RequestParts = {}): AuthenticationRequest {
  const { username, password, clientId = 'client', address = '192.0.2.1', listener = 'test' } = parts;
  const { method, data, state, current, gone = new AbortController().signal } = parts;
  const bytes = data === undefined ? undefined : Buffer.from(data);
  return {
    peer: { address, port: 50_000 },
    listener,
    connect: {
      type: 'connect',
      protocolVersion: 5,
      bridge: false,
      clientId,
      cleanStart: true,
      keepAlive: 60,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password: Buffer.from(password) }),
      properties: method === undefined ? NO_PROPERTIES : { authenticationMethod: method, authenticationData: bytes },
    },
    data: bytes,
    state,
    current,
    gone,
  };
}
