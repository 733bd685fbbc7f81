/** The Authenticator that accepts everybody and supports no enhanced authentication: for embedding, tests and loopback. */
import type { AuthenticationRequest, AuthenticationResult, Authenticator } from '../ports.ts';

const noAttributes: Readonly<Record<string, string>> = Object.freeze({});

/**
 * Accepts every client as whoever it says it is; a password is not looked at.
 *
 * The principal carries the User Name of CONNECT, no attributes, and never expires.
 */
export class AnonymousAuthenticator implements Authenticator {
  supports(_method: string): boolean {
    return false;
  }

  authenticate(request: AuthenticationRequest): AuthenticationResult {
    const { username } = request.connect;
    return {
      kind: 'accept',
      principal: { username, attributes: noAttributes, certificateSerial: undefined, expiresAtMs: Infinity },
    };
  }
}
