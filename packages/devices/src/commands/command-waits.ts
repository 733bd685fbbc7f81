/** Callers that wait for what becomes of a command. */
import type { Clock } from '@dunlin/broker';
import type { Command } from './command.ts';
import { stageOf } from './command-flow.ts';

/**
 * Whether waiting longer makes no sense: it has ended, or it was written to a device that will not say more before its
 * next connection.
 */
export function isSettled(command: Command): boolean {
  const stage = stageOf(command);
  return stage === 'ended' || (stage === 'written' && !command.awaitsAcknowledgement);
}

export interface Place {
  /** Settles when something has become of the command, the time is over, or the caller has gone. */
  readonly over: Promise<void>;
  readonly leave: () => void;
}

export class CommandWaits {
  readonly #clock: Clock;
  readonly #waiting = new Map<string, Set<() => void>>();
  #size = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Callers that wait now. */
  get size(): number {
    return this.#size;
  }

  /** Takes a place in the line, until the time is over or the caller has gone. */
  join(id: string, timeoutMs: number, signal: AbortSignal | undefined): Place {
    const { promise: over, resolve } = Promise.withResolvers<void>();
    const callers = this.#waiting.get(id) ?? new Set();
    const leave = () => {
      if (!callers.delete(leave)) return;
      if (callers.size === 0) this.#waiting.delete(id);
      this.#size -= 1;
      timer.cancel();
      signal?.removeEventListener('abort', leave);
      resolve();
    };
    const timer = this.#clock.every(timeoutMs, leave);
    signal?.addEventListener('abort', leave);
    callers.add(leave);
    this.#waiting.set(id, callers);
    this.#size += 1;
    if (signal?.aborted) leave();
    return { over, leave };
  }

  /** The command is stored so. */
  tell(command: Command): void {
    if (!isSettled(command)) return;
    for (const end of [...(this.#waiting.get(command.id) ?? [])]) end();
  }

  /** Lets everybody go. */
  close(): void {
    for (const callers of [...this.#waiting.values()]) for (const end of [...callers]) end();
  }
}
