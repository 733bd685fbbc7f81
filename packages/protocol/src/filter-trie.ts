/**
 * A set of Topic Filters with values, and the search for all that match a Topic Name (section 4.7).
 *
 * Most filters hold no wildcard: they stand in one flat map and cost one look-up. Those with a wildcard stand in a tree
 * of levels. A topic is matched against the tree level by level, from the front: the nodes that fit the levels so far
 * are the frontier, and each level moves it one step down, over the child of that name and over the child `+`. A `#`
 * below a node of the frontier matches whatever remains, nothing included, so that `a/#` matches `a`. No recursion: a
 * topic of thirty thousand levels costs as much stack as one of two, and no node is looked at twice.
 */

/** Above this a list keeps an index, so that removing many values of one filter stays linear. */
const INDEXED_FROM = 16;
/** Scratch lists longer than this are given up after a match. */
const FRONTIER_KEPT = 4096;
/** V8 copies what is cut out of a text when it is shorter than this. */
const CUT_FROM = 13;

/** Two or more values of one filter. */
class Values<V> {
  readonly list: V[];
  #index: Map<V, number> | undefined = undefined;

  constructor(first: V, second: V) {
    this.list = [first, second];
  }

  add(value: V): void {
    this.#index?.set(value, this.list.length);
    this.list.push(value);
  }

  remove(value: V): boolean {
    if (this.#index === undefined && this.list.length > INDEXED_FROM)
      this.#index = new Map(this.list.map((v, i) => [v, i]));
    // A value that was added twice has lost its place in the index with the first removal.
    const index = this.#index?.get(value) ?? this.list.indexOf(value);
    if (index < 0) return false;
    const last = this.list.pop() as V;
    if (index < this.list.length) {
      this.list[index] = last;
      this.#index?.set(last, index);
    }
    this.#index?.delete(value);
    return true;
  }
}

/** No value, one, or a list of several: most filters have one, and then nothing is wrapped around it. */
type Slot<V> = V | Values<V> | undefined;

class Node<V> {
  readonly level: string;
  /** Values of the filter that ends here, and of the filter that goes on with `#` and ends. */
  here: Slot<V> = undefined;
  rest: Slot<V> = undefined;
  /** The child `+`. */
  any: Node<V> | undefined = undefined;
  /** The only other child, or the map of all others. */
  named: Node<V> | Map<string, Node<V>> | undefined = undefined;

  constructor(level: string) {
    this.level = level;
  }

  child(level: string): Node<V> | undefined {
    const named = this.named;
    if (named === undefined) return undefined;
    if (named instanceof Node) return named.level === level ? named : undefined;
    return named.get(level);
  }

  addChild(level: string): Node<V> {
    const node = new Node<V>(ownText(level));
    if (level === '+') this.any = node;
    else if (this.named === undefined) this.named = node;
    else if (this.named instanceof Node)
      this.named = new Map([
        [this.named.level, this.named],
        [node.level, node],
      ]);
    else this.named.set(node.level, node);
    return node;
  }

  removeChild(node: Node<V>): void {
    if (this.any === node) this.any = undefined;
    else if (this.named === node) this.named = undefined;
    else if (this.named instanceof Map) {
      this.named.delete(node.level);
      if (this.named.size === 1) for (const only of this.named.values()) this.named = only;
    }
  }

  get isEmpty(): boolean {
    return this.here === undefined && this.rest === undefined && this.any === undefined && this.named === undefined;
  }
}

/** Values by Topic Filter. A value (never undefined) may stand under many filters, and a filter may have many. */
export class FilterTrie<V> {
  readonly #exact = new Map<string, Slot<V>>();
  readonly #root = new Node<V>('');
  #size = 0;
  /** Scratch of `collect`, used again by the next one. */
  #frontier: Node<V>[] = [];
  #next: Node<V>[] = [];

  /** Values under all filters. */
  get size(): number {
    return this.#size;
  }

  /** Adds a value. The filter must be well formed; the same pair twice is kept twice. */
  add(filter: string, value: V): void {
    this.#size += 1;
    if (!isWild(filter)) {
      const slot = this.#exact.get(filter);
      const filled = filledSlot(slot, value);
      if (filled !== slot) this.#exact.set(filter, filled);
      return;
    }
    const path = this.#path(filter, true) as Node<V>[];
    const node = path[path.length - 1];
    if (endsInRest(filter)) node.rest = filledSlot(node.rest, value);
    else node.here = filledSlot(node.here, value);
  }

