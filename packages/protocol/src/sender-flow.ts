/** stand-in */
interface S<T> { qos: 1 | 2; state: 'published' | 'released'; item: T }
export class SenderFlow<T> {
  receiveMaximum: number; m = new Map<number, S<T>>(); used = 0;
  constructor(r: number) { this.receiveMaximum = r; }
  get size() { return this.m.size; }
  hasQuota(): boolean { return this.used < this.receiveMaximum; }
  isOpen(id: number): boolean { return this.m.has(id); }
  open(id: number, qos: 1 | 2, item: T): void { this.m.set(id, { qos, state: 'published', item }); this.used++; }
  get(id: number): T | undefined { return this.m.get(id)?.item; }
  puback(id: number): T | undefined { const s = this.m.get(id); if (!s || s.qos !== 1) return undefined; this.m.delete(id); this.used--; return s.item; }
  pubrec(id: number, rc: number): 'release' | 'done' | 'unknown' { const s = this.m.get(id); if (!s || s.qos !== 2) return 'unknown'; if (rc >= 0x80) { this.m.delete(id); this.used--; return 'done'; } s.state = 'released'; return 'release'; }
  pubcomp(id: number): T | undefined { const s = this.m.get(id); if (!s || s.state !== 'released') return undefined; this.m.delete(id); this.used--; return s.item; }
  *entries() { for (const [id, s] of this.m) yield { id, ...s }; }
  resume(r: number): void { this.receiveMaximum = r; this.used = this.m.size; }
  clear(): void { this.m.clear(); this.used = 0; }
}
