/** Answers that are remembered, a bounded number of them; whoever asks says how old one may be. */
import type { Clock } from '@dunlin/broker';

export interface AnswerCache<T> {
  put(key: string, value: T): void;
  /** A value that was put less than so many milliseconds ago. */
  get(key: string, ageMaxMs: number): T | undefined;
  delete(key: string): void;
}

/** Makes a cache. Over `entriesMax` the one that was put longest ago goes. */
export function answerCache<T>(clock: Clock, entriesMax: number): AnswerCache<T> {
  const entries = new Map<string, { readonly value: T; readonly putAtMs: number }>();
  return {
    put: (key, value) => {
      entries.delete(key);
      entries.set(key, { value, putAtMs: clock.steadyMs() });
      for (const oldest of entries.keys()) {
        if (entries.size <= entriesMax) break;
        entries.delete(oldest);
      }
    },
    get: (key, ageMaxMs) => {
      const entry = entries.get(key);
      return entry !== undefined && clock.steadyMs() - entry.putAtMs < ageMaxMs ? entry.value : undefined;
    },
    delete: (key) => void entries.delete(key),
  };
}
