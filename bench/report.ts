/** Turns measured rows into the table: medians, ratios to Mosquitto, aims, and what went wrong in a run. */
import type { BrokerName } from './brokers.ts';
import type { LoadResult } from './load.ts';
import type { RowResults } from './measure.ts';
import type { Aim, Figure, Row } from './rows.ts';

/** One line of the table, every cell as text; the columns are those of `columns`. */
export type Line = readonly string[];

/** The heads of the table. */
export const columns: Line = [
  'traffic',
  'figure',
  'Dunlin',
  'Mosquitto',
  'aedes',
  '× Mosquitto',
  'aim',
  'met',
  'beside it: Dunlin',
  'Mosquitto',
  'aedes',
];
const none = '–';
/** Counters of mqload that are zero in an honest run. */
const faultKeys = ['lost', 'dup', 'reordered', 'refused', 'disconnects', 'stalls'];

/** The median of a figure over the runs that have it, or undefined if none has. */
export function median(results: readonly LoadResult[] | undefined, key: string): number | undefined {
  const values = (results ?? []).map((result) => result[key]).filter((value) => typeof value === 'number');
  if (values.length === 0) return undefined;
  values.sort((a, b) => a - b);
  const middle = values.length >> 1;
  return values.length % 2 === 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

/** How many times as good as Mosquitto a value is: above 1 is better, whichever way the figure counts. */
export function ratio(figure: Figure, value: number | undefined, mosquitto: number | undefined): number | undefined {
  if (value === undefined || mosquitto === undefined || value <= 0 || mosquitto <= 0) return undefined;
  return figure.better === 'lower' ? mosquitto / value : value / mosquitto;
}

/** Whether an aim is met, undefined if that was not measured. */
export function meets(aim: Aim, value: number | undefined, times: number | undefined): boolean | undefined {
  if ('times' in aim) return times === undefined ? undefined : times >= aim.times;
  if (value === undefined) return undefined;
  return 'least' in aim ? value >= aim.least : value <= aim.most;
}

/** The lines of one row, one for each of its figures. */
export function linesOf(row: Row, results: RowResults): Line[] {
  return row.figures.map((figure, index) => {
    const values = (['dunlin', 'mosquitto', 'aedes'] as const).map((name) => median(results[name], figure.key));
    const { beside, aim } = figure;
    const besides = (['dunlin', 'mosquitto', 'aedes'] as const).map((name) =>
      beside ? median(results[name], beside.key) : undefined,
    );
    const times = ratio(figure, values[0], values[1]);
    const met = aim ? meets(aim, values[0], times) : undefined;
    return [
      index === 0 ? row.title : '',
      `${figure.title}, ${figure.unit}`,
      ...values.map(formatNumber),
      times === undefined ? none : `${formatNumber(times)} ×`,
      aim ? formatAim(aim) : none,
      met === undefined ? none : met ? 'yes' : 'no',
      beside && besides[0] !== undefined ? `${formatNumber(besides[0])} ${beside.title}` : none,
      ...besides.slice(1).map(formatNumber),
    ];
  });
}

/** A sentence for each broker whose runs of a row failed, lost or repeated something, or that lacks what the row needs. */
export function faultsOf(row: Row, results: RowResults): string[] {
  const said: string[] = [];
  for (const [name, runs] of Object.entries(results) as [BrokerName, LoadResult[]][]) {
    const errors = runs.flatMap(({ error }) => (error === undefined ? [] : [error]));
    if (errors.length > 0)
      said.push(`${row.id}, ${name}: ${errors.length} of ${runs.length} runs failed: ${errors[0]}`);
    for (const key of faultKeys) {
      const total = runs.reduce((sum, run) => sum + Number(run[key] ?? 0), 0);
      if (total > 0) said.push(`${row.id}, ${name}: ${key} ${total} in ${runs.length} runs`);
    }
    const busiest = Math.max(0, ...runs.map((run) => Number(run.gen_pct ?? 0)));
    if (busiest > 95)
      said.push(`${row.id}, ${name}: the generator was busy ${busiest.toFixed(0)} %, so the rate is its limit`);
  }
  for (const [name, reason] of Object.entries(row.unsupported ?? {})) said.push(`${row.id}, ${name}: ${reason}`);
  return said;
}

/** Three significant digits, thousands grouped; a dash for nothing. */
export function formatNumber(value: number | undefined): string {
  if (value === undefined) return none;
  const digits = value === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function formatAim(aim: Aim): string {
  if ('times' in aim) return `≥ ${aim.times} ×`;
  return 'least' in aim ? `≥ ${formatNumber(aim.least)}` : `≤ ${formatNumber(aim.most)}`;
}

/** A Markdown table with its columns aligned, so that it also reads well on a terminal. */
export function formatTable(lines: readonly Line[]): string {
  const widths = columns.map((head, column) =>
    Math.max(...[columns, ...lines].map((line) => line[column].length), 3, head.length),
  );
  const isText = (column: number) => column < 2 || column === 7;
  const format = (line: Line) =>
    `| ${line.map((cell, at) => (isText(at) ? cell.padEnd(widths[at]) : cell.padStart(widths[at]))).join(' | ')} |`;
  const rule = `|${widths.map((width, at) => (isText(at) ? `${'-'.repeat(width + 2)}` : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [format(columns), rule, ...lines.map(format)].join('\n');
}
