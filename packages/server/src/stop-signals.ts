/** When to stop: signals, and the end of the npm that started this process. */
import { readFileSync } from 'node:fs';

export interface StopSignals {
  /** Resolves with why to stop, once. */
  readonly stop: Promise<string>;
  /** Forgets the signals: they do again what they do by default. */
  close(): void;
}

const parentLookEveryMs = 500;
/** npm passes on a Ctrl-C that the terminal has sent to this process as well: two signals, one wish. */
const echoMs = 500;

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/**
 * Waits for a wish to stop. A second signal at least half a second later calls `force`.
 *
 * Where npm is the parent (`npm start` runs this process with `exec`), its end is such a wish too, so that a killed
 * `npm start` leaves no broker behind: SIGTERM npm passes on, after SIGKILL it can pass on nothing.
 */
export function stopSignals(force: (signal: string) => void): StopSignals {
  let firstAtMs: number | undefined;
  let wish: (reason: string) => void = () => {};
  const stop = new Promise<string>((resolve) => {
    wish = resolve;
  });
  const onSignal = (signal: string): void => {
    const nowMs = performance.now();
    if (firstAtMs === undefined) {
      firstAtMs = nowMs;
      wish(signal);
    } else if (nowMs - firstAtMs >= echoMs) force(signal);
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  const parentTimer = isNpm(process.ppid) ? watchParent(process.ppid, () => wish('the end of npm')) : undefined;
  return {
    stop,
    close() {
      for (const signal of SIGNALS) process.off(signal, onSignal);
      clearInterval(parentTimer);
    },
  };
}

function watchParent(parent: number, gone: () => void): NodeJS.Timeout {
  const timer = setInterval(() => {
    if (process.ppid !== parent) gone();
  }, parentLookEveryMs);
  timer.unref();
  return timer;
}

/** Whether the process is npm at work; false where the system does not tell (not Linux). */
export function isNpm(pid: number, processFolder = '/proc'): boolean {
  if (process.env.npm_lifecycle_event === undefined) return false;
  try {
    return /^(npm\b|\S*node\S*\0\S*npm)/.test(readFileSync(`${processFolder}/${pid}/cmdline`, 'utf8'));
  } catch {
    return false;
  }
}
