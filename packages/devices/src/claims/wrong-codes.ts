/** Against guessing codes: wrong ones are counted by owner, by address and in all. */
import type { Clock } from '@dunlin/broker';
import { type ClaimLimits, GUESS_WINDOW_MS } from '../limits/claim-limits.ts';
import { Attempts } from './attempts.ts';

/** Who enters a code. */
export interface Guesser {
  readonly owner: string;
  /** Where the owner is; undefined where a program asks for its owners, which all have its address. */
  readonly address: string | undefined;
}

const ALL = 'all';

export class WrongCodes {
  readonly #ofOwner: Attempts;
  readonly #ofAddress: Attempts;
  readonly #inAll: Attempts;

  constructor(clock: Clock, limits: ClaimLimits) {
    const attempts = (most: number): Attempts => new Attempts(clock, GUESS_WINDOW_MS, most);
    this.#ofOwner = attempts(limits.wrongCodesPerOwnerMax);
    this.#ofAddress = attempts(limits.wrongCodesPerAddressMax);
    this.#inAll = attempts(limits.wrongCodesMax);
  }

  /** Counts a code as wrong before it is looked up; false where none is looked up any more. */
  take(guesser: Guesser): boolean {
    const taken: (() => void)[] = [];
    for (const [attempts, name] of this.#countsOf(guesser)) {
      if (attempts.take(name)) taken.push(() => attempts.giveBack(name));
      else {
        for (const giveBack of taken) giveBack();
        return false;
      }
    }
    return true;
  }

  /** It was right. */
  giveBack(guesser: Guesser): void {
    for (const [attempts, name] of this.#countsOf(guesser)) attempts.giveBack(name);
  }

  #countsOf({ owner, address }: Guesser): readonly (readonly [Attempts, string])[] {
    const counts: (readonly [Attempts, string])[] = [
      [this.#ofOwner, owner],
      [this.#inAll, ALL],
    ];
    return address === undefined ? counts : [...counts, [this.#ofAddress, address]];
  }
}
