/** The Authenticator that accepts everybody and supports no enhanced authentication: for embedding, tests and loopback. */
import type { AuthenticationRequest, AuthenticationResult, Authenticator, Principal } from '../ports.ts';

/** Of whom nothing is known. */
export const NOBODY: Principal = Object.freeze({
  username: undefined,
  identity: undefined,
  attributes: Object.freeze({}),
  groups: Object.freeze([]),
  certificate: undefined,
  expiresAtMs: Infinity,
  claims: undefined,
});

/**
 * Accepts every client as whoever it says it is; a password is not looked at.
 *
 * The principal carries the User Name of CONNECT, nothing else, and never expires.
 */
export class AnonymousAuthenticator implements Authenticator {
  supports(_method: string): boolean {
    return false;
  }

  authenticate(request: AuthenticationRequest): AuthenticationResult {
    const { username } = request.connect;
    return {
      kind: 'accept',
      principal: { ...NOBODY, username },
    };
  }
}
