/** What a write to a table means for the audit log: for each table one function, which names what may be seen and nothing else. */
import { isDeepStrictEqual } from 'node:util';

/** Something that was changed. No secrets, and no hashes of them. */
export interface Change {
  /** One of `AUDITED_ACTIONS`, or of those that the server has besides. */
  readonly action: string;
  /** Id of what was changed. */
  readonly target: string;
  /** What it was before and after; absent where there was or is nothing, or it would say no more. */
  readonly before?: unknown;
  readonly after?: unknown;
}

/** As a table says it. */
export interface MadeChange extends Change {
  /** Time has made it, whoever was the first to look. */
  readonly isOfTime?: true;
}

/**
 * The change that a write is; undefined where nobody has changed anything by it, such as when a token was used last.
 * `undefined` in place of a record: there was none, or it is deleted.
 */
export type ChangeOf<T> = (before: T | undefined, after: T | undefined, key: string) => MadeChange | undefined;

/** For tables in which nothing is a change of somebody: state of connections, answers that are kept. */
export const NO_CHANGE: ChangeOf<never> = () => undefined;

/** The fields of both that differ, as `before` and `after`; undefined where none does. */
export function difference<T extends object>(
  before: T,
  after: T,
): { readonly before: Partial<T>; readonly after: Partial<T> } | undefined {
  const names = (Object.keys({ ...before, ...after }) as (keyof T)[]).filter(
    (name) => !isDeepStrictEqual(before[name], after[name]),
  );
  if (names.length === 0) return undefined;
  const pick = (from: T) => Object.fromEntries(names.map((name) => [name, from[name]])) as Partial<T>;
  return { before: pick(before), after: pick(after) };
}
