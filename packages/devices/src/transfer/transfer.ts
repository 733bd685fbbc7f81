/** Many devices at once: into the registry from a file, and out of it into one, as streams. */

import type { Tokens } from '../credentials/tokens.ts';
import { DeviceError } from '../device-error.ts';
import { LIST_LIMIT_MAX } from '../lists/bounded-page.ts';
import type { DeviceQuery, RegisteredDevice, Registry } from '../registry/registry.ts';
import { Turns } from '../turns.ts';
import { CsvReader, csvLine } from './csv.ts';
import { exportedDevice, headerOf, type RowForm, readHeader, rowOf } from './device-rows.ts';
import { JsonTextReader } from './json-texts.ts';

/** `json`: a list, or a device on each line; it is written as a list. */
export type TransferFormat = 'json' | 'csv';

export interface ImportOptions {
  readonly format: TransferFormat;
  readonly registry: Registry;
  /** Undefined: entries with a token are faulty. */
  readonly tokens: Tokens | undefined;
  /** Who asks for it, for events. */
  readonly by: string;
  /** Says what would be done, and does nothing; an id that the file has twice counts as if the first were not there. */
  readonly isDryRun: boolean;
}

/** What is wrong with one entry of a file; the others were imported. */
export interface ImportFault {
  /** Where the entry begins. */
  readonly line: number;
  readonly problem: string;
}

export interface ImportReport {
  readonly added: number;
  readonly changed: number;
  readonly unchanged: number;
  /** Tokens that the devices did not have. */
  readonly tokens: number;
  /** Tokens of the file that are below 16 bytes, which somebody can guess; also those that the devices had. */
  readonly weakTokens: number;
  readonly faulty: number;
  /** The first 1000 of them. */
  readonly faults: readonly ImportFault[];
}

const FAULTS_MAX = 1_000;
/** Devices that are written at the same time. */
const AT_ONCE_MAX = 64;
const WEAK_TOKEN_BYTES = 16;
/** Attributes with a column of their own; others share one. */
const COLUMNS_MAX = 200;

type Entry =
  | { readonly line: number; readonly input: unknown; readonly problem?: undefined }
  | { readonly line: number; readonly problem: string };

/**
 * Imports devices: those that are new are added, of others what the file names is changed and the rest stays, so that the
 * same file again changes nothing. An entry may bring a `token` along. A faulty entry is named and does not keep out the others.
 * Where it fails, nothing is under way any more either.
 * @throws DeviceError 'invalid' where the bytes are no UTF-8, or the first line of CSV cannot be used
 */
export async function importDevices(source: AsyncIterable<Uint8Array>, options: ImportOptions): Promise<ImportReport> {
  const importing = new Importing(options);
  try {
    for await (const entries of options.format === 'csv' ? csvEntries(source) : jsonEntries(source))
      for (const entry of entries) await importing.take(entry);
  } catch (error) {
    await importing.idle();
    throw error;
  }
  return importing.end();
}

/**
 * The devices of a query in the form that `importDevices` reads, without tokens. As text of some kilobytes each. `registry`:
 * whoever lists devices, also one far away.
 */
export async function* exportDevices(
  registry: Pick<Registry, 'list'>,
  format: TransferFormat,
  query: Omit<DeviceQuery, 'cursor' | 'limit'> = {},
): AsyncGenerator<string> {
  if (format === 'csv') {
    // What comes to be meanwhile stands in the column that has the rest.
    const names = new Set<string>();
    for await (const page of pages(registry, query))
      for (const { device } of page)
        for (const name of Object.keys(device.attributes)) if (names.size < COLUMNS_MAX) names.add(name);
    const attributes = [...names].sort();
    yield csvLine(headerOf(attributes));
    for await (const page of pages(registry, query))
      yield page.map(({ device }) => csvLine(rowOf(device, attributes))).join('');
    return;
  }
  let before = '[\n';
  for await (const page of pages(registry, query)) {
    if (page.length === 0) continue;
    yield before + page.map(({ device }) => JSON.stringify(exportedDevice(device))).join(',\n');
    before = ',\n';
  }
  yield before === '[\n' ? '[]\n' : '\n]\n';
}

async function* pages(
  registry: Pick<Registry, 'list'>,
  query: DeviceQuery,
): AsyncGenerator<readonly RegisteredDevice[]> {
  let cursor: string | undefined;
  do {
    const page = await registry.list({ ...query, limit: LIST_LIMIT_MAX, ...(cursor !== undefined && { cursor }) });
    yield page.devices;
    cursor = page.cursor;
  } while (cursor !== undefined);
}

