/** What a run of `dunlin bench` found: as an object, as a table, and in one line while it runs. */

import type { TalliedError } from '../error-tally.ts';
import { PERCENTILES, type Percentiles } from '../histogram.ts';
import { alignedRows, shownBytes, shownCount, shownTime } from '../quantities.ts';
import type { BenchMode, BenchPlan } from './bench-flags.ts';
import type { BenchRun } from './bench-run.ts';
import { type Counters, difference } from './meter.ts';

/** A direction: messages while it was measured. */
export interface Flow {
  readonly messages: number;
  readonly messagesPerSecond: number;
  /** Of payloads. */
  readonly bytesPerSecond: number;
}

/** The result, as `--json` prints it. Times in microseconds; absent is what the mode does not measure. */
export interface BenchResult {
  readonly mode: BenchMode;
  readonly url: string;
  readonly qos: number;
  readonly payloadBytes: number;
  readonly clients: number;
  readonly clientsConnected: number;
  readonly seconds: number;
  readonly connections: { readonly perSecond: number; readonly time?: Percentiles };
  readonly published?: Flow;
  readonly received?: Flow;
  readonly acknowledgedIn?: Percentiles;
  readonly deliveredIn?: Percentiles;
  readonly lost?: number;
  readonly duplicated?: number;
  readonly outOfOrder?: number;
  readonly foreign?: number;
  readonly late?: Percentiles;
  readonly errors: readonly TalliedError[];
  readonly cpuPercent: number;
}

/** What the run has found so far. */
export function resultOf(run: BenchRun, { mode, qos, payloadBytes }: BenchPlan, url: URL): BenchResult {
  const { meter, connectTimes, ramp } = run;
  const measured = meter.measured();
  const { seconds } = measured;
  const flow = (messages: number, bytes: number): Flow => ({
    messages,
    messagesPerSecond: rate(messages, seconds),
    bytesPerSecond: rate(bytes, seconds),
  });
  const isReceiving = mode !== 'connect' && mode !== 'pub';
  const isNumbered = isReceiving && (run.isNumbered || mode === 'sub');
  const { duplicated, outOfOrder } = meter.arrivals;
  return {
    mode,
    url: url.href,
    qos,
    payloadBytes,
    clients: run.clientsWanted,
    clientsConnected: connectTimes.count,
    seconds,
    connections: {
      perSecond: rate(connectTimes.count, ramp?.seconds ?? 0),
      ...given('time', connectTimes.percentiles()),
    },
    ...(mode === 'connect' || mode === 'sub' ? {} : { published: flow(measured.published, measured.publishedBytes) }),
    ...(isReceiving ? { received: flow(measured.received, measured.receivedBytes) } : {}),
    ...given('acknowledgedIn', meter.acknowledged.percentiles()),
    ...given('deliveredIn', meter.delivered.percentiles()),
    ...given('lost', run.lost),
    ...(isNumbered ? { duplicated, outOfOrder } : {}),
    ...(meter.foreign > 0 ? { foreign: meter.foreign } : {}),
    ...given('late', meter.lag.percentiles()),
    errors: run.errors.rows(),
    cpuPercent: (mode === 'connect' ? ramp : measured)?.cpuPercent ?? 0,
  };
}

/** The result as text, ready to print. */
export function resultText(result: BenchResult): string {
  const { mode, url, qos, payloadBytes, clients, clientsConnected, seconds } = result;
  const load = mode === 'connect' ? '' : `QoS ${qos}, ${mode === 'sub' ? '' : `${shownBytes(payloadBytes)}, `}`;
  const parts = [
    [`dunlin bench ${mode}: ${shownCount(clients)} clients, ${load}${seconds.toFixed(1)} s, ${url}`],
    alignedRows([
      ['connected', shownCount(clientsConnected), `${shownCount(result.connections.perSecond)}/s`],
      ...flowRow('published', result.published),
      ...flowRow('received', result.received),
      ...countRow('lost', result.lost),
      ...countRow('duplicated', result.duplicated),
      ...countRow('out of order', result.outOfOrder),
      ...countRow('of others', result.foreign),
    ]),
    timeRows(result),
    alignedRows(result.errors.map(({ error, count }) => [error, shownCount(count)])),
    remarks(result),
  ];
  const titles = ['', '', '', 'errors', ''];
  return parts
    .flatMap((lines, at) => (lines.length === 0 ? [] : [[...(titles[at] === '' ? [] : [titles[at]]), ...lines]]))
    .map((lines) => `${lines.join('\n')}\n`)
    .join('\n');
}

