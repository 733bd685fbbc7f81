/** Builds and runs mqload, the load generator, pinned to the core that the broker does not have. */
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { BrokerName } from './broker-kinds.ts';
import { type Broker, brokerCore, named, own } from './brokers.ts';
import type { Row } from './rows.ts';

/** The JSON object that mqload prints; a failed run has `error` and no figures. */
export type LoadResult = Readonly<Record<string, number | string>> & { readonly error?: string };

const folder = join(import.meta.dirname, 'mqload');
const loadCore = brokerCore + 1;
/** mqload ends itself after this many seconds; the longest honest row takes half. */
const rowSecondsMax = 60;

/** How long a run is. */
export interface LoadPlan {
  /** Seconds measured in each run of a timed row, after one second of warming up. */
  readonly seconds: number;
  /** Messages of the rows that count them, for a quick try; undefined: what the row says. */
  readonly count?: number;
}

/** Builds mqload if its source is newer; throws with the compiler's words. */
export function buildLoad(): void {
  const { status, stderr, error } = spawnSync('make', ['--silent'], { cwd: folder, encoding: 'utf8' });
  if (status !== 0)
    throw new Error(`Cannot build mqload (needs gcc, make and libssl-dev): ${error?.message ?? stderr}`);
}

/** The options that mqload is given for a row, as one would type them, for one of the brokers or for all; `count` replaces the count of a row that has one. */
export function loadOptions(row: Row, { seconds, count }: LoadPlan, broker?: BrokerName): string[] {
  const durations = row.timed ? ['--duration', String(seconds)] : [];
  const load = count === undefined ? row.load : row.load.replace(/(?<=--count )\d+/, String(count));
  return [...load.split(' '), ...furtherOptions(row, broker), ...durations];
}

function furtherOptions({ loadOf }: Row, broker: BrokerName | undefined): string[] {
  return (broker === undefined ? undefined : loadOf?.[broker])?.split(' ') ?? [];
}

/** Runs a row once against a broker; resolves with its result or with `error`, never rejects for a failed run. */
export function runLoad(row: Row, broker: Broker, plan: LoadPlan): Promise<LoadResult> {
  const target = ['--port', String(broker.port), '--pid', String(broker.pid), '--max-time', String(rowSecondsMax)];
  // What a row says comes last, and counts: it may name another port.
  const [scenario, ...load] = loadOptions(row, plan, broker.name).map((word) => named(word, broker));
  const command = ['--cpu-list', String(loadCore), join(folder, 'mqload'), scenario, ...target, ...load];
  const child = own(spawn('taskset', command, { stdio: ['ignore', 'pipe', 'pipe'] }));
  let output = '';
  let complaints = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaints += text;
  });
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ error: error.message }));
    child.once('close', () => resolve(parseResult(output, complaints)));
  });
}

/** The result in what mqload printed; traffic of which nothing arrived is an error, since its figures would read as zero. */
export function parseResult(output: string, complaints: string): LoadResult {
  const json = output.split('\n').findLast((line) => line.startsWith('{'));
  if (json === undefined) return { error: complaints.trim() || 'mqload said nothing' };
  try {
    const result = JSON.parse(json) as LoadResult;
    return result.msgs === 0 ? { error: 'no message was delivered' } : result;
  } catch {
    return { error: `not JSON: ${json.slice(0, 200)}` };
  }
}
