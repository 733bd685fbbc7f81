/** The method `passwordFile`: users of a file of Mosquitto's format, `user:hash` lines. */
import { parseCredentials, readCredentialText } from './credential-file.ts';
import type { Method } from './method.ts';
import { type PasswordHash, parseHash } from './password-hash.ts';
import { PasswordUsers } from './password-users.ts';
import type { PasswordVerifier } from './password-verifier.ts';
import type { KnownUser, UserChanges } from './user-table.ts';

export interface PasswordFileOptions {
  /** As the configuration calls it. */
  readonly name: string;
  readonly file: string;
  /** That of the server. */
  readonly verifier: PasswordVerifier;
}

export interface PasswordFileMethod extends Method {
  /** Reads the file again; what it returns puts that in force. Throws a `CredentialFileError` with every line at fault. */
  prepareReload(): () => UserChanges;
}

/**
 * Reads the file now; throws a `CredentialFileError`.
 *
 * A user that the file has is let in with the right password and else refused (0x86); of others it says nothing, after
 * the same work. A user of the file without a password is refused, so name a method that needs none before this one.
 */
export function passwordFile({ name, file, verifier }: PasswordFileOptions): PasswordFileMethod {
  const users = new PasswordUsers(name, verifier);
  const prepareReload = (): (() => UserChanges) => {
    const read = readUsers(file);
    return () => users.replace(read);
  };
  prepareReload()();
  return {
    name,
    authenticate: (request) => users.authenticate(request),
    review: (principal) => users.review(principal),
    prepareReload,
  };
}

function readUsers(file: string): Map<string, KnownUser<PasswordHash>> {
  const credentials = parseCredentials(file, readCredentialText(file), parseHash);
  return new Map(
    credentials.map(({ user, value }) => [user, { proof: value, groups: [], attributes: {}, disabled: false }]),
  );
}
