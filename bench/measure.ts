/** Runs rows against brokers: row by row and run by run in turn, so that a change of the machine meets all alike. */
import { type BrokerName, type BrokerOptions, brokerKinds } from './broker-kinds.ts';
import { type Broker, startBroker } from './brokers.ts';
import { buildLoad, type LoadPlan, type LoadResult, runLoad } from './load.ts';
import { brokersOf, type Row } from './rows.ts';

/** What is to be measured. */
export interface Plan extends BrokerOptions, LoadPlan {
  readonly rows: readonly Row[];
  readonly brokers: readonly BrokerName[];
  /** Runs of each row against each broker; the median counts. */
  readonly runs: number;
}

/** The results of one row, a list of runs for each broker. */
export type RowResults = Partial<Record<BrokerName, LoadResult[]>>;

/**
 * Measures a plan; resolves with the results by row id when every broker that it started has ended.
 * `tell` hears of each run when it is done. Rejects when mqload cannot be built. A broker that does not start
 * has its words in each of its cells, and the others go on.
 */
export async function measure(
  plan: Plan,
  tell: (row: Row, broker: BrokerName, result: LoadResult) => void,
): Promise<Map<string, RowResults>> {
  buildLoad();
  const measured = new Map<string, RowResults>();
  const running = new Map<BrokerName, Broker>();
  try {
    for (const row of plan.rows) {
      const results: RowResults = {};
      measured.set(row.id, results);
      for (let run = 0; run < plan.runs; run++) {
        for (const name of brokersOf(row, plan.brokers)) {
          const result = absence(plan, name) ?? (await measureOnce(plan, row, name, running));
          results[name] ??= [];
          results[name].push(result);
          tell(row, name, result);
        }
      }
    }
  } finally {
    for (const broker of running.values()) await broker.stop();
  }
  return measured;
}

function absence(plan: Plan, name: BrokerName): LoadResult | undefined {
  const { absent } = brokerKinds(plan)[name];
  return absent === undefined ? undefined : { error: `not installed (Debian: ${absent})`, absent };
}

async function measureOnce(
  plan: Plan,
  row: Row,
  name: BrokerName,
  running: Map<BrokerName, Broker>,
): Promise<LoadResult> {
  try {
    return await (row.fresh ? measureFresh(plan, row, name) : measureWarm(plan, row, name, running));
  } catch (error) {
    return { error: (error as Error).message.replaceAll('\n', ' ') };
  }
}

async function measureFresh(plan: Plan, row: Row, name: BrokerName): Promise<LoadResult> {
  const broker = await startBroker(name, plan);
  try {
    return await runLoad(row, broker, plan);
  } finally {
    await broker.stop();
  }
}

async function measureWarm(
  plan: Plan,
  row: Row,
  name: BrokerName,
  running: Map<BrokerName, Broker>,
): Promise<LoadResult> {
  const broker = running.get(name) ?? (await startBroker(name, plan));
  running.set(name, broker);
  const result = await runLoad(row, broker, plan);
  if (result.error !== undefined) {
    // What a failed run left in the broker must not be charged to the next row.
    running.delete(name);
    await broker.stop();
  }
  return result;
}
