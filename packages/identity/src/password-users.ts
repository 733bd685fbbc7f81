/** Users with a password: the method behind the password file and the users of the configuration. */
import { createHmac, randomBytes } from 'node:crypto';
import {
  type AuthenticationRequest,
  type AuthenticationResult,
  NOBODY,
  type Principal,
  type Refusal,
} from '@dunlin/broker';
import { ReasonCode } from '@dunlin/protocol';
import type { Method } from './method.ts';
import { type PasswordHash, parseHash } from './password-hash.ts';
import type { PasswordVerifier } from './password-verifier.ts';

/** A user as a method knows it. */
export interface PasswordUser {
  readonly hash: PasswordHash;
  readonly groups: readonly string[];
  readonly attributes: Readonly<Record<string, string>>;
  readonly disabled: boolean;
}

/** User names, sorted. `changed`: another hash, group, attribute, or disabled or no longer so. */
export interface UserChanges {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
}

/**
 * Which entry let a principal in, so that a review knows whether it is still that one. A symbol, so that it goes along
 * where a principal is copied and stands in no event.
 */
const ENTRY = Symbol('entry');

interface Entry extends PasswordUser {
  /** Never given twice. */
  readonly number: number;
}

/** What an unknown user costs where there is no known one: argon2id as it is written. */
const DEFAULT_HASH = parseHash(`$argon2id$v=19$m=19456,t=2,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`);

export class PasswordUsers implements Method {
  readonly name: string;
  readonly #verifier: PasswordVerifier;
  readonly #key = randomBytes(32);
  #entries: ReadonlyMap<string, Entry> = new Map();
  #hashes: readonly PasswordHash[] = [];
  #lastNumber = 0;

  constructor(name: string, verifier: PasswordVerifier) {
    this.name = name;
    this.#verifier = verifier;
  }

  /** Takes these users in place of all it had. Who was let in as one that changed is refused by `review`. */
  replace(users: ReadonlyMap<string, PasswordUser>): UserChanges {
    const former = this.#entries;
    const entries = new Map<string, Entry>();
    const changes = { added: [] as string[], removed: [] as string[], changed: [] as string[] };
    for (const [username, user] of users) {
      const entry = former.get(username);
      if (entry !== undefined && isSame(entry, user)) {
        entries.set(username, entry);
        continue;
      }
      this.#lastNumber += 1;
      entries.set(username, { ...user, number: this.#lastNumber });
      changes[entry === undefined ? 'added' : 'changed'].push(username);
    }
    for (const username of former.keys()) if (!entries.has(username)) changes.removed.push(username);
    for (const username of [...changes.removed, ...changes.changed]) this.#verifier.forget(this.#identity(username));
    this.#entries = entries;
    this.#hashes = [...entries.values()].map(({ hash }) => hash);
    return { added: changes.added.sort(), removed: changes.removed.sort(), changed: changes.changed.sort() };
  }

  async authenticate({ connect }: AuthenticationRequest): Promise<AuthenticationResult | undefined> {
    const { username, password } = connect;
    if (username === undefined) return undefined;
    const entry = this.#entries.get(username);
    // A password of no bytes is none: nobody has it, and it costs nothing to say so.
    if (password === undefined || password.length === 0)
      return entry === undefined ? undefined : refusal('there is no password');
    const identity = this.#identity(username);
    if (entry === undefined) {
      const spent = await this.#verifier.pretend(identity, this.#hashLike(username), password);
      return spent === 'busy' ? BUSY : undefined;
    }
    const verdict = await this.#verifier.verify(identity, entry.hash, password);
    if (verdict === 'busy') return BUSY;
    if (verdict === 'wrong') return refusal('the password is wrong');
    // The users may have changed meanwhile: what counts is what holds now.
    if (this.#entries.get(username) !== entry) {
      this.#verifier.forget(identity);
      return refusal('the user changed while the password was checked');
    }
    if (entry.disabled) {
      this.#verifier.forget(identity);
      return DISABLED;
    }
    const { groups, attributes, number } = entry;
    const principal: Principal & { readonly [ENTRY]: number } = {
      ...NOBODY,
      ...{ username, identity, groups, attributes },
      [ENTRY]: number,
    };
    return { kind: 'accept', principal };
  }

  review(principal: Principal): Refusal | undefined {
    const entry = this.#entries.get(principal.username ?? '');
    if (entry === undefined) return { kind: 'refuse', reasonCode: ReasonCode.notAuthorized, check: 'user-removed' };
    if (entry.disabled) return DISABLED;
    if (entry.number === (principal as { readonly [ENTRY]?: number })[ENTRY]) return undefined;
    return { kind: 'refuse', reasonCode: ReasonCode.notAuthorized, check: 'user-changed' };
  }

  /**
   * The hash of some user, always the same for one name: so unknown users cost what known ones do, even where these have
   * hashes of several formats.
   */
  #hashLike(username: string): PasswordHash {
    if (this.#hashes.length === 0) return DEFAULT_HASH;
    const number = createHmac('sha256', this.#key).update(username).digest().readUInt32BE();
    return this.#hashes[number % this.#hashes.length];
  }

  #identity(username: string): string {
    return `${this.name}:${username}`;
  }
}

function isSame(a: PasswordUser, b: PasswordUser): boolean {
  return asText(a) === asText(b);
}

function asText({ hash, groups, attributes, disabled }: PasswordUser): string {
  return JSON.stringify([hash.text, [...groups].sort(), Object.entries(attributes).sort(), disabled]);
}

function refusal(detail: string): Refusal {
  return { kind: 'refuse', reasonCode: ReasonCode.badUserNameOrPassword, check: 'password', detail };
}

const BUSY: Refusal = {
  kind: 'refuse',
  reasonCode: ReasonCode.serverBusy,
  check: 'password-backlog',
  detail: 'too many passwords wait to be checked',
};

/** Told only to who has the right password. */
const DISABLED: Refusal = { kind: 'refuse', reasonCode: ReasonCode.notAuthorized, check: 'user-disabled' };
