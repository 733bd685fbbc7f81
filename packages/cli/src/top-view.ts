/** What `dunlin top` shows: a screen for people, lines for the rest. */

import { visible } from '@dunlin/protocol';
import { fittedName, shortened } from './cells.ts';
import type { Screen } from './screen.ts';
import type { CounterName, SysMeter } from './sys-meter.ts';
import type { TopicEntry, TopicTable } from './topic-table.ts';
import { rateText } from './watch-view.ts';

/** What topics are sorted by, in the order in which a key goes through them. */
export const TOP_SORTS = ['rate', 'messages', 'bytes', 'name'] as const;
/** One of them. */
export type TopSort = (typeof TOP_SORTS)[number];

/** Everything that is to be seen. */
export interface TopState {
  /** The server, without credentials. */
  readonly server: string;
  readonly meter: SysMeter;
  /** Why `$SYS` cannot be read, or why there is no connection. */
  readonly trouble: string | undefined;
  readonly filters: readonly string[];
  readonly topics: TopicTable;
  readonly sort: TopSort;
  readonly isPaused: boolean;
  /** Of a clock that never goes back, milliseconds. */
  readonly nowMs: number;
}

const UNKNOWN = '-';
const LABEL_CELLS = 13;
const CELL = 16;
const RATE_CELLS = 9;

/** The screen: the server, its numbers, and the topics as far as there is room. */
export function topLines(
  state: TopState,
  { bold, dim, red }: Pick<Screen, 'bold' | 'dim' | 'red'>,
  { columns, rows }: { readonly columns: number; readonly rows: number },
): string[] {
  const within = (line: string): string => shortened(line, columns);
  const head = [bold(within(heading(state))), ...serverLines(state.meter).map(within)];
  if (state.trouble !== undefined) head.push(red(within(visible(state.trouble))));
  const keys = [`q ends, s sorts (by ${state.sort})`, state.isPaused ? 'PAUSED, p goes on' : 'p pauses'].join(', ');
  const foot = dim(within(state.filters.length > 0 ? `${topicsText(state.topics)}; ${keys}` : keys));
  if (rows <= head.length + 1) return [...head.slice(0, Math.max(0, rows - 1)), foot];
  const room = rows - head.length - 1;
  return [...head, ...topicLines(state, columns, room, bold), foot];
}

function heading({ server, meter }: TopState): string {
  const { version, uptimeSeconds } = meter;
  return [
    visible(server),
    ...(version === undefined ? [] : [visible(version)]),
    ...(uptimeSeconds === undefined ? [] : [`up ${durationText(uptimeSeconds)}`]),
  ].join('  ');
}

function serverLines(meter: SysMeter): string[] {
  const gauge = (name: Parameters<SysMeter['gauge']>[0]): string => countText(meter.gauge(name));
  const flow = (label: string, incoming: CounterName, outgoing: CounterName, text: typeof rateOf): string =>
    row(label, [`in ${text(meter, incoming)}`, `out ${text(meter, outgoing)}`]);
  return [
    row('clients', [`${gauge('connected')} there`, `${gauge('away')} away`, `${gauge('sockets')} sockets`]),
    flow('publishes/s', 'publishesIn', 'publishesOut', rateOf),
    flow('packets/s', 'packetsIn', 'packetsOut', rateOf),
    flow('bytes/s', 'bytesIn', 'bytesOut', byteRateOf),
    row('dropped', [`${rateOf(meter, 'dropped')}/s`, `${countText(meter.counter('dropped'))} in all`]),
    row('kept', [
      `${gauge('retained')} retained`,
      `${gauge('subscriptions')} subscriptions`,
      `${gauge('queued')} stored`,
      `${bytesText(meter.gauge('heldBytes'))} held`,
    ]),
  ];
}

function row(label: string, cells: readonly string[]): string {
  const last = cells.length - 1;
  return `${label.padEnd(LABEL_CELLS)}${cells.map((cell, at) => (at < last ? cell.padEnd(CELL) : cell)).join('  ')}`;
}

