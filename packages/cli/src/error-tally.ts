/** Counts failures by what they are, for commands that go on in spite of them. */

import { describeReason, MqttError } from '@dunlin/client';
import { CommandError } from './exit-codes.ts';

/** One kind of failure. */
export interface TalliedError {
  /** The stable code of the client with what the server or the system said, such as `refused: Not authorized (0x87)`. */
  readonly error: string;
  readonly count: number;
}

/** Kinds that are told apart; codes are a closed set, so that more would be a fault of somebody. */
const KINDS_MAX = 100;

/** The counts, and the first failure as it was. */
export class ErrorTally {
  /** Undefined where nothing failed. */
  first: unknown;
  readonly #counts = new Map<string, number>();
  #total = 0;

  get total(): number {
    return this.#total;
  }

  /** Counts a failure, which may stand for several alike. */
  add(error: unknown, times = 1): void {
    this.first ??= error;
    this.#total += times;
    const kind = kindOf(error);
    const key = this.#counts.has(kind) || this.#counts.size < KINDS_MAX ? kind : 'others';
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + times);
  }

  /** The most frequent first. */
  rows(): TalliedError[] {
    const rows = [...this.#counts].map(([error, count]) => ({ error, count }));
    return rows.sort((a, b) => b.count - a.count);
  }
}

function kindOf(error: unknown): string {
  // A version that the server does not speak is told in the words of this tool, and what failed on this machine too.
  if (error instanceof CommandError) {
    return error.exitCode >= 0x80 ? `refused: ${describeReason(error.exitCode)}` : error.message;
  }
  if (!(error instanceof MqttError)) return error instanceof Error ? error.name : 'unknown';
  const { code, reasonCode, packet } = error;
  const system = (error.cause as { code?: unknown } | undefined)?.code;
  if (reasonCode !== undefined) return `${code}: ${describeReason(reasonCode, packet)}`;
  return typeof system === 'string' && system !== code ? `${code}: ${system}` : code;
}
