/** The tables of `dunlin sub --rates`: how many messages came on each topic. */

import { visible } from '@dunlin/protocol';
import type { TopicEntry, TopicTable } from './topic-table.ts';
import { rateText } from './watch-view.ts';

/** Topics of one table, the busiest first; the others are summed up. */
const TOPICS_SHOWN = 50;
const HEAD = ['msg/s', 'messages', 'bytes'] as const;

/** Compares the table with what it was at the last look. */
export class RatesView {
  readonly #table: TopicTable;
  readonly #beganMs: number;
  #lookedMs: number;
  readonly #counted = new Map<string, number>();

  constructor(table: TopicTable, nowMs: number) {
    this.#table = table;
    this.#beganMs = nowMs;
    this.#lookedMs = nowMs;
  }

  /** The lines for the time since the last look; messages and bytes are those of the whole run. */
  look(nowMs: number): string[] {
    const seconds = (nowMs - this.#lookedMs) / 1000;
    const rows = this.#table.entries.map((entry) => ({
      entry,
      since: entry.messages - (this.#counted.get(entry.topic) ?? 0),
    }));
    for (const { topic, messages } of this.#table.entries) this.#counted.set(topic, messages);
    this.#lookedMs = nowMs;
    rows.sort((a, b) => b.since - a.since || b.entry.messages - a.entry.messages);
    return this.#lines(rows, seconds, nowMs);
  }

  /** The lines for the whole run. */
  total(nowMs: number): string[] {
    const rows = this.#table.entries.map((entry) => ({ entry, since: entry.messages }));
    rows.sort((a, b) => b.since - a.since);
    return this.#lines(rows, (nowMs - this.#beganMs) / 1000, nowMs);
  }

  #lines(rows: { entry: TopicEntry; since: number }[], seconds: number, nowMs: number): string[] {
    const { messages, entries, beyond } = this.#table;
    const runSeconds = ((nowMs - this.#beganMs) / 1000).toFixed(1);
    const shown = rows.slice(0, TOPICS_SHOWN);
    const cells = shown.map(({ entry, since }) => [
      rateText(seconds > 0 ? since / seconds : 0),
      String(entry.messages),
      String(entry.bytes),
    ]);
    const widths = HEAD.map((head, at) => Math.max(head.length, ...cells.map((row) => row[at].length)));
    const line = (row: readonly string[], topic: string): string =>
      `${row.map((cell, at) => cell.padStart(widths[at])).join('  ')}  ${topic}`;
    const rest = rows.slice(TOPICS_SHOWN).reduce((sum, { entry }) => sum + entry.messages, beyond);
    return [
      `${runSeconds} s: ${counted(messages, 'message')}, ${counted(entries.length, 'topic')}`,
      line(HEAD, 'topic'),
      ...cells.map((row, at) => line(row, visible(shown[at].entry.topic))),
      ...(rest === 0 ? [] : [`and ${counted(rest, 'message')} on other topics`]),
    ];
  }
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
