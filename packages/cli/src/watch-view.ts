/** The view of `dunlin sub --watch`: one line for each topic. */

import { visible } from '@dunlin/protocol';
import { cellsOf, fitted, fittedName, shortened } from './cells.ts';
import type { Screen } from './screen.ts';
import type { TopicEntry, TopicTable } from './topic-table.ts';

const AGE_CELLS = 5;
const COUNT_CELLS = 8;
const RATE_CELLS = 7;
const GAP = '  ';
const FIXED_CELLS = AGE_CELLS + COUNT_CELLS + RATE_CELLS + 4 * GAP.length;
/** A topic may take this share of what the fixed columns leave, and what the values do not need. */
const TOPIC_SHARE = 2 / 3;

/** The lines: a head, the topics by name as far as there is room, and what there is in all. */
export function watchLines(
  table: TopicTable,
  { bold, dim }: Pick<Screen, 'bold' | 'dim'>,
  { columns, rows, nowMs }: { readonly columns: number; readonly rows: number; readonly nowMs: number },
): string[] {
  const shown = table.entries.slice(0, Math.max(1, rows - 2));
  const room = Math.max(2, columns - FIXED_CELLS);
  const cells = shown.map((entry) => ({ entry, topic: visible(entry.topic), value: valueText(entry) }));
  const topicLongest = Math.max('topic'.length, ...cells.map(({ topic }) => cellsOf(topic)));
  const valueLongest = Math.max('last value'.length, ...cells.map(({ value }) => cellsOf(value)));
  const topicCells = Math.min(topicLongest, Math.max(1, Math.floor(room * TOPIC_SHARE), room - valueLongest));
  const line = (topic: string, value: string, age: string, count: string, rate: string): string =>
    shortened(
      [
        fittedName(topic, topicCells),
        fitted(value, room - topicCells),
        age.padStart(AGE_CELLS),
        count.padStart(COUNT_CELLS),
        rate.padStart(RATE_CELLS),
      ].join(GAP),
      columns,
    );
  return [
    bold(line('topic', 'last value', 'age', 'messages', 'msg/s')),
    ...cells.map(({ entry, topic, value }) =>
      line(topic, value, ageText(nowMs - entry.lastMs), String(entry.messages), rateText(entry.rate.perSecond(nowMs))),
    ),
    dim(shortened(footer(table, shown.length), columns)),
  ];
}

function footer({ entries, messages, beyond }: TopicTable, shown: number): string {
  const topics = shown < entries.length ? `${shown} of ${entries.length} topics` : `${entries.length} topics`;
  const more = beyond === 0 ? '' : `, ${beyond} on topics beyond those`;
  const hint = shown < entries.length ? '; a narrower -t shows the others' : '';
  return `${topics}, ${messages} messages${more}; Ctrl-C ends${hint}`;
}

/** The latest payload in one line: as text, or in hex where it is none. */
function valueText({ payload, payloadBytes }: TopicEntry): string {
  if (payloadBytes === 0) return '(null)';
  try {
    // What is kept may end within a character.
    const text = new TextDecoder('utf-8', { fatal: true }).decode(payload, { stream: payload.length < payloadBytes });
    return visible(text.replace(/\s+/g, ' '));
  } catch {
    return `0x${Buffer.from(payload).toString('hex')}`;
  }
}

/** At most five cells. */
export function ageText(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)}s`;
  if (seconds < 100) return `${Math.floor(seconds)}s`;
  if (seconds < 6000) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 360_000) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

/** At most seven cells. */
export function rateText(perSecond: number): string {
  return perSecond < 100 ? perSecond.toFixed(1) : String(Math.round(perSecond));
}
