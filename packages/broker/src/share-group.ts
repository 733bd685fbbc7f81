/**
 * A shared subscription: the members of `$share/<group>/<filter>` and whose turn it is (section 4.8.2).
 *
 * Round robin among connected members that have room; where none is connected the message waits with a member whose
 * session is stored. The order inside a group is not promised.
 */
import type { Message } from './message.ts';
import type { Session } from './session.ts';
import type { Subscription } from './subscription.ts';

export class ShareGroup {
  /** With `$share/<group>/`. */
  readonly filter: string;
  readonly #members: Subscription[] = [];
  #next = 0;

  constructor(filter: string) {
    this.filter = filter;
  }

  get size(): number {
    return this.#members.length;
  }

  add(member: Subscription): void {
    this.#members.push(member);
  }

  remove(member: Subscription): void {
    const index = this.#members.indexOf(member);
    if (index < 0) return;
    this.#members.splice(index, 1);
    if (index < this.#next) this.#next -= 1;
  }

  /** The member that takes the next message, or undefined where nobody can. */
  choose(message: Message): Subscription | undefined {
    const members = this.#members;
    let waiting: number | undefined;
    let stored: number | undefined;
    for (let tried = 0, index = this.#next; tried < members.length; tried++, index++) {
      if (index >= members.length) index = 0;
      const session: Session = members[index].session;
      if (session.hasRoomFor(message)) return this.#take(index);
      if (session.isConnected) {
        if (waiting === undefined && session.fits(message)) waiting = index;
      } else if (stored === undefined && session.isStored) stored = index;
    }
    const last = waiting ?? stored;
    return last === undefined ? undefined : this.#take(last);
  }

  #take(index: number): Subscription {
    this.#next = index + 1;
    return this.#members[index];
  }
}