function topicLines(state: TopState, columns: number, room: number, bold: (text: string) => string): string[] {
  if (state.filters.length === 0) return [];
  const numbers = ['msg/s', 'messages', 'bytes'].map((title) => title.padStart(RATE_CELLS)).join('');
  const topicCells = Math.max(1, columns - numbers.length - 2);
  const line = (name: string, cells: string): string => shortened(`${fittedName(name, topicCells)}  ${cells}`, columns);
  const entries = sortedTopics(state).slice(0, Math.max(0, room - 2));
  return [
    '',
    ...(room > 1 ? [bold(line('topic', numbers))] : []),
    ...entries.map((entry) =>
      line(
        visible(entry.topic),
        [rateText(entry.rate.perSecond(state.nowMs)), countText(entry.messages), bytesText(entry.bytes)]
          .map((cell) => cell.padStart(RATE_CELLS))
          .join(''),
      ),
    ),
  ];
}

/** By what is asked for, the greatest first; names from A to Z. */
export function sortedTopics({ topics, sort, nowMs }: Pick<TopState, 'topics' | 'sort' | 'nowMs'>): TopicEntry[] {
  if (sort === 'name') return topics.entries;
  const keys = new Map(
    topics.entries.map((entry) => [entry, sort === 'rate' ? entry.rate.perSecond(nowMs) : entry[sort]]),
  );
  return [...topics.entries].sort((a, b) => Number(keys.get(b)) - Number(keys.get(a)) || b.messages - a.messages);
}

function topicsText({ entries, messages, beyond }: TopicTable): string {
  const more = beyond === 0 ? '' : `, ${beyond} on topics beyond those`;
  return `${entries.length} topics, ${messages} messages${more}`;
}

/** The columns of a line, each with its title. */
const COLUMNS: readonly (readonly [title: string, value: (state: TopState) => string])[] = [
  ['clients', ({ meter }) => countText(meter.gauge('connected'))],
  ['pub/s-in', ({ meter }) => rateOf(meter, 'publishesIn')],
  ['pub/s-out', ({ meter }) => rateOf(meter, 'publishesOut')],
  ['B/s-in', ({ meter }) => byteRateOf(meter, 'bytesIn')],
  ['B/s-out', ({ meter }) => byteRateOf(meter, 'bytesOut')],
  ['dropped', ({ meter }) => countText(meter.counter('dropped'))],
  ['retained', ({ meter }) => countText(meter.gauge('retained'))],
  ['subscr', ({ meter }) => countText(meter.gauge('subscriptions'))],
];

/** The titles above the lines. */
export function titleLine({ filters }: Pick<TopState, 'filters'>): string {
  const titles = COLUMNS.map(([title]) => title.padStart(RATE_CELLS + 1)).join('');
  return filters.length === 0 ? titles : `${titles}${'seen/s'.padStart(RATE_CELLS + 1)}  busiest topic`;
}

/** One line of now. `seenPerSecond` counts the messages of the filters since the line before. */
export function stateLine(state: TopState, seenPerSecond: number): string {
  const cells = COLUMNS.map(([, value]) => value(state).padStart(RATE_CELLS + 1)).join('');
  if (state.filters.length === 0) return cells;
  const [busiest] = sortedTopics({ ...state, sort: 'rate' });
  return `${cells}${rateText(seenPerSecond).padStart(RATE_CELLS + 1)}  ${busiest === undefined ? UNKNOWN : visible(busiest.topic)}`;
}

function rateOf(meter: SysMeter, name: CounterName): string {
  const rate = meter.rate(name);
  return rate === undefined ? UNKNOWN : rateText(rate);
}

function byteRateOf(meter: SysMeter, name: CounterName): string {
  return bytesText(meter.rate(name));
}

/** Such as `1234567`; a dash where it is unknown. */
function countText(count: number | undefined): string {
  return count === undefined ? UNKNOWN : String(Math.round(count));
}

const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** In seven characters at most, such as `12.3 kB`; a dash where it is unknown. */
export function bytesText(bytes: number | undefined): string {
  if (bytes === undefined) return UNKNOWN;
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < BYTE_UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${BYTE_UNITS[unit]}`;
}

/** Its two greatest units, such as `3 d 4 h`. */
export function durationText(seconds: number): string {
  const whole = Math.floor(seconds);
  const parts: (readonly [number, string])[] = [
    [Math.floor(whole / 86_400), 'd'],
    [Math.floor(whole / 3600) % 24, 'h'],
    [Math.floor(whole / 60) % 60, 'min'],
    [whole % 60, 's'],
  ];
  const first = Math.min(
    parts.length - 1,
    Math.max(
      0,
      parts.findIndex(([count]) => count > 0),
    ),
  );
  const from = whole === 0 ? parts.length - 1 : first;
  return parts
    .slice(from, from + 2)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ');
}
