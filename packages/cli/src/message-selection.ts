/** Which messages `dunlin sub` prints, and which one is the last. */

import { FilterTrie } from '@dunlin/protocol';
import type { ShownMessage } from './shown-message.ts';
import type { SubFlags } from './sub-flags.ts';

/** What to do with a message; all false: nothing. */
export interface Verdict {
  readonly isPrinted: boolean;
  /** Clear it at the server. */
  readonly isRemoved: boolean;
  /** No further message is wanted. */
  readonly isLast: boolean;
}

const NOTHING: Verdict = { isPrinted: false, isRemoved: false, isLast: false };

/** Judges messages in the order they come, as mosquitto_sub does. */
export class MessageSelection {
  readonly #flags: SubFlags;
  readonly #filteredOut = new FilterTrie<true>();
  #printed = 0;
  #isOver = false;

  constructor(flags: SubFlags) {
    this.#flags = flags;
    for (const filter of flags.filterOut) this.#filteredOut.add(filter, true);
  }

  judge({ topic, retain }: Pick<ShownMessage, 'topic' | 'retain'>): Verdict {
    if (this.#isOver) return NOTHING;
    const { retainedOnly, removeRetained, skipRetained, randomFilter, count } = this.#flags;
    if (retainedOnly && !retain) {
      this.#isOver = true;
      return { ...NOTHING, isLast: true };
    }
    if ((skipRetained && retain) || this.#isFilteredOut(topic)) return NOTHING;
    const isRemoved = removeRetained && retain;
    if (randomFilter < 100 && Math.random() * 100 >= randomFilter) return { ...NOTHING, isRemoved };
    this.#printed += 1;
    this.#isOver = this.#printed === count;
    return { isPrinted: true, isRemoved, isLast: this.#isOver };
  }

  #isFilteredOut(topic: string): boolean {
    const found: true[] = [];
    this.#filteredOut.collect(topic, found);
    return found.length > 0;
  }
}
