/** stand-in */
interface N<V> { c: Map<string, N<V>>; v: V[] }
export class FilterTrie<V> {
  r: N<V> = { c: new Map(), v: [] };
  add(filter: string, value: V): void { let n = this.r; for (const l of filter.split('/')) { let k = n.c.get(l); if (!k) { k = { c: new Map(), v: [] }; n.c.set(l, k); } n = k; } n.v.push(value); }
  remove(filter: string, value: V): boolean { let n: N<V> | undefined = this.r; for (const l of filter.split('/')) { n = n.c.get(l); if (!n) return false; } const i = n.v.indexOf(value); if (i < 0) return false; n.v.splice(i, 1); return true; }
  collect(topic: string, into: V[]): void { const ls = topic.split('/'); const go = (n: N<V>, i: number): void => { const w = i > 0 || !topic.startsWith('$'); if (w) { const h = n.c.get('#'); if (h) into.push(...h.v); } if (i === ls.length) { into.push(...n.v); return; } const e = n.c.get(ls[i]); if (e) go(e, i + 1); if (w) { const p = n.c.get('+'); if (p) go(p, i + 1); } }; go(this.r, 0); }
}
