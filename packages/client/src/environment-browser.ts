/**
 * The environment of a page. Browsers let the timers of a tab in the background fire once a second, and later once a
 * minute, which is too late for Keep Alive. Those of a Worker are left alone: it keeps the time and sends a word.
 */

import { type Environment, SYSTEM, TIMER_MS_MAX } from './environment.ts';

const WORKER = 'var t={};onmessage=({data:[i,m]})=>m<0?clearTimeout(t[i]):t[i]=setTimeout(()=>postMessage(i),m)';

/** What a page has and Node has not, as far as it is used. */
interface Page {
  readonly document?: unknown;
  readonly Worker: new (url: string) => PageWorker;
}
interface PageWorker {
  onmessage: (event: { readonly data: number }) => void;
  postMessage(message: readonly [id: number, ms: number]): void;
}

/** See `Platform.debugNames`: those in `localStorage.debug`. */
export function debugNames(): string | undefined {
  try {
    return (globalThis as { localStorage?: { debug?: string } }).localStorage?.debug;
  } catch {
    // A page may be denied its storage.
    return undefined;
  }
}

const timers = /* @__PURE__ */ new Map<number, () => void>();
let latest = 0;
let worker: Pick<PageWorker, 'postMessage'> | undefined;

/**
 * Time and chance as everywhere, and timers that a Worker times too wherever the page may have one: whichever of the two
 * is first calls. A page whose Content Security Policy forbids Workers has its own timers.
 */
export const PAGE: Environment = {
  ...SYSTEM,
  setTimer: (ms, call) => {
    worker ??= startWorker();
    const id = ++latest;
    const cancel = SYSTEM.setTimer(ms, () => timers.get(id)?.());
    timers.set(id, () => {
      timers.delete(id);
      cancel();
      call();
    });
    worker.postMessage([id, Math.min(ms, TIMER_MS_MAX)]);
    return () => {
      cancel();
      if (timers.delete(id)) worker?.postMessage([id, -1]);
    };
  },
};

function startWorker(): Pick<PageWorker, 'postMessage'> {
  const page = globalThis as unknown as Page;
  try {
    // A worker's own timers are not slowed down.
    if (page.document !== undefined) {
      const started = new page.Worker(URL.createObjectURL(new Blob([WORKER])));
      started.onmessage = ({ data }) => timers.get(data)?.();
      return started;
    }
  } catch {}
  return { postMessage: () => {} };
}
