/** Turns measured rows into tables: medians, ratios to Mosquitto, aims, and what went wrong in a run. */
import { type BrokerName, brokerKinds } from './broker-kinds.ts';
import type { LoadResult } from './load.ts';
import type { RowResults } from './measure.ts';
import { type Aim, type Figure, type Row, type TableName, tables } from './rows.ts';

/** One line of a table, every cell as text; the columns are those of `columnsOf`. */
export type Line = readonly string[];

/** The heads of a table. */
export function columnsOf(table: TableName): Line {
  const kinds = brokerKinds();
  const titles = tables[table].map((name) => kinds[name].title);
  if (table !== 'traffic') return ['traffic', 'figure', ...titles, 'aim', 'met'];
  const besides = titles.map((title, index) => (index === 0 ? `beside it: ${title}` : title));
  return ['traffic', 'figure', ...titles, '× Mosquitto', 'aim', 'met', ...besides];
}

const none = '–';
/** Counters of mqload that are zero in an honest run. */
const faultKeys = ['lost', 'missing', 'dup', 'reordered', 'refused', 'disconnects', 'stalls'];

/** Behind its schedule by more than this, mqload measures the machine: on an idle one it is under 100 µs late. */
const lateUs = 500;

/** The median of a figure over the runs that have it, or undefined if none has. */
export function median(results: readonly LoadResult[] | undefined, key: string): number | undefined {
  const values = (results ?? []).map((result) => result[key]).filter((value) => typeof value === 'number');
  if (values.length === 0) return undefined;
  values.sort((a, b) => a - b);
  const middle = values.length >> 1;
  return values.length % 2 === 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

/** How many times as good as another broker's a value is: above 1 is better, whichever way the figure counts. */
export function ratio(figure: Figure, value: number | undefined, other: number | undefined): number | undefined {
  if (value === undefined || other === undefined || value <= 0 || other <= 0) return undefined;
  return figure.better === 'lower' ? other / value : value / other;
}

/** Whether an aim is met, undefined if that was not measured. */
export function meets(aim: Aim, value: number | undefined, times: number | undefined): boolean | undefined {
  if ('times' in aim) return times === undefined ? undefined : times >= aim.times;
  if (value === undefined) return undefined;
  return 'least' in aim ? value >= aim.least : value <= aim.most;
}

/** The lines of one row, one for each of its figures. */
export function linesOf(row: Row, results: RowResults): Line[] {
  const names: readonly BrokerName[] = tables[row.table];
  return row.figures.map((figure, index) => {
    const values = names.map((name) => median(results[name], figure.key));
    const cells = values.map((value, at) => (value === undefined ? blank(results[names[at]]) : formatNumber(value)));
    const { aims = [] } = figure;
    const line = [index === 0 ? row.title : '', `${figure.title}, ${figure.unit}`, ...cells];
    const aimed = [
      aims.map(formatAim).join('; ') || none,
      aims.map((aim) => verdict(figure, aim, results)).join('; ') || none,
    ];
    if (row.table !== 'traffic') return [...line, ...aimed];
    const times = ratio(figure, values[0], median(results.mosquitto, figure.key));
    return [
      ...line,
      times === undefined ? none : `${formatNumber(times)} ×`,
      ...aimed,
      ...besidesOf(figure, names, results),
    ];
  });
}

/** What stands for a figure that no run gave. */
function blank(runs: readonly LoadResult[] = []): string {
  if (runs.length === 0 || runs.some(({ error }) => error === undefined)) return none;
  return runs.every(({ absent }) => absent !== undefined) ? 'not installed' : 'failed';
}

function verdict(figure: Figure, aim: Aim, results: RowResults): string {
  const value = median(results[aim.of ?? 'dunlin'], figure.key);
  const other = 'times' in aim ? median(results[aim.than ?? 'mosquitto'], figure.key) : undefined;
  const met = meets(aim, value, ratio(figure, value, other));
  return met === undefined ? none : met ? 'yes' : 'no';
}

function besidesOf({ beside }: Figure, names: readonly BrokerName[], results: RowResults): string[] {
  const besides = names.map((name) => (beside ? median(results[name], beside.key) : undefined));
  const [own, ...others] = besides;
  return [beside && own !== undefined ? `${formatNumber(own)} ${beside.title}` : none, ...others.map(formatNumber)];
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
    const latest = median(runs, 'lag_p99_us') ?? 0;
    if (latest > lateUs)
      said.push(
        `${row.id}, ${name}: the generator was late (99 %: ${formatNumber(latest)} µs), so the tail is the machine's`,
      );
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
  const { of } = aim;
  const whose = of === undefined ? '' : ` (${brokerKinds()[of].title})`;
  if ('times' in aim)
    return `≥ ${aim.times} ×${aim.than === undefined ? '' : ` ${brokerKinds()[aim.than].title}`}${whose}`;
  return `${'least' in aim ? `≥ ${formatNumber(aim.least)}` : `≤ ${formatNumber(aim.most)}`}${whose}`;
}

/** A Markdown table with its columns aligned, so that it also reads well on a terminal. */
export function formatTable(table: TableName, lines: readonly Line[]): string {
  const columns = columnsOf(table);
  const widths = columns.map((_, column) => Math.max(...[columns, ...lines].map((line) => line[column].length), 3));
  const isText = (column: number) => column < 2 || columns[column] === 'met';
  const format = (line: Line) =>
    `| ${line.map((cell, at) => (isText(at) ? cell.padEnd(widths[at]) : cell.padStart(widths[at]))).join(' | ')} |`;
  const rule = `|${widths.map((width, at) => (isText(at) ? `${'-'.repeat(width + 2)}` : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [format(columns), rule, ...lines.map(format)].join('\n');
}