function timeRows({ connections, acknowledgedIn, deliveredIn }: BenchResult): string[] {
  const times: [string, Percentiles | undefined][] = [
    ['connected in', connections.time],
    ['acknowledged in', acknowledgedIn],
    ['delivered in', deliveredIn],
  ];
  const rows = times.flatMap(([name, time]) =>
    time === undefined ? [] : [[name, ...PERCENTILES.map(([key]) => shownTime(time[key])), shownTime(time.max)]],
  );
  return rows.length === 0 ? [] : alignedRows([['', ...PERCENTILES.map(([name]) => name), 'max'], ...rows]);
}

/** This process is near its limit above this. */
const BUSY_PERCENT = 90;
/** Later than this by the schedule, it measures itself. */
const LATE_US = 10_000;

function remarks({ cpuPercent, late, published, received, lost }: BenchResult): string[] {
  const busy = `This process was busy ${cpuPercent} % of one core`;
  const isOfBoth = published !== undefined && received !== undefined && lost !== undefined;
  return [
    ...(isOfBoth && published.messages - received.messages !== lost
      ? [
          'Published and received count the time that was measured; lost, duplicated and out of order the whole run: what was',
          'under way when the measuring began or ended is in one of the two, and not lost.',
        ]
      : []),
    cpuPercent >= BUSY_PERCENT ? `${busy}: the figures are rather its limit than the server's.` : `${busy}.`,
    ...(late !== undefined && late.p99 > LATE_US
      ? [
          `Messages were published late (p99 ${shownTime(late.p99)}): the rate is more than -w lets through, or than it can.`,
        ]
      : []),
  ];
}

function flowRow(name: string, flow: Flow | undefined): string[][] {
  if (flow === undefined) return [];
  const { messages, messagesPerSecond, bytesPerSecond } = flow;
  return [[name, shownCount(messages), `${shownCount(messagesPerSecond)}/s`, `${shownBytes(bytesPerSecond)}/s`]];
}

function countRow(name: string, count: number | undefined): string[][] {
  return count === undefined ? [] : [[name, shownCount(count)]];
}

function given<Key extends string, Value>(key: Key, value: Value | undefined): { [K in Key]?: Value } {
  return value === undefined ? {} : ({ [key]: value } as { [K in Key]?: Value });
}

/** A second, to a tenth. */
function rate(count: number, seconds: number): number {
  return seconds > 0 ? Math.round((count / seconds) * 10) / 10 : 0;
}

/** Lines about a run while it goes on, each with the rates since the one before. */
export class BenchView {
  readonly #run: BenchRun;
  readonly #plan: BenchPlan;
  #counters: Counters;
  #atMs: number;

  constructor(run: BenchRun, plan: BenchPlan) {
    this.#run = run;
    this.#plan = plan;
    this.#counters = { ...run.meter.counters };
    this.#atMs = performance.now();
  }

  /** Such as `measuring 3 of 10 s · 200 connected · 120,000/s published · p99 1.20 ms`. */
  line(): string {
    const { phase, measuringSinceMs, connected, clientsWanted, meter, errors } = this.#run;
    const now = performance.now();
    const counters = { ...meter.counters };
    const { published, received } = difference(counters, this.#counters);
    const seconds = (now - this.#atMs) / 1000;
    this.#counters = counters;
    this.#atMs = now;
    const times = meter.delivered.count > 0 ? meter.delivered : meter.acknowledged;
    const since = phase === 'measuring' ? Math.floor((now - (measuringSinceMs ?? now)) / 1000) : undefined;
    return [
      since === undefined ? phase : `${phase} ${since} of ${this.#plan.durationMs / 1000} s`,
      `${shownCount(connected.size)} of ${shownCount(clientsWanted)} connected`,
      ...(published > 0 ? [`published ${shownCount(rate(published, seconds))}/s`] : []),
      ...(received > 0 ? [`received ${shownCount(rate(received, seconds))}/s`] : []),
      ...(times.count > 0 ? [`p99 ${shownTime(times.quantile(0.99))}`] : []),
      ...(errors.total > 0 ? [`errors ${shownCount(errors.total)}`] : []),
    ].join(' · ');
  }
}
