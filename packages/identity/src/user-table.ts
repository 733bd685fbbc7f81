/** The users of one method: what proves each, what a reload changed, and whether one who was let in may stay. */
import { createHmac, randomBytes } from 'node:crypto';
import { NOBODY, type Principal, type Refusal } from '@dunlin/broker';
import { ReasonCode } from '@dunlin/protocol';

/** A user as a method knows it. */
export interface KnownUser<Proof> {
  readonly proof: Proof;
  readonly groups: readonly string[];
  readonly attributes: Readonly<Record<string, string>>;
  readonly disabled: boolean;
}

/** User names, sorted. `changed`: another proof, group, attribute, or disabled or no longer so. */
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

interface Entry<Proof> extends KnownUser<Proof> {
  /** Never given twice in this process: a table that takes the place of another knows none of its principals. */
  readonly number: number;
}

/** Told only to who has proved to be the user. */
export const DISABLED: Refusal = { kind: 'refuse', reasonCode: ReasonCode.notAuthorized, check: 'user-disabled' };

let lastNumber = 0;

export class UserTable<Proof> {
  readonly #name: string;
  readonly #textOf: (proof: Proof) => string;
  #entries: ReadonlyMap<string, Entry<Proof>> = new Map();

  /** `textOf`: the same for two proofs only where they prove the same. */
  constructor(name: string, textOf: (proof: Proof) => string) {
    this.#name = name;
    this.#textOf = textOf;
  }

  /** Takes these users in place of all it had. */
  replace(users: ReadonlyMap<string, KnownUser<Proof>>): UserChanges {
    const former = this.#entries;
    const entries = new Map<string, Entry<Proof>>();
    const changes = { added: [] as string[], removed: [] as string[], changed: [] as string[] };
    for (const [username, user] of users) {
      const entry = former.get(username);
      if (entry !== undefined && this.#asText(entry) === this.#asText(user)) {
        entries.set(username, entry);
        continue;
      }
      lastNumber += 1;
      entries.set(username, { ...user, number: lastNumber });
      changes[entry === undefined ? 'added' : 'changed'].push(username);
    }
    for (const username of former.keys()) if (!entries.has(username)) changes.removed.push(username);
    this.#entries = entries;
    return { added: changes.added.sort(), removed: changes.removed.sort(), changed: changes.changed.sort() };
  }

  /** The same object until the user changes. */
  get(username: string): Entry<Proof> | undefined {
    return this.#entries.get(username);
  }

  /** Text that names the user among those of all methods. */
  identity(username: string): string {
    return `${this.#name}:${username}`;
  }

  principal(username: string, { groups, attributes, number }: Entry<Proof>): Principal {
    const principal: Principal & { readonly [ENTRY]: number } = {
      ...NOBODY,
      username,
      identity: this.identity(username),
      groups,
      attributes,
      [ENTRY]: number,
    };
    return principal;
  }

  /** Refuses whose user was removed, disabled or changed since. */
  review(principal: Principal): Refusal | undefined {
    const entry = this.#entries.get(principal.username ?? '');
    if (entry === undefined) return { kind: 'refuse', reasonCode: ReasonCode.notAuthorized, check: 'user-removed' };
    if (entry.disabled) return DISABLED;
    if (entry.number === (principal as { readonly [ENTRY]?: number })[ENTRY]) return undefined;
    return { kind: 'refuse', reasonCode: ReasonCode.notAuthorized, check: 'user-changed' };
  }

  #asText({ proof, groups, attributes, disabled }: KnownUser<Proof>): string {
    return JSON.stringify([this.#textOf(proof), [...groups].sort(), Object.entries(attributes).sort(), disabled]);
  }
}

/**
 * Chooses for a name that nobody has what it shall look like, among what names have that somebody has: always the same
 * for one name, and spread over all, so that an unknown user is like some known one in whatever way these differ.
 */
export class Likeness<Shape> {
  readonly #key: Uint8Array;
  readonly #fallback: Shape;
  #shapes: readonly Shape[] = [];

  /** `fallback`: where there is none to choose from. `key`: what the choice goes by, which nobody can guess. */
  constructor(fallback: Shape, key: Uint8Array = randomBytes(32)) {
    this.#fallback = fallback;
    this.#key = key;
  }

  replace(shapes: readonly Shape[]): void {
    this.#shapes = shapes;
  }

  of(username: string): Shape {
    if (this.#shapes.length === 0) return this.#fallback;
    const number = createHmac('sha256', this.#key).update(username).digest().readUInt32BE();
    return this.#shapes[number % this.#shapes.length];
  }
}
