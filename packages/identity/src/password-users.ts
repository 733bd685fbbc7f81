/** Users with a password: the method behind the password file and the users of the configuration. */
import type { AuthenticationRequest, AuthenticationResult, Principal, Refusal } from '@dunlin/broker';
import { ReasonCode } from '@dunlin/protocol';
import type { Method } from './method.ts';
import { type PasswordHash, parseHash } from './password-hash.ts';
import type { PasswordVerifier } from './password-verifier.ts';
import { DISABLED, type KnownUser, Likeness, type UserChanges, UserTable } from './user-table.ts';

/** What an unknown user costs where there is no known one: argon2id as it is written. */
const DEFAULT_HASH = parseHash(`$argon2id$v=19$m=19456,t=2,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`);

export class PasswordUsers implements Method {
  readonly name: string;
  readonly #verifier: PasswordVerifier;
  readonly #users: UserTable<PasswordHash>;
  /** So that unknown users cost what known ones do, even where these have hashes of several formats. */
  readonly #likeness = new Likeness<PasswordHash>(DEFAULT_HASH);

  constructor(name: string, verifier: PasswordVerifier) {
    this.name = name;
    this.#verifier = verifier;
    this.#users = new UserTable(name, ({ text }) => text);
  }

  /** Takes these users in place of all it had. */
  replace(users: ReadonlyMap<string, KnownUser<PasswordHash>>): UserChanges {
    const changes = this.#users.replace(users);
    for (const username of [...changes.removed, ...changes.changed])
      this.#verifier.forget(this.#users.identity(username));
    this.#likeness.replace(Array.from(users.values(), ({ proof }) => proof));
    return changes;
  }

  async authenticate({ connect, gone }: AuthenticationRequest): Promise<AuthenticationResult | undefined> {
    const { username, password } = connect;
    if (username === undefined) return undefined;
    const entry = this.#users.get(username);
    // A password of no bytes is none: nobody has it, and it costs nothing to say so.
    if (password === undefined || password.length === 0)
      return entry === undefined ? undefined : refusal('there is no password');
    const identity = this.#users.identity(username);
    if (entry === undefined) {
      const spent = await this.#verifier.pretend(identity, this.#likeness.of(username), password, gone);
      return spent === 'busy' ? BUSY : undefined;
    }
    const verdict = await this.#verifier.verify(identity, entry.proof, password, gone);
    if (verdict === 'busy') return BUSY;
    if (verdict === 'wrong') return refusal('the password is wrong');
    // The users may have changed meanwhile: what counts is what holds now.
    const isSame = this.#users.get(username) === entry;
    if (isSame && !entry.disabled) return { kind: 'accept', principal: this.#users.principal(username, entry) };
    this.#verifier.forget(identity);
    return isSame ? DISABLED : refusal('the user changed while the password was checked');
  }

  review(principal: Principal): Refusal | undefined {
    return this.#users.review(principal);
  }
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
