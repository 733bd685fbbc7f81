/**
 * Many changes in few entries: those of an import, which would leave no room for others. Each entry names what was changed,
 * so many at the most; the last one says how it ended, also where it failed in the middle.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { BY_SERVICE, currentActor } from '../actor.ts';
import type { AuditLog } from './audit-log.ts';
import type { Change } from './change.ts';

const storage = new AsyncLocalStorage<Gathering>();

/** Where what is done now is gathered; what follows by the service itself is not. */
export function currentGathering(): Gathering | undefined {
  return currentActor().by === BY_SERVICE ? undefined : storage.getStore();
}

/** What one entry names: 200 device ids are some kilobytes, 100 KiB at the very most. */
export const GATHERED_MAX = 200;

/** An entry that still grows. */
interface Part {
  readonly number: number;
  /** Targets by action. */
  readonly changes: Record<string, string[]>;
  count: number;
  /** Until it is on its way: changes of the same turn go into it together. */
  issued: Promise<{ readonly stored: Promise<void> }> | undefined;
}

export class Gathering {
  readonly #action: string;
  readonly #counts: Record<string, number> = {};
  #log: AuditLog | undefined;
  #part: Part | undefined;

  constructor(action: string) {
    this.#action = action;
  }

  /** Settles when the entry that names the change is on its way; `stored` when it survives a crash. */
  async add(change: Change, log: AuditLog): Promise<{ readonly stored: Promise<void>; readonly withdraw: () => void }> {
    this.#log = log;
    if (this.#part === undefined || this.#part.count >= GATHERED_MAX)
      this.#part = { number: log.take(), changes: {}, count: 0, issued: undefined };
    const part = this.#part;
    part.changes[change.action] ??= [];
    const targets = part.changes[change.action];
    targets.push(change.target);
    part.count += 1;
    this.#count(change, 1);
    const { stored } = await this.#issue(part);
    const withdraw = (): void => {
      targets.splice(targets.indexOf(change.target), 1);
      this.#count(change, -1);
      void this.#issue(part);
    };
    return { stored, withdraw };
  }

  /** The last entry, where anything was changed. Settles when it is stored. */
  async end(outcome: Readonly<Record<string, unknown>>): Promise<void> {
    if (this.#log === undefined) return;
    await this.#log.record({ action: this.#action, target: '', after: { ...outcome, counts: this.#counts } }).stored;
  }

  #count({ action }: Change, more: number): void {
    this.#counts[action] = (this.#counts[action] ?? 0) + more;
  }

  #issue(part: Part): NonNullable<Part['issued']> {
    part.issued ??= Promise.resolve().then(() => {
      part.issued = undefined;
      const { stored } = this.#log!.record(
        { action: this.#action, target: '', after: { outcome: 'going-on', changes: structuredClone(part.changes) } },
        part.number,
      );
      stored.catch(() => undefined);
      return { stored };
    });
    return part.issued;
  }
}

/**
 * Has the changes of `work` written down as `action`, in entries that name up to 200 each. `summary`: what the last one says of
 * the result.
 */
export async function gathered<Result>(
  action: string,
  work: () => Promise<Result>,
  summary: (result: Result) => Readonly<Record<string, unknown>>,
): Promise<Result> {
  const gathering = new Gathering(action);
  let result: Result;
  try {
    result = await storage.run(gathering, work);
  } catch (error) {
    // Its words may repeat what was sent.
    const { code, name } = error as { readonly code?: unknown; readonly name?: unknown };
    await gathering.end({ outcome: 'failed', error: String(code ?? name ?? 'unknown') });
    throw error;
  }
  await gathering.end({ outcome: 'complete', ...summary(result) });
  return result;
}
