/** An Authenticator for tests that believes every name: the identity of "ada" is "test:ada". */
import { NOBODY } from '../memory/anonymous.ts';
import type { AuthenticationRequest, AuthenticationResult, Authenticator, Principal } from '../ports.ts';

export class NamingAuthenticator implements Authenticator {
  supports(_method: string): boolean {
    return true;
  }

  authenticate({ connect: { username } }: AuthenticationRequest): AuthenticationResult {
    return { kind: 'accept', principal: named(username) };
  }
}

/** The principal of a name; without one somebody nobody asked. */
export function named(username: string | undefined): Principal {
  return { ...NOBODY, username, identity: username === undefined ? undefined : `test:${username}` };
}
