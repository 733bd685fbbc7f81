/** The rows of the comparison: what one is, which brokers take part in it, and how it is found by its name. */
import type { BrokerName } from './broker-kinds.ts';
import { deviceRows } from './device-rows.ts';
import { durableRows } from './durable-rows.ts';
import { secureRows } from './secure-rows.ts';
import { trafficRows } from './traffic-rows.ts';

/** The tables of the report: who stands in one, in the order of its columns. */
export const tables = {
  traffic: ['dunlin', 'mosquitto', 'aedes'],
  durable: ['dunlin', 'dunlin-process', 'dunlin-memory', 'mosquitto', 'mosquitto-disk', 'aedes-level', 'nats'],
  secure: ['dunlin-tls', 'mosquitto-tls', 'dunlin-password', 'mosquitto-password'],
  devices: ['dunlin-devices', 'mosquitto-devices'],
} as const satisfies Record<string, readonly BrokerName[]>;

export type TableName = keyof typeof tables;

/** A number that mqload reports for a row; the key is its name in mqload's JSON. */
export interface Figure {
  readonly key: string;
  readonly title: string;
  readonly unit: string;
  readonly better: 'lower' | 'higher';
  /** Shown beside it, for reading only. */
  readonly beside?: { readonly key: string; readonly title: string };
  readonly aims?: readonly Aim[];
}

/**
 * `times`: at least so many times as good as another broker, Mosquitto where none is named. `least` and `most`: bounds in
 * the figure's own unit. `of`: the one that has to meet it, where that is not `dunlin`.
 */
export type Aim = { readonly of?: BrokerName } & (
  | { readonly times: number; readonly than?: BrokerName }
  | { readonly least: number }
  | { readonly most: number }
);

/** One row: a scenario of mqload and what is read from its result. */
export interface Row {
  readonly table: TableName;
  readonly id: string;
  readonly title: string;
  /**
   * Scenario and options of mqload; host, port, process and durations are added, `$FOLDER` is the broker's folder,
   * `$TLS_PORT` and the like a port of its kind.
   */
  readonly load: string;
  /** Further options for one of the brokers. */
  readonly loadOf?: Partial<Readonly<Record<BrokerName, string>>>;
  /** Needs a broker process started for it alone, because memory kept from earlier rows would hide what it measures. */
  readonly fresh: boolean;
  /** False for scenarios that end by themselves or say how long they take. */
  readonly timed: boolean;
  readonly figures: readonly Figure[];
  /** Those of the table that the row is for. Default: all. */
  readonly among?: readonly BrokerName[];
  /** Brokers that lack what the row needs, with what that is. */
  readonly unsupported?: Partial<Readonly<Record<BrokerName, string>>>;
}

/** Every row in the order of the report. */
export const rows: readonly Row[] = [...trafficRows, ...durableRows, ...secureRows, ...deviceRows];

/** Those of the given brokers that a row compares. */
export function brokersOf(row: Row, among: readonly BrokerName[]): BrokerName[] {
  const names: readonly BrokerName[] = row.among ?? tables[row.table];
  return names.filter((name) => among.includes(name) && row.unsupported?.[name] === undefined);
}

/** The rows whose id contains one of the given words, or all for none; throws naming a word that fits no row. */
export function selectRows(words: readonly string[]): readonly Row[] {
  if (words.length === 0) return rows;
  for (const word of words) {
    if (!rows.some(({ id }) => id.includes(word)))
      throw new Error(`No row fits "${word}". Rows: ${rows.map(({ id }) => id).join(' ')}`);
  }
  return rows.filter(({ id }) => words.some((word) => id === word || (!isRow(word) && id.includes(word))));
}

function isRow(word: string): boolean {
  return rows.some(({ id }) => id === word);
}
