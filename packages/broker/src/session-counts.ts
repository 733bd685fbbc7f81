/**
 * What sessions take beside their state: how many that outlive their connections each user has, since who is let in with
 * one name may hold many of them, and the memory of their names.
 */
import type { Principal } from './ports.ts';
import type { Session } from './session.ts';

/** Who has a session. */
type Names = Pick<Principal, 'username' | 'identity'>;

/** What the names of a session take at the most. */
export function nameBytes(clientId: string, { username = '', identity = '' }: Names): number {
  return 2 * (clientId.length + username.length + identity.length);
}

export class SessionCounts {
  readonly #byUsername = new Map<string, number>();
  #nameBytes = 0;

  /** Of the names of all sessions. */
  get nameBytes(): number {
    return this.#nameBytes;
  }

  /** Sessions of a user; 0 for who has no name. */
  of(username: string | undefined): number {
    return username === undefined ? 0 : (this.#byUsername.get(username) ?? 0);
  }

  /** The names of the session are kept, in place of those it had. */
  keepNames(session: Session, names: Names): void {
    this.#nameBytes -= session.nameBytes;
    session.nameBytes = nameBytes(session.clientId, names);
    this.#nameBytes += session.nameBytes;
  }

  /** The session belongs to a user from here on, in place of whoever had it. */
  own(session: Session, username: string | undefined): void {
    if (session.username === username) return;
    this.#disown(session);
    session.username = username;
    if (username !== undefined) this.#byUsername.set(username, this.of(username) + 1);
  }

  /** The session ends. */
  forget(session: Session): void {
    this.#nameBytes -= session.nameBytes;
    session.nameBytes = 0;
    this.#disown(session);
  }

  #disown(session: Session): void {
    const { username } = session;
    if (username === undefined) return;
    session.username = undefined;
    const left = this.of(username) - 1;
    if (left > 0) this.#byUsername.set(username, left);
    else this.#byUsername.delete(username);
  }
}
