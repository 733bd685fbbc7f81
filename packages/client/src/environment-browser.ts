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
  onerror: () => void;
  postMessage(message: readonly [id: number, ms: number]): void;
}

interface Timer {
  readonly dueMs: number;
  readonly call: () => void;
}

const timers = /* @__PURE__ */ new Map<number, Timer>();
let latest = 0;
/** Undefined: not asked for yet; null: the page's Content Security Policy forbids it, or there is none. */
let worker: PageWorker | null | undefined;

/** Time and chance as everywhere, timers from a Worker wherever the page may have one. */
export const PAGE: Environment = {
  ...SYSTEM,
  setTimer: (ms, call) => {
    worker = worker === undefined ? startWorker() : worker;
    if (worker === null) return SYSTEM.setTimer(ms, call);
    const id = ++latest;
    timers.set(id, { dueMs: SYSTEM.nowMs() + ms, call });
    worker.postMessage([id, Math.min(ms, TIMER_MS_MAX)]);
    return () => {
      if (timers.delete(id)) worker?.postMessage([id, -1]);
    };
  },
};

function startWorker(): PageWorker | null {
  const page = globalThis as unknown as Page;
  // A worker's own timers are not slowed down.
  if (page.document === undefined) return null;
  try {
    const started = new page.Worker(URL.createObjectURL(new Blob([WORKER])));
    started.onmessage = ({ data }) => fire(data);
    started.onerror = giveUp;
    return started;
  } catch {
    return null;
  }
}

/** A forbidden Worker says so later: what it was to time goes on with plain timers. */
function giveUp(): void {
  worker = null;
  for (const [id, { dueMs }] of timers) SYSTEM.setTimer(Math.max(0, dueMs - SYSTEM.nowMs()), () => fire(id));
}

function fire(id: number): void {
  const timer = timers.get(id);
  timers.delete(id);
  timer?.call();
}
