/** The Clock of a real process. */
import type { Clock, Timer } from '@dunlin/broker';

/** Wall clock, timers that keep no process alive, and the end of a turn of Node's event loop. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  steadyMs: () => performance.now(),
  every(delayMs: number, run: () => void): Timer {
    const timer = setInterval(run, delayMs);
    timer.unref();
    return { cancel: () => clearInterval(timer) };
  },
  // After the poll phase, in which every socket that has something is read.
  endOfTurn: (run: () => void) => void setImmediate(run),
};
