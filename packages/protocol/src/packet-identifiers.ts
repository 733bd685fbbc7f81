/** stand-in */
export class PacketIdentifiers {
  s = new Set<number>(); n = 0;
  next(): number { do { this.n = this.n === 65535 ? 1 : this.n + 1; } while (this.s.has(this.n)); this.s.add(this.n); return this.n; }
  use(id: number) { this.s.add(id); } free(id: number) { this.s.delete(id); } get inUse() { return this.s.size; }
}
