/** Owners of devices sign in as users of the configuration: the methods and guards are those by which clients come in. */
import { type Authenticator, type Refusal, shownUsername } from '@dunlin/broker';
import { ReasonCode } from '@dunlin/protocol';
import type { HttpFacts } from './api-route.ts';
import type { OwnerSessions } from './owner-sessions.ts';
import { ApiProblem } from './problems.ts';

/** Shown to a method that is asked by Client Identifier, such as a service of HTTP. */
const CLIENT_ID = 'dunlin/claim';
const NAME_BYTES_MAX = 256;
const PASSWORD_BYTES_MAX = 1_024;

export interface SignInEvents {
  readonly signedIn: (owner: string, address: string, listener: string) => void;
  readonly refused: (username: string, address: string, listener: string, check: string) => void;
}

export interface SignInParts {
  readonly sessions: OwnerSessions;
  /** Who is asked at a listener; undefined: nobody there is an owner. */
  readonly ownersAt: (listener: string) => Authenticator | undefined;
  readonly tell: SignInEvents;
}

/** Returns the cookie of the session. @throws ApiProblem sign-in-refused, too-many-requests, too-busy */
export async function signIn(
  { sessions, ownersAt, tell }: SignInParts,
  { username, password }: { readonly username: string; readonly password: string },
  { peer, listener, isSecure }: HttpFacts,
  gone: AbortSignal,
): Promise<string> {
  const authenticator = ownersAt(listener);
  const isTooLong = Buffer.byteLength(username) > NAME_BYTES_MAX || Buffer.byteLength(password) > PASSWORD_BYTES_MAX;
  if (authenticator === undefined || peer === undefined || username === '' || password === '' || isTooLong)
    throw refused();
  const { address, port } = peer;
  const result = await authenticator.authenticate({
    // Without certificates: a user signs in with a password.
    peer: { address, port },
    listener,
    connect: {
      type: 'connect',
      protocolVersion: 5,
      bridge: false,
      clientId: CLIENT_ID,
      cleanStart: true,
      keepAlive: 0,
      username,
      password: Buffer.from(password),
      properties: {},
    },
    data: undefined,
    state: undefined,
    current: undefined,
    gone,
  });
  const owner = result.kind === 'accept' ? result.principal.username : undefined;
  if (result.kind !== 'accept' || owner === undefined || owner === '') {
    const check = result.kind === 'refuse' ? result.check : 'unknown-user';
    tell.refused(shownUsername(username) ?? '', address, listener, check);
    throw result.kind === 'refuse' ? problemOf(result) : refused();
  }
  tell.signedIn(owner, address, listener);
  return sessions.begin(owner, result.principal, authenticator, isSecure);
}

/** Whoever guesses learns no more than a client of MQTT does. */
function problemOf({ reasonCode }: Refusal): ApiProblem {
  switch (reasonCode) {
    case ReasonCode.banned:
      return new ApiProblem('too-many-requests', 'Cannot sign anybody in for now: too many attempts were wrong');
    case ReasonCode.serverBusy:
    case ReasonCode.serverUnavailable:
      return new ApiProblem('too-busy', 'Cannot find out who you are just now: try again later');
    default:
      return refused();
  }
}

function refused(): ApiProblem {
  return new ApiProblem('sign-in-refused', 'Cannot sign you in: a user name and its password are expected');
}
