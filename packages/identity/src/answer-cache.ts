/** Answers that are remembered for a time, a bounded number of them. */
import type { Clock } from '@dunlin/broker';

export interface AnswerCache<T> {
  /** Remembers a value, as fresh for `freshMs` and at all for `staleMs`; nothing where both are 0. */
  put(key: string, value: T, freshMs: number, staleMs: number): void;
  /** A value that is fresh, or one that is remembered at all. */
  get(key: string, age: 'fresh' | 'stale'): T | undefined;
  clear(): void;
}

interface Entry<T> {
  readonly value: T;
  readonly freshUntilMs: number;
  readonly keptUntilMs: number;
}

/** Makes a cache. Over `entriesMax` the one that was put longest ago goes. */
export function answerCache<T>(clock: Clock, entriesMax: number): AnswerCache<T> {
  const entries = new Map<string, Entry<T>>();
  return {
    put: (key, value, freshMs, staleMs) => {
      entries.delete(key);
      if (freshMs <= 0 && staleMs <= 0) return;
      const now = clock.steadyMs();
      entries.set(key, { value, freshUntilMs: now + freshMs, keptUntilMs: now + Math.max(freshMs, staleMs) });
      for (const oldest of entries.keys()) {
        if (entries.size <= entriesMax) break;
        entries.delete(oldest);
      }
    },
    get: (key, age) => {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      const now = clock.steadyMs();
      if (now >= entry.keptUntilMs) entries.delete(key);
      return now < (age === 'fresh' ? entry.freshUntilMs : entry.keptUntilMs) ? entry.value : undefined;
    },
    clear: () => entries.clear(),
  };
}
