/** The rows of the comparison of clients, and the page that they make. */
import type { BrokerName } from './broker-kinds.ts';
import type { Level, LibraryName } from './client-libraries.ts';
import type { ClientFigures, ClientLoad } from './client-load.ts';
import { formatNumber } from './report.ts';

/** One row: what is measured against one broker. */
export interface ClientRow {
  readonly what: ClientLoad['what'];
  readonly qos: Level;
  readonly broker: BrokerName;
  /** Dunlin's client is to be at least so many times as cheap. */
  readonly aim: number | undefined;
}

/** The runs of a row, by library. */
export type ClientRuns = Readonly<Record<LibraryName, readonly ClientFigures[]>>;

/** Every row against every broker. */
export function clientRows(brokers: readonly BrokerName[]): ClientRow[] {
  const traffic = (['publish', 'receive'] as const).flatMap((what) =>
    ([0, 1, 2] as const).map((qos) => ({ what, qos, aim: qos < 2 ? 3 : undefined })),
  );
  const idle = { what: 'idle', qos: 0, aim: 1 } as const;
  return brokers.flatMap((broker) => [...traffic, idle].map((row) => ({ ...row, broker })));
}

/** The median of a figure; undefined where no run has it. */
export function medianOf(runs: readonly ClientFigures[], key: keyof ClientFigures): number | undefined {
  const values = runs.flatMap((run) => run[key] ?? []).toSorted((a, b) => a - b);
  if (values.length === 0) return undefined;
  return (values[(values.length - 1) >> 1] + values[values.length >> 1]) / 2;
}

const head = [
  'row',
  'broker',
  'figure',
  'Dunlin',
  'MQTT.js',
  'MQTT.js / Dunlin',
  'aim',
  'met',
  'user µs Dunlin',
  'user µs MQTT.js',
  'msg/s Dunlin',
  'msg/s MQTT.js',
];

/** What is read from the runs of a row, with its title; less is better. */
const figures: Readonly<Record<ClientRow['what'], readonly (readonly [keyof ClientFigures, string])[]>> = {
  publish: [['cpuUs', 'CPU a message, µs']],
  receive: [['cpuUs', 'CPU a message, µs']],
  idle: [
    ['usedKb', 'memory used a client, kB'],
    ['residentKb', 'resident memory a client, kB'],
  ],
};

function lineOf(row: ClientRow, { dunlin, mqttjs }: ClientRuns, key: keyof ClientFigures, title: string): string[] {
  const { what, qos, broker, aim } = row;
  const [own, other] = [medianOf(dunlin, key), medianOf(mqttjs, key)];
  const times = own === undefined || other === undefined ? undefined : other / own;
  return [
    what === 'idle' ? '1,000 idle clients' : `${what}, QoS ${qos}`,
    broker === 'mosquitto' ? 'Mosquitto' : 'Dunlin',
    title,
    formatNumber(own),
    formatNumber(other),
    times === undefined ? '–' : `${formatNumber(times)} ×`,
    aim === undefined ? '–' : `≥ ${aim} ×`,
    aim === undefined || times === undefined ? '–' : times >= aim ? 'yes' : 'no',
    formatNumber(medianOf(dunlin, 'userUs')),
    formatNumber(medianOf(mqttjs, 'userUs')),
    formatNumber(medianOf(dunlin, 'messagesPerSecond')),
    formatNumber(medianOf(mqttjs, 'messagesPerSecond')),
  ];
}

/** The table, as Markdown. */
export function clientTable(rows: readonly (readonly [ClientRow, ClientRuns])[]): string {
  const lines = rows.flatMap(([row, runs]) => figures[row.what].map(([key, title]) => lineOf(row, runs, key, title)));
  const widths = head.map((title, at) => Math.max(title.length, ...lines.map((line) => line[at].length)));
  const isText = (at: number): boolean => at < 3 || at === 7;
  const format = (line: readonly string[]): string =>
    `| ${line.map((cell, at) => (isText(at) ? cell.padEnd(widths[at]) : cell.padStart(widths[at]))).join(' | ')} |`;
  const rule = `|${widths.map((width, at) => (isText(at) ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [format(head), rule, ...lines.map(format)].join('\n');
}
