/**
 * A shared subscription: the members of `$share/<group>/<filter>` and whose turn it is (section 4.8.2).
 *
 * Round robin among the members that are there and have room; where none is there the message waits with a member that
 * is absent. Those that are there and those that are not stand in lists of their own, so that a thousand absent members
 * cost a message nothing. The order inside a group is not promised.
 */
import { mayReceive } from './delivery-checks.ts';
import type { Message } from './message.ts';
import type { Session } from './session.ts';
import type { Subscription } from './subscription.ts';

export class ShareGroup {
  /** With `$share/<group>/`. */
  readonly filter: string;
  readonly #present: Subscription[] = [];
  readonly #absent: Subscription[] = [];
  #next = 0;
  #nextAbsent = 0;

  constructor(filter: string) {
    this.filter = filter;
  }

  get size(): number {
    return this.#present.length + this.#absent.length;
  }

  add(member: Subscription): void {
    this.#listOf(member).push(member);
  }

  remove(member: Subscription): void {
    if (!this.#removeFrom(this.#listOf(member), member)) this.#removeFrom(this.#otherListOf(member), member);
  }

  /** Whether a message may come to a session with stored state. */
  get hasStored(): boolean {
    return [...this.#present, ...this.#absent].some(({ session }) => session.isStored);
  }

  /** The session of a member has come or gone. */
  presenceChanged(member: Subscription): void {
    if (this.#removeFrom(this.#otherListOf(member), member)) this.add(member);
  }

  /** The member that takes the next message, or undefined where nobody can, or may. */
  choose(message: Message): Subscription | undefined {
    const members = this.#present;
    let waiting: number | undefined;
    for (let tried = 0, index = this.#next; tried < members.length; tried++, index++) {
      if (index >= members.length) index = 0;
      const { session, identifiers } = members[index];
      if (session.checksDeliveries && !mayReceive(session, message)) continue;
      if (session.hasRoomFor(message, identifiers)) {
        this.#next = index + 1;
        return members[index];
      }
      if (waiting === undefined && session.fits(message, identifiers)) waiting = index;
    }
    if (waiting === undefined) return message.qos === 0 ? undefined : this.#chooseAbsent(message);
    this.#next = waiting + 1;
    return members[waiting];
  }

  /** A member that is there and has no part in the message because it may not receive it; undefined where none is. */
  denied(message: Message): Session | undefined {
    for (const { session } of this.#present)
      if (session.checksDeliveries && !mayReceive(session, message)) return session;
    return undefined;
  }

  #chooseAbsent(message: Message): Subscription | undefined {
    const members = this.#absent;
    for (let tried = 0, index = this.#nextAbsent; tried < members.length; tried++, index++) {
      if (index >= members.length) index = 0;
      const { session } = members[index];
      if (!session.isStored || (session.checksDeliveries && !mayReceive(session, message))) continue;
      this.#nextAbsent = index + 1;
      return members[index];
    }
    return undefined;
  }

  #listOf({ session }: Subscription): Subscription[] {
    return session.connection === undefined ? this.#absent : this.#present;
  }

  #otherListOf({ session }: Subscription): Subscription[] {
    return session.connection === undefined ? this.#present : this.#absent;
  }

  #removeFrom(list: Subscription[], member: Subscription): boolean {
    const index = list.indexOf(member);
    if (index < 0) return false;
    list.splice(index, 1);
    if (list === this.#present && index < this.#next) this.#next -= 1;
    if (list === this.#absent && index < this.#nextAbsent) this.#nextAbsent -= 1;
    return true;
  }
}
