/** A bound on how much of something goes on at once, with a line of bounded length and patience for the rest. */
import type { Clock } from '@dunlin/broker';

export interface WaitingLineOptions {
  readonly clock: Clock;
  /** How many may go on at once. */
  readonly atOnceMax: number;
  /** How many may wait. */
  readonly waitingMax: number;
  /** Milliseconds for which one waits at the most. */
  readonly patienceMs: number;
}

export interface WaitingLine {
  /** Runs `work` when its turn comes; undefined, without running it, where the line is full or patience ends. */
  run<T>(work: () => Promise<T>): Promise<T | undefined>;
}

/** Makes the line. First come, first served. */
export function waitingLine({ clock, atOnceMax, waitingMax, patienceMs }: WaitingLineOptions): WaitingLine {
  const waiting = new Set<() => void>();
  let running = 0;

  const turn = (): Promise<boolean> | boolean => {
    if (running < atOnceMax) {
      running += 1;
      return true;
    }
    if (waiting.size >= waitingMax) return false;
    return new Promise<boolean>((resolve) => {
      const goOn = () => {
        timer.cancel();
        resolve(true);
      };
      const timer = clock.every(patienceMs, () => {
        timer.cancel();
        waiting.delete(goOn);
        resolve(false);
      });
      waiting.add(goOn);
    });
  };
  const leave = () => {
    for (const next of waiting) {
      // The place passes on as it is: `running` stays.
      waiting.delete(next);
      next();
      return;
    }
    running -= 1;
  };
  return {
    run: async (work) => {
      if (!(await turn())) return undefined;
      try {
        return await work();
      } finally {
        leave();
      }
    },
  };
}
