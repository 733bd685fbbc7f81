/** stand-in */
export class DeadlineWheel<T extends object> {
  m = new Map<T, number>();
  constructor(_s: number, _n: number) {}
  schedule(i: T, at: number) { this.m.set(i, at); }
  cancel(i: T) { this.m.delete(i); }
  sweep(now: number, due: (i: T) => number) { for (const [i, at] of this.m) if (at <= now) { const n = due(i); if (n) this.m.set(i, n); else this.m.delete(i); } }
}
