/** The method `users`: users written into the configuration, with the hash of a password. */
import { userProblem } from './credential-file.ts';
import type { Method } from './method.ts';
import { type PasswordHash, parseHash } from './password-hash.ts';
import { PasswordUsers } from './password-users.ts';
import type { PasswordVerifier } from './password-verifier.ts';
import type { KnownUser, UserChanges } from './user-table.ts';

/** A user of the configuration. */
export interface ConfiguredUser {
  readonly name: string;
  /** A hash as `dunlin passwd --hash` prints it, never the password itself. */
  readonly password: string;
  /** Default: none. */
  readonly groups?: readonly string[];
  /** Default: none. */
  readonly attributes?: Readonly<Record<string, string>>;
  /** Default: false. */
  readonly disabled?: boolean;
}

export interface UsersOptions {
  /** As the configuration calls it. */
  readonly name: string;
  readonly users: readonly ConfiguredUser[];
  /** That of the server. */
  readonly verifier: PasswordVerifier;
}

export interface UsersMethod extends Method {
  /** Checks these users; what it returns puts them in place of all it had. Throws a `UsersError`. */
  prepareReload(users: readonly ConfiguredUser[]): () => UserChanges;
}

/** Users of the configuration cannot be used. Says which, and repeats no password. */
export class UsersError extends Error {
  override readonly name = 'UsersError';
  readonly code = 'users';
}

/** Answers as `passwordFile` does. Throws a `UsersError`. */
export function users({ name, users: configured, verifier }: UsersOptions): UsersMethod {
  const known = new PasswordUsers(name, verifier);
  const prepareReload = (list: readonly ConfiguredUser[]): (() => UserChanges) => {
    const read = readUsers(list);
    return () => known.replace(read);
  };
  prepareReload(configured)();
  return {
    name,
    authenticate: (request) => known.authenticate(request),
    review: (principal) => known.review(principal),
    prepareReload,
  };
}

function readUsers(list: readonly ConfiguredUser[]): Map<string, KnownUser<PasswordHash>> {
  const read = new Map<string, KnownUser<PasswordHash>>();
  for (const { name, password, groups = [], attributes = {}, disabled = false } of list) {
    const problem = userProblem(name) ?? (read.has(name) ? 'the user is here twice, expected once' : undefined);
    if (problem !== undefined) throw new UsersError(`Cannot use the user ${JSON.stringify(name)}: ${problem}`);
    read.set(name, { proof: hashOf(name, password), groups, attributes, disabled });
  }
  return read;
}

function hashOf(name: string, password: string): PasswordHash {
  try {
    return parseHash(password);
  } catch (error) {
    throw new UsersError(`Cannot use the user ${JSON.stringify(name)}: ${(error as Error).message}`);
  }
}
