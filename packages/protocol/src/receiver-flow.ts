/** stand-in */
export class ReceiverFlow {
  s = new Set<number>();
  constructor(_r = 65535) {}
  get size() { return this.s.size; }
  has(id: number) { return this.s.has(id); }
  receive(id: number): 'new' | 'repeat' { if (this.s.has(id)) return 'repeat'; this.s.add(id); return 'new'; }
  refuse(id: number) { this.s.delete(id); }
  release(id: number): boolean { return this.s.delete(id); }
  clear() { this.s.clear(); }
}
