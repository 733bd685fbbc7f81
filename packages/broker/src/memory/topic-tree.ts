/**
 * A tree of Topic Names with a value each, and cursors that walk it by a filter while it changes.
 *
 * Each node is a level. A node has no map until it has a second child: most topics end in a chain. A cursor is a stack
 * of iterators, one per level on its path; JavaScript's map iterators go on correctly while entries come and go, and a
 * node cut off under a cursor just runs out of children.
 */
import { ownText } from '@dunlin/protocol';

class Node<V> {
  readonly level: string;
  readonly parent: Node<V> | undefined;
  value: V | undefined = undefined;
  /** The only child, or the map of all; never both. */
  only: Node<V> | undefined = undefined;
  many: Map<string, Node<V>> | undefined = undefined;

  constructor(level: string, parent: Node<V> | undefined) {
    this.level = level;
    this.parent = parent;
  }

  child(level: string): Node<V> | undefined {
    if (this.many !== undefined) return this.many.get(level);
    return this.only?.level === level ? this.only : undefined;
  }

  addChild(level: string): Node<V> {
    const node = new Node<V>(ownText(level), this);
    if (this.many !== undefined) this.many.set(node.level, node);
    else if (this.only === undefined) this.only = node;
    else {
      this.many = new Map([
        [this.only.level, this.only],
        [node.level, node],
      ]);
      this.only = undefined;
    }
    return node;
  }

  removeChild(node: Node<V>): void {
    if (this.only === node) this.only = undefined;
    else this.many?.delete(node.level);
  }

  get isEmpty(): boolean {
    return this.value === undefined && this.only === undefined && (this.many === undefined || this.many.size === 0);
  }

  children(): Iterator<Node<V>> {
    if (this.many !== undefined) return this.many.values();
    return (this.only === undefined ? [] : [this.only])[Symbol.iterator]();
  }
}

export class TopicTree<V> {
  readonly #root = new Node<V>('', undefined);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(topic: string): V | undefined {
    let node: Node<V> | undefined = this.#root;
    for (const level of topic.split('/')) {
      node = node.child(level);
      if (node === undefined) return undefined;
    }
    return node.value;
  }

  /** Sets the value and returns the former one. */
  set(topic: string, value: V): V | undefined {
    let node = this.#root;
    for (const level of topic.split('/')) node = node.child(level) ?? node.addChild(level);
    const former = node.value;
    if (former === undefined) this.#size += 1;
    node.value = value;
    return former;
  }

  /** Removes the value and returns it. */
  delete(topic: string): V | undefined {
    let node: Node<V> | undefined = this.#root;
    for (const level of topic.split('/')) {
      node = node.child(level);
      if (node === undefined) return undefined;
    }
    const former = node.value;
    if (former === undefined) return undefined;
    node.value = undefined;
    this.#size -= 1;
    while (node.parent !== undefined && node.isEmpty) {
      node.parent.removeChild(node);
      node = node.parent;
    }
    return former;
  }

  /** Walks the values whose topics match the filter. Each is read when the cursor comes to it. */
  cursor(filter: string): TopicCursor<V> {
    return new TopicCursor(this.#root, filter.split('/'));
  }
}

interface Frame<V> {
  readonly children: Iterator<Node<V>>;
  /** Index of the filter level that the children must match. */
  readonly depth: number;
}

export class TopicCursor<V> {
  readonly #levels: readonly string[];
  readonly #stack: Frame<V>[] = [];

  constructor(root: Node<V>, levels: readonly string[]) {
    this.#levels = levels;
    this.#descend(root, 0);
  }

  get isDone(): boolean {
    return this.#stack.length === 0;
  }

  /** The next value, looking at no more than `nodesMax` nodes; undefined where none was found among them. */
  next(nodesMax: number): V | undefined {
    for (let looked = 0; looked < nodesMax; looked++) {
      const frame = this.#stack.at(-1);
      if (frame === undefined) return undefined;
      const step = frame.children.next();
      if (step.done === true) {
        this.#stack.pop();
        continue;
      }
      const value = this.#visit(step.value, frame.depth);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  /** It holds nothing but its place. */
  pause(): void {}

  /** `node` stands at filter level `depth`, and matches it unless a wildcard meets `$` [MQTT-4.7.2-1]. */
  #visit(node: Node<V>, depth: number): V | undefined {
    const level = this.#levels[depth];
    const isFirst = node.parent?.parent === undefined;
    if (isFirst && level !== node.level && node.level.startsWith('$')) return undefined;
    if (level === '#') {
      this.#stack.push({ children: node.children(), depth });
      return node.value;
    }
    const isLast = depth === this.#levels.length - 1;
    if (!isLast) this.#descend(node, depth + 1);
    // "a/#" matches "a" as well.
    return isLast || (depth === this.#levels.length - 2 && this.#levels[depth + 1] === '#') ? node.value : undefined;
  }

  #descend(node: Node<V>, depth: number): void {
    const level = this.#levels[depth];
    if (level === '+' || level === '#') {
      this.#stack.push({ children: node.children(), depth });
      return;
    }
    const child = node.child(level);
    if (child !== undefined) this.#stack.push({ children: [child][Symbol.iterator](), depth });
  }
}