class Importing {
  readonly #options: ImportOptions;
  readonly #counts = { added: 0, changed: 0, unchanged: 0, tokens: 0, weakTokens: 0, faulty: 0 };
  readonly #faults: ImportFault[] = [];
  /** By id of the device. */
  readonly #turns = new Turns();
  /** What is no fault of an entry, such as a disk that is full: nothing more is imported then. */
  #failure: { readonly error: unknown } | undefined;

  constructor(options: ImportOptions) {
    this.#options = options;
  }

  async take(entry: Entry): Promise<void> {
    if (entry.problem !== undefined) return this.#fault(entry.line, entry.problem);
    const { line, input } = entry;
    if (typeof input !== 'object' || input === null || Array.isArray(input))
      return this.#fault(line, 'a device is expected, as a group of its fields');
    const { token, ...device } = input as Readonly<Record<string, unknown>>;
    const id = String(device.id);
    // An id that comes again waits here, so that no more are held than are under way.
    await this.#turns.over(id);
    if (this.#turns.size >= AT_ONCE_MAX) await this.#turns.someOver();
    void this.#turns.run(id, () =>
      this.#import(id, device, token).catch((error: unknown) => {
        if (error instanceof DeviceError) this.#fault(line, error.problems.join('; ') || error.message);
        else this.#failure ??= { error };
      }),
    );
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Settles when nothing is under way any more. */
  idle(): Promise<void> {
    return this.#turns.idle();
  }

  async end(): Promise<ImportReport> {
    await this.idle();
    if (this.#failure !== undefined) throw this.#failure.error;
    return { ...this.#counts, faults: this.#faults.sort((one, other) => one.line - other.line) };
  }

  async #import(id: string, device: Readonly<Record<string, unknown>>, token: unknown): Promise<void> {
    const { registry, tokens, by, isDryRun } = this.#options;
    if (token !== undefined && token !== null && (typeof token !== 'string' || tokens === undefined))
      throw new DeviceError('invalid', 'Cannot import a token: a text is expected, where tokens can be imported');
    if (typeof token === 'string') tokens?.checkImport(token, id, await this.#typeOf(id, device));
    const done = await registry.put(device, { by, isDryRun });
    this.#counts[done] += 1;
    if (typeof token !== 'string' || tokens === undefined) return;
    if (Buffer.byteLength(token) < WEAK_TOKEN_BYTES) this.#counts.weakTokens += 1;
    if (isDryRun) return;
    if (await tokens.importOnce(id, token, by)) this.#counts.tokens += 1;
  }

  /** As it will be; none where the entry cannot be used anyway. */
  async #typeOf(id: string, { type }: Readonly<Record<string, unknown>>): Promise<string> {
    if (type !== undefined) return String(type);
    return (await this.#options.registry.get(id))?.device.type ?? '';
  }

  #fault(line: number, problem: string): void {
    this.#counts.faulty += 1;
    if (this.#faults.length < FAULTS_MAX) this.#faults.push({ line, problem });
  }
}

async function* csvEntries(source: AsyncIterable<Uint8Array>): AsyncGenerator<readonly Entry[]> {
  const reader = new CsvReader();
  let form: RowForm | undefined;
  for await (const text of texts(source)) {
    const entries: Entry[] = [];
    for (const record of text === undefined ? reader.end() : reader.push(text)) {
      if (record.problem !== undefined) entries.push(record);
      else if (form === undefined) form = readHeader(record.fields);
      else {
        const input = form.read(record.fields);
        entries.push(typeof input === 'string' ? { line: record.line, problem: input } : { line: record.line, input });
      }
    }
    yield entries;
  }
}

async function* jsonEntries(source: AsyncIterable<Uint8Array>): AsyncGenerator<readonly Entry[]> {
  const reader = new JsonTextReader();
  for await (const text of texts(source))
    yield (text === undefined ? reader.end() : reader.push(text)).map((found) =>
      found.problem === undefined ? parsed(found.line, found.text) : found,
    );
}

/** Says nothing of the text: it may hold a token. */
function parsed(line: number, text: string): Entry {
  try {
    return { line, input: JSON.parse(text) };
  } catch {
    return { line, problem: 'it is no JSON, which is expected' };
  }
}

/** The pieces as text, and undefined when there are no more. */
export async function* texts(source: AsyncIterable<Uint8Array>): AsyncGenerator<string | undefined> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const decode = (bytes?: Uint8Array): string => {
    try {
      return decoder.decode(bytes, { stream: bytes !== undefined });
    } catch {
      throw new DeviceError('invalid', 'Cannot import devices: the file is no UTF-8, which is expected');
    }
  };
  for await (const bytes of source) yield decode(bytes);
  yield decode();
  yield undefined;
}