  /** Removes a value once; false where it was not there. Nodes that hold nothing any longer go with it. */
  remove(filter: string, value: V): boolean {
    if (!isWild(filter)) {
      const slot = this.#exact.get(filter);
      const rest = clearedSlot(slot, value);
      if (rest === NOT_FOUND) return false;
      this.#size -= 1;
      if (rest === undefined) this.#exact.delete(filter);
      else if (rest !== slot) this.#exact.set(filter, rest);
      return true;
    }
    const path = this.#path(filter, false);
    if (path === undefined) return false;
    const node = path[path.length - 1];
    const isRest = endsInRest(filter);
    const slot = clearedSlot(isRest ? node.rest : node.here, value);
    if (slot === NOT_FOUND) return false;
    this.#size -= 1;
    if (isRest) node.rest = slot;
    else node.here = slot;
    for (let i = path.length - 1; i > 0 && path[i].isEmpty; i--) path[i - 1].removeChild(path[i]);
    return true;
  }

  /** Appends the values of every filter that matches the Topic Name, in no promised order. */
  collect(topic: string, into: V[]): void {
    gather(this.#exact.get(topic), into);
    if (this.#root.isEmpty) return;
    let frontier = this.#frontier;
    let next = this.#next;
    let width = 1;
    frontier[0] = this.#root;
    // A wildcard in the first level does not match a topic of the server's own [MQTT-4.7.2-1].
    let isWildAllowed = !topic.startsWith('$');
    for (let start = 0, slash = 0; slash >= 0 && width > 0; start = slash + 1) {
      slash = topic.indexOf('/', start);
      // The level is cut out only where a node has children to look for.
      let level: string | undefined;
      let found = 0;
      for (let i = 0; i < width; i++) {
        const node = frontier[i];
        if (isWildAllowed) {
          if (node.rest !== undefined) gather(node.rest, into);
          if (node.any !== undefined) next[found++] = node.any;
        }
        if (node.named === undefined) continue;
        level ??= topic.slice(start, slash < 0 ? topic.length : slash);
        const child = node.child(level);
        if (child !== undefined) next[found++] = child;
      }
      isWildAllowed = true;
      width = found;
      [frontier, next] = [next, frontier];
    }
    for (let i = 0; i < width; i++) {
      gather(frontier[i].here, into);
      gather(frontier[i].rest, into);
    }
    if (frontier.length + next.length > FRONTIER_KEPT) this.#forgetFrontiers();
  }

  /** Calls `visit` with the values of every filter that matches. Filters may be added and removed meanwhile. */
  match(topic: string, visit: (value: V) => void): void {
    const found: V[] = [];
    this.collect(topic, found);
    for (const value of found) visit(value);
  }

  /** The values of exactly this filter. */
  values(filter: string): readonly V[] {
    const found: V[] = [];
    if (!isWild(filter)) gather(this.#exact.get(filter), found);
    else {
      const node = this.#path(filter, false)?.at(-1);
      gather(endsInRest(filter) ? node?.rest : node?.here, found);
    }
    return found;
  }

  #forgetFrontiers(): void {
    this.#frontier = [];
    this.#next = [];
  }

  /** The nodes from the root to the last level of a filter, `#` not counted; undefined where one is missing. */
  #path(filter: string, isMade: boolean): Node<V>[] | undefined {
    const path = [this.#root];
    let node = this.#root;
    for (let start = 0; start <= filter.length; ) {
      const slash = filter.indexOf('/', start);
      const level = filter.slice(start, slash < 0 ? filter.length : slash);
      if (level === '#') return path;
      const known = level === '+' ? node.any : node.child(level);
      if (known === undefined && !isMade) return undefined;
      node = known ?? node.addChild(level);
      path.push(node);
      if (slash < 0) return path;
      start = slash + 1;
    }
    return path;
  }
}

const NOT_FOUND = Symbol('not found');

function filledSlot<V>(slot: Slot<V>, value: V): Slot<V> {
  if (slot === undefined) return value;
  if (!(slot instanceof Values)) return new Values(slot, value);
  slot.add(value);
  return slot;
}

function clearedSlot<V>(slot: Slot<V>, value: V): Slot<V> | typeof NOT_FOUND {
  if (slot instanceof Values) {
    if (!slot.remove(value)) return NOT_FOUND;
    return slot.list.length === 1 ? slot.list[0] : slot;
  }
  return slot !== undefined && slot === value ? undefined : NOT_FOUND;
}

function gather<V>(slot: Slot<V>, into: V[]): void {
  if (slot === undefined) return;
  if (slot instanceof Values) for (const value of slot.list) into.push(value);
  else into.push(slot);
}

/**
 * A copy of a level of a topic or filter: what V8 cuts out of a text keeps the whole text alive, and the nodes of a tree
 * outlive the text that made them.
 */
export function ownText(level: string): string {
  return level.length < CUT_FROM ? level : ` ${level}`.slice(1);
}

function isWild(filter: string): boolean {
  return filter.includes('+') || filter.includes('#');
}

function endsInRest(filter: string): boolean {
  return filter.endsWith('#');
}
