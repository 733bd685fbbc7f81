/**
 * The router: which subscriptions want a topic.
 *
 * Filters live in a trie. The answer for a topic is kept on the Topic itself, so that a busy topic is matched once.
 * What keeps those answers honest are generations, numbers that move with every change: one for the filters that begin
 * with a wildcard, and a table of them for the others, found by the hash of their first level. So a changed
 * subscription makes only the topics below its first level be matched again, and the few whose first level shares the
 * number by chance.
 */
import { FilterTrie } from '@dunlin/protocol';
import type { InternalSubscription } from './internal-subscribers.ts';
import type { Session } from './session.ts';
import { ShareGroup } from './share-group.ts';
import { merge, type Subscription, subscriptionBytes } from './subscription.ts';
import { firstLevelHash, type Topic } from './topics.ts';

/** Who wants a topic: one subscription per session, one group per shared filter, and who is inside the server. */
export interface Matches {
  readonly subscriptions: readonly Subscription[];
  readonly groups: readonly ShareGroup[];
  readonly internal: readonly InternalSubscription[];
}

type Entry = Subscription | ShareGroup | InternalEntry;

/** Told from the others by its class. */
class InternalEntry {
  readonly subscription: InternalSubscription;

  constructor(subscription: InternalSubscription) {
    this.subscription = subscription;
  }
}

/** Generations for first levels, a power of two. */
const GENERATIONS = 4096;

const NOBODY: Matches = { subscriptions: [], groups: [], internal: [] };
/** What one filter adds to the answer for a topic: its place, or its identifiers in what they are merged into. */
const MATCH_BYTES = 16;

export class Router {
  readonly #trie = new FilterTrie<Entry>();
  /** By filter as the client wrote it, `$share/<group>/` included. */
  readonly #groups = new Map<string, ShareGroup>();
  readonly #generations = new Uint32Array(GENERATIONS);
  #wildGeneration = 0;
  readonly #found: Entry[] = [];
  readonly #mayKeep: (topic: Topic, bytes: number) => boolean;
  #size = 0;
  #bytes = 0;

  /** `mayKeep` is asked whether a topic may keep an answer of so many bytes. Default: always. */
  constructor(mayKeep: (topic: Topic, bytes: number) => boolean = () => true) {
    this.#mayKeep = mayKeep;
  }

  /** Subscriptions, shared ones counted once for each member. */
  get size(): number {
    return this.#size;
  }

  /** What they take in memory, by `subscriptionBytes`. */
  get bytes(): number {
    return this.#bytes;
  }

  add(subscription: Subscription): void {
    this.#size += 1;
    this.#bytes += subscriptionBytes(subscription.filter);
    const filter = plainFilter(subscription.filter);
    this.#moved(filter);
    if (!subscription.isShared) {
      this.#trie.add(filter, subscription);
      return;
    }
    let group = this.#groups.get(subscription.filter);
    if (group === undefined) {
      group = new ShareGroup(subscription.filter);
      this.#groups.set(subscription.filter, group);
      this.#trie.add(filter, group);
    }
    group.add(subscription);
  }

  remove(subscription: Subscription): void {
    this.#size -= 1;
    this.#bytes -= subscriptionBytes(subscription.filter);
    const filter = plainFilter(subscription.filter);
    this.#moved(filter);
    if (!subscription.isShared) {
      this.#trie.remove(filter, subscription);
      return;
    }
    const group = this.#groups.get(subscription.filter);
    if (group === undefined) return;
    group.remove(subscription);
    if (group.size > 0) return;
    this.#groups.delete(subscription.filter);
    this.#trie.remove(filter, group);
  }

  /** Adds one inside the server, which is no client's and is not counted; returns what takes it out. */
  addInternal(subscription: InternalSubscription): () => void {
    const entry = new InternalEntry(subscription);
    const { filter } = subscription;
    this.#moved(filter);
    this.#trie.add(filter, entry);
    return () => {
      this.#moved(filter);
      this.#trie.remove(filter, entry);
    };
  }

  /** The client of a session with shared subscriptions has come or gone. */
  presenceChanged(session: Session): void {
    for (const subscription of session.subscriptions?.values() ?? [])
      if (subscription.isShared) this.#groups.get(subscription.filter)?.presenceChanged(subscription);
  }

  /** The members of a shared filter, for handing a message over; undefined where there are none. */
  group(filter: string): ShareGroup | undefined {
    return this.#groups.get(filter);
  }

  match(topic: Topic): Matches {
    const known = topic.matches;
    if (
      known !== undefined &&
      topic.wildGenerationSeen === this.#wildGeneration &&
      topic.generationSeen === this.#generations[topic.firstLevelHash & (GENERATIONS - 1)]
    )
      return known;
    return this.#matchAgain(topic);
  }

  #matchAgain(topic: Topic): Matches {
    topic.generationSeen = this.#generations[topic.firstLevelHash & (GENERATIONS - 1)];
    topic.wildGenerationSeen = this.#wildGeneration;
    const found = this.#found;
    this.#trie.collect(topic.name, found);
    const matches = found.length === 0 ? NOBODY : sorted(found);
    topic.matches = this.#mayKeep(topic, found.length * MATCH_BYTES) ? matches : undefined;
    found.length = 0;
    return matches;
  }

  #moved(filter: string): void {
    if (filter.startsWith('+') || filter.startsWith('#')) this.#wildGeneration += 1;
    else this.#generations[firstLevelHash(filter) & (GENERATIONS - 1)] += 1;
  }
}

/** One entry per session: overlapping subscriptions of a session become one. */
function sorted(found: readonly Entry[]): Matches {
  const subscriptions: Subscription[] = [];
  const groups: ShareGroup[] = [];
  const internal: InternalSubscription[] = [];
  for (const entry of found) {
    if (entry instanceof ShareGroup) groups.push(entry);
    else if (entry instanceof InternalEntry) internal.push(entry.subscription);
    else subscriptions.push(entry);
  }
  if (subscriptions.length < 2) return { subscriptions, groups, internal };
  const bySession = new Map<object, Subscription | Subscription[]>();
  for (const subscription of subscriptions) {
    const others = bySession.get(subscription.session);
    if (others === undefined) bySession.set(subscription.session, subscription);
    else if (Array.isArray(others)) others.push(subscription);
    else bySession.set(subscription.session, [others, subscription]);
  }
  if (bySession.size === subscriptions.length) return { subscriptions, groups, internal };
  const merged = Array.from(bySession.values(), (one) => (Array.isArray(one) ? merge(one) : one));
  return { subscriptions: merged, groups, internal };
}

/** The filter that topics are compared with: without `$share/<group>/`. */
export function plainFilter(filter: string): string {
  if (!filter.startsWith('$share/')) return filter;
  return filter.slice(filter.indexOf('/', 7) + 1);
}
