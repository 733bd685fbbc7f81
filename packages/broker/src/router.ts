/**
 * The router: which subscriptions want a topic.
 *
 * Filters live in a trie. The answer for a topic is kept on the Topic itself, so that a busy topic is matched once.
 * What keeps those answers honest are generations: each first level that filters begin with has one, and so have the
 * filters that begin with a wildcard. A changed subscription moves only the generation of its first level, so that only
 * the topics below it are matched again.
 */
import { FilterTrie } from '@dunlin/protocol';
import { ShareGroup } from './share-group.ts';
import { merge, type Subscription } from './subscription.ts';
import type { Topic } from './topics.ts';

export interface Generation {
  /** Moves with every change below its first level. */
  count: number;
  filters: number;
}

/** Who wants a topic: one subscription per session, and one group per shared filter. */
export interface Matches {
  readonly subscriptions: readonly Subscription[];
  readonly groups: readonly ShareGroup[];
}

const NOBODY: Matches = { subscriptions: [], groups: [] };
/** What one filter adds to the answer for a topic: its place, or its identifiers in what they are merged into. */
const MATCH_BYTES = 16;

export class Router {
  readonly #trie = new FilterTrie<Subscription | ShareGroup>();
  /** By filter as the client wrote it, `$share/<group>/` included. */
  readonly #groups = new Map<string, ShareGroup>();
  readonly #generations = new Map<string, Generation>();
  #wildGeneration = 0;
  readonly #found: (Subscription | ShareGroup)[] = [];
  readonly #mayKeep: (topic: Topic, bytes: number) => boolean;
  #size = 0;

  /** `mayKeep` is asked whether a topic may keep an answer of so many bytes. Default: always. */
  constructor(mayKeep: (topic: Topic, bytes: number) => boolean = () => true) {
    this.#mayKeep = mayKeep;
  }

  /** Subscriptions, shared ones counted once for each member. */
  get size(): number {
    return this.#size;
  }

  add(subscription: Subscription): void {
    this.#size += 1;
    const filter = plainFilter(subscription.filter);
    this.#moved(filter, 1);
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
    const filter = plainFilter(subscription.filter);
    this.#moved(filter, -1);
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

  /** The members of a shared filter, for handing a message over; undefined where there are none. */
  group(filter: string): ShareGroup | undefined {
    return this.#groups.get(filter);
  }

  match(topic: Topic): Matches {
    const known = topic.matches;
    if (
      known !== undefined &&
      topic.wildGenerationSeen === this.#wildGeneration &&
      (topic.generation === undefined || topic.generation.count === topic.generationSeen)
    )
      return known;
    return this.#matchAgain(topic);
  }

  #matchAgain(topic: Topic): Matches {
    const generation = this.#generations.get(firstLevel(topic.name));
    topic.generation = generation;
    topic.generationSeen = generation === undefined ? 0 : generation.count;
    topic.wildGenerationSeen = this.#wildGeneration;
    const found = this.#found;
    this.#trie.collect(topic.name, found);
    const matches = found.length === 0 ? NOBODY : sorted(found);
    topic.matches = this.#mayKeep(topic, found.length * MATCH_BYTES) ? matches : undefined;
    found.length = 0;
    return matches;
  }

  #moved(filter: string, by: 1 | -1): void {
    const level = firstLevel(filter);
    if (level === '+' || level === '#') {
      this.#wildGeneration += 1;
      return;
    }
    let generation = this.#generations.get(level);
    if (generation === undefined) {
      // Topics matched before know no generation for this level: they are found by the other one.
      generation = { count: 0, filters: 0 };
      this.#generations.set(level, generation);
      this.#wildGeneration += 1;
    }
    generation.count += 1;
    generation.filters += by;
    if (generation.filters === 0) {
      this.#generations.delete(level);
      this.#wildGeneration += 1;
    }
  }
}

/** One entry per session: overlapping subscriptions of a session become one. */
function sorted(found: readonly (Subscription | ShareGroup)[]): Matches {
  const subscriptions: Subscription[] = [];
  const groups: ShareGroup[] = [];
  for (const entry of found) {
    if (entry instanceof ShareGroup) groups.push(entry);
    else subscriptions.push(entry);
  }
  if (subscriptions.length < 2) return { subscriptions, groups };
  const bySession = new Map<object, Subscription | Subscription[]>();
  for (const subscription of subscriptions) {
    const others = bySession.get(subscription.session);
    if (others === undefined) bySession.set(subscription.session, subscription);
    else if (Array.isArray(others)) others.push(subscription);
    else bySession.set(subscription.session, [others, subscription]);
  }
  if (bySession.size === subscriptions.length) return { subscriptions, groups };
  return { subscriptions: Array.from(bySession.values(), (one) => (Array.isArray(one) ? merge(one) : one)), groups };
}

/** The filter that topics are compared with: without `$share/<group>/`. */
export function plainFilter(filter: string): string {
  if (!filter.startsWith('$share/')) return filter;
  return filter.slice(filter.indexOf('/', 7) + 1);
}

function firstLevel(text: string): string {
  const end = text.indexOf('/');
  return end < 0 ? text : text.slice(0, end);
}
