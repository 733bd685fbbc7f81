/** What an Authenticator is asked, for the tests beside the methods and what stands around them. */
import type { AuthenticationRequest, AuthenticationResult, Principal } from '@dunlin/broker';
import type { ConnectPacket } from '@dunlin/protocol';

export interface TestCredentials {
  readonly clientId?: string;
  readonly username?: string;
  readonly password?: string | Uint8Array;
  /** Named in CONNECT. */
  readonly authenticationMethod?: string;
  /** Authentication Data of CONNECT or AUTH. */
  readonly data?: string;
  readonly state?: unknown;
  readonly current?: Principal;
  readonly address?: string;
  readonly listener?: string;
  readonly gone?: AbortSignal;
}

/** The request that a client with these makes; `more` replaces parts of it. */
export function testRequest(
  credentials: TestCredentials = {},
  more: Partial<AuthenticationRequest> = {},
): AuthenticationRequest {
  const { clientId = 'c1', username, password, authenticationMethod, address = '192.0.2.7' } = credentials;
  const { listener = 'test' } = credentials;
  const data = credentials.data === undefined ? undefined : Buffer.from(credentials.data);
  const connect: ConnectPacket = {
    type: 'connect',
    protocolVersion: 5,
    bridge: false,
    clientId,
    cleanStart: true,
    keepAlive: 60,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password: Buffer.from(password) }),
    properties: authenticationMethod === undefined ? {} : { authenticationMethod, authenticationData: data },
  };
  return {
    peer: { address, port: 50_000 },
    listener,
    connect,
    data,
    state: credentials.state,
    current: credentials.current,
    gone: credentials.gone ?? new AbortController().signal,
    ...more,
  };
}

/** An answer in one text, for comparing: `accept NAME`, `refuse 0x86 CHECK`, `challenge`, or `nothing`. */
export function brief(answer: AuthenticationResult | undefined): string {
  if (answer === undefined) return 'nothing';
  if (answer.kind === 'accept') return `accept ${answer.principal.username ?? answer.principal.identity}`;
  if (answer.kind === 'refuse') return `refuse 0x${answer.reasonCode.toString(16)} ${answer.check}`;
  return answer.kind;
}
