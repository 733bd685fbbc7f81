/** How many sessions that outlive their connections each user has: who is let in with one name may hold many of them. */
import type { Session } from './session.ts';

export class SessionCounts {
  readonly #byUsername = new Map<string, number>();

  /** Sessions of a user; 0 for who has no name. */
  of(username: string | undefined): number {
    return username === undefined ? 0 : (this.#byUsername.get(username) ?? 0);
  }

  /** The session belongs to a user from here on, in place of whoever had it. */
  own(session: Session, username: string | undefined): void {
    if (session.username === username) return;
    this.forget(session);
    session.username = username;
    if (username !== undefined) this.#byUsername.set(username, this.of(username) + 1);
  }

  /** The session ends. */
  forget(session: Session): void {
    const { username } = session;
    if (username === undefined) return;
    session.username = undefined;
    const left = this.of(username) - 1;
    if (left > 0) this.#byUsername.set(username, left);
    else this.#byUsername.delete(username);
  }
}
