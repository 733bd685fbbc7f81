/**
 * Topic Filters with values, and the search for all that match a Topic Name (section 4.7), in few bytes of code: what
 * a client needs for its own subscriptions. A broker with many takes `FilterTrie`.
 *
 * A tree of levels. A topic is matched level by level: the nodes that fit so far step down over the child of the
 * level's name and over `+`; a `#` below one of them matches whatever remains, nothing included.
 */

interface Node<V> {
  readonly children: Map<string, Node<V>>;
  /** Values of the filter that ends here. */
  values: V[];
}

/** Values by Topic Filter. A value may stand under many filters, and a filter may have many. */
export class FilterTree<V> {
  readonly #root: Node<V> = { children: new Map(), values: [] };

  /** Adds a value. The filter must be well formed; the same pair twice is kept twice. */
  add(filter: string, value: V): void {
    let node = this.#root;
    for (const level of filter.split('/')) {
      const child = node.children.get(level) ?? { children: new Map(), values: [] };
      node.children.set(level, child);
      node = child;
    }
    node.values.push(value);
  }

  /** Removes a value once; nothing where it was not there. Nodes that hold nothing any longer go with it. */
  remove(filter: string, value: V): void {
    const levels = filter.split('/');
    const path = [this.#root];
    for (const level of levels) {
      const child = path[path.length - 1].children.get(level);
      if (child === undefined) return;
      path.push(child);
    }
    const { values } = path[levels.length];
    const index = values.indexOf(value);
    if (index >= 0) values.splice(index, 1);
    for (let i = levels.length; i > 0 && path[i].values.length + path[i].children.size === 0; i--) {
      path[i - 1].children.delete(levels[i - 1]);
    }
  }

  /** The values of every filter that matches the Topic Name, in no promised order. */
  collect(topic: string): V[] {
    const found: V[] = [];
    if (this.#root.children.size === 0) return found;
    let nodes = [this.#root];
    // A wildcard in the first level does not match a topic of the server's own [MQTT-4.7.2-1].
    let isWildAllowed = !topic.startsWith('$');
    for (const level of topic.split('/')) {
      const next: Node<V>[] = [];
      for (const { children } of nodes) {
        const named = children.get(level);
        if (named !== undefined) next.push(named);
        if (!isWildAllowed) continue;
        const any = children.get('+');
        if (any !== undefined) next.push(any);
        found.push(...(children.get('#')?.values ?? []));
      }
      if (next.length === 0) return found;
      nodes = next;
      isWildAllowed = true;
    }
    for (const { children, values } of nodes) found.push(...values, ...(children.get('#')?.values ?? []));
    return found;
  }
}
