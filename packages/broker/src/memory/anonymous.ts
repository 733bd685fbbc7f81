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
 * Accepts every client; user name and password are not looked at.
 *
 * The principal has no user name, since nobody has checked the one in CONNECT, no attributes, and never expires.
 */
export class AnonymousAuthenticator implements Authenticator {
  supports(_method: string): boolean {
    return false;
  }

  authenticate(_request: AuthenticationRequest): AuthenticationResult {
    return { kind: 'accept', principal: NOBODY };
  }
}
