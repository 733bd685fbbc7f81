/** What became of a command to a group: added up, in words, and the exit code for it. */

import { ExitCode } from '../exit-codes.ts';
import type { Outcome } from '../outcome.ts';
import type { BatchAnswer, CommandAnswer } from './answers.ts';
import { type CommandWord, commandWord, EXIT_CODES } from './command-outcome.ts';

/** As they are told, the good ones in front. */
const WORDS: readonly CommandWord[] = [
  ...(['acknowledged', 'confirmed', 'sent unconfirmed'] as const),
  ...(['unanswered', 'received', 'queued', 'expired', 'failed'] as const),
];

/** How many commands of a batch are in which state. */
export class BatchTally {
  readonly #counts = new Map<CommandWord, number>();
  /** Those of which more may come. */
  open = 0;

  add(command: CommandAnswer): void {
    const word = commandWord(command);
    this.#counts.set(word, this.of(word) + 1);
    // Who subscribed at QoS 0 says no more, where it is not to.
    if (command.endedAtMs === undefined && word !== 'sent unconfirmed') this.open += 1;
  }

  of(word: CommandWord): number {
    return this.#counts.get(word) ?? 0;
  }

  copy(): BatchTally {
    const copy = new BatchTally();
    for (const [word, count] of this.#counts) copy.#counts.set(word, count);
    copy.open = this.open;
    return copy;
  }
}

/** In a line: how far it is. */
export function tallyText({ requested, refused, state }: BatchAnswer, tally: BatchTally): string {
  const counts = WORDS.filter((word) => tally.of(word) > 0).map((word) => `${tally.of(word)} ${word}`);
  const asked = `${requested} ${state === 'running' ? 'asked so far' : 'asked'}`;
  return [asked, ...counts, ...(refused > 0 ? [`${refused} refused`] : [])].join(', ');
}

/** How far it was followed. */
export type Followed = 'followed' | 'no-wait' | 'server-stopped';

export function groupReport(batch: BatchAnswer, tally: BatchTally, followed: Followed): Outcome {
  const { id, group, type, state, refused, refusals } = batch;
  const counts = Object.fromEntries(WORDS.map((word) => [word, tally.of(word)]));
  const json = { ...batch, ...(followed === 'followed' && { counts }) };
  const last = `  batch ${id}`;
  if (followed === 'no-wait') return { json, lines: [`${type} to ${group}: begun`, last] };
  if (followed === 'server-stopped') {
    const lines = [`${type} to ${group}: queued`, '  No server runs. It begins, or goes on, when one does.', last];
    return { json, lines, exitCode: ExitCode.queued };
  }
  const more = refused - refusals.length;
  return {
    json,
    lines: [
      `${type} to ${group}: ${tallyText(batch, tally)}`,
      ...(state === 'done' ? [] : [`  It is ${state}: the rest of the group is not asked.`]),
      ...refusals.map(({ deviceId, code }) => `  ${deviceId}: refused (${code})`),
      ...(more > 0 ? [`  and ${more} more`] : []),
      last,
    ],
    exitCode: exitCodeOf(batch, tally),
  };
}

/** The worst of what became of any: what failed, then what may still come. */
function exitCodeOf({ state, refused }: BatchAnswer, tally: BatchTally): number {
  if (refused > 0 || state !== 'done') return ExitCode.failed;
  const codes = WORDS.filter((word) => tally.of(word) > 0).map((word) => EXIT_CODES[word]);
  return Math.max(ExitCode.done, ...codes);
}
