/** Wires that are closing and may take only so long: one sweep for all of them, no timer for each. */

/** Something which is closed by force when its time is over. */
export interface Lingering {
  lingerOver(): void;
}

const SWEEP_MS = 100;

const deadlines = new Map<Lingering, number>();
let sweep: NodeJS.Timeout | undefined;

/** Calls `lingerOver` once, about `ms` milliseconds from now, unless `stopLinger` comes first. */
export function startLinger(wire: Lingering, ms: number): void {
  deadlines.set(wire, performance.now() + ms);
  // The wire itself keeps the process alive where it must; the sweep alone shall not.
  sweep ??= setInterval(sweepLinger, SWEEP_MS).unref();
}

/** Forgets the wire; harmless where it is not known. */
export function stopLinger(wire: Lingering): void {
  if (!deadlines.delete(wire) || deadlines.size > 0) return;
  clearInterval(sweep);
  sweep = undefined;
}

function sweepLinger(): void {
  const now = performance.now();
  for (const [wire, deadline] of deadlines) {
    if (deadline > now) continue;
    stopLinger(wire);
    wire.lingerOver();
  }
}
