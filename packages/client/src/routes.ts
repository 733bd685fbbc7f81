/** Which subscriptions of this client a message belongs to: a trie of their filters. */

import { FilterTree, parseSharedFilter } from '@dunlin/protocol';
import type { ReceivedMessage } from './received-message.ts';
import type { Delivery } from './receiving.ts';
import type { Subscription } from './subscription.ts';

/** The subscriptions of one client by filter. */
export class Routes {
  readonly #trie = new FilterTree<Subscription>();
  readonly #byFilter = new Map<string, Set<Subscription>>();
  readonly #found: Subscription[] = [];

  /** Adds a subscription under each of its filters. */
  add(subscription: Subscription): void {
    for (const filter of subscription.filters) {
      const others = this.#byFilter.get(filter);
      if (others === undefined) this.#byFilter.set(filter, new Set([subscription]));
      else others.add(subscription);
      this.#trie.add(topicFilterOf(filter), subscription);
    }
  }

  /** Removes a subscription; returns the filters that no other subscription has. */
  remove(subscription: Subscription): string[] {
    return subscription.filters.filter((filter) => {
      const others = this.#byFilter.get(filter);
      if (!others?.delete(subscription)) return false;
      this.#trie.remove(topicFilterOf(filter), subscription);
      if (others.size > 0) return false;
      this.#byFilter.delete(filter);
      return true;
    });
  }

  /** The filters of a subscription that no other subscription has. */
  onlyOf(subscription: Subscription): string[] {
    return subscription.filters.filter((filter) => this.#byFilter.get(filter)?.size === 1);
  }

  /** The subscriptions with this very filter. */
  withFilter(filter: string): Subscription[] {
    return [...(this.#byFilter.get(filter) ?? [])];
  }

  /** Every subscription, each once. */
  all(): Set<Subscription> {
    return new Set([...this.#byFilter.values()].flatMap((subscriptions) => [...subscriptions]));
  }

  /** Hands a message to its subscriptions; acknowledges it when all of them have room for it. */
  deliver({ message, acknowledge }: Delivery): void {
    const subscriptions = this.#matching(message);
    let holders = 1;
    const release = (): void => {
      holders -= 1;
      if (holders === 0) acknowledge();
    };
    const shared: Delivery = { message, acknowledge: release };
    for (const subscription of subscriptions) if (!subscription.deliver(shared)) holders += 1;
    release();
  }

  /** A copy, since a handler may subscribe and unsubscribe. Filters of one subscription may overlap: it gets one. */
  #matching({ topic }: ReceivedMessage): Iterable<Subscription> {
    this.#found.length = 0;
    this.#trie.collect(topic, this.#found);
    return this.#found.length === 1 ? [this.#found[0]] : new Set(this.#found);
  }
}

/** What a filter is matched by: that of a Shared Subscription stands behind `$share/name/`. */
function topicFilterOf(filter: string): string {
  return parseSharedFilter(filter)?.filter ?? filter;
}
