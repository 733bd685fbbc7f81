/** Actions on many devices at once: import and export of files of any length, in pieces. */

import { createReadStream } from 'node:fs';
import type { Api } from '../api/api.ts';
import { PAGE_MAX } from '../api/api.ts';
import { ExitCode, localError, usageError } from '../exit-codes.ts';
import type { Outcome } from '../outcome.ts';
import { systemReason } from '../system-reason.ts';
import type { Terminal } from '../terminal.ts';
import type { DeviceAnswer, ImportAnswer } from './answers.ts';
import type { DeviceFlags } from './device-flags.ts';
import { checkType, deviceQuery } from './registry-actions.ts';

type DeviceQuery = import('@dunlin/devices').DeviceQuery;
type DevicePage = import('@dunlin/devices').DevicePage;
type Fault = ImportAnswer['faults'][number];

/** Some thousand devices: a server answers others between two pieces. */
const PIECE_CHARACTERS = 256 * 1_024;
const FAULTS_MAX = 1_000;
const FAULTS_SHOWN = 20;
const COUNTS = ['added', 'changed', 'unchanged', 'tokens', 'weakTokens', 'faulty'] as const;

export async function importFile(api: Api, file: string, flags: DeviceFlags, terminal: Terminal): Promise<Outcome> {
  const { dryRun } = flags;
  const { importPieces, DeviceError } = await import('@dunlin/devices');
  const counts = { added: 0, changed: 0, unchanged: 0, tokens: 0, weakTokens: 0, faulty: 0 };
  const faults: Fault[] = [];
  try {
    const begun = new BegunSource(sourceOf(file, terminal));
    const format = flags.format ?? (file.toLowerCase().endsWith('.csv') ? 'csv' : await formatOf(begun));
    const contentType = format === 'csv' ? 'text/csv' : 'application/x-ndjson';
    for await (const piece of importPieces(begun, format, PIECE_CHARACTERS)) {
      counts.faulty += piece.faults.length;
      keep(faults, piece.faults);
      if (piece.text === '') continue;
      const query = dryRun ? { dryRun } : {};
      const report = await api.send<ImportAnswer>('/api/v1/devices/import', contentType, piece.text, query);
      for (const name of COUNTS) counts[name] += report[name];
      keep(
        faults,
        report.faults.map(({ line, problem }) => ({ line: piece.lines[line - 1] ?? line, problem })),
      );
    }
  } catch (error) {
    if (error instanceof DeviceError) throw usageError(error.message);
    if (error instanceof Error && 'syscall' in error)
      throw localError(`Cannot read the devices of ${file}: ${systemReason(error)}`);
    throw error;
  }
  faults.sort((one, other) => one.line - other.line);
  const tokens = counts.tokens === 0 ? '' : `, ${counts.tokens} ${counts.tokens === 1 ? 'token' : 'tokens'}`;
  const numbers = `${counts.added} added, ${counts.changed} changed, ${counts.unchanged} as they were${tokens}`;
  const rest = counts.faulty - Math.min(FAULTS_SHOWN, faults.length);
  return {
    json: { ...counts, faults },
    lines: [
      dryRun ? `Nothing was done. It would be: ${numbers}.` : `Devices: ${numbers}.`,
      ...(counts.weakTokens === 0
        ? []
        : [
            `Warning: ${counts.weakTokens} of the tokens in the file are below 16 bytes, which somebody can guess: ` +
              '"dunlin device token ID --rotate" makes a good one.',
          ]),
      ...(counts.faulty === 0 ? [] : [`Left out: ${counts.faulty}.`]),
      ...faults.slice(0, FAULTS_SHOWN).map(({ line, problem }) => `  ${file}:${line}: ${problem}`),
      ...(rest === 0 ? [] : [`  and ${rest} more`]),
    ],
    ...(counts.faulty > 0 && { exitCode: ExitCode.problems }),
  };
}

/** A source of which the first piece has been looked at. */
class BegunSource implements AsyncIterable<Uint8Array> {
  readonly #rest: AsyncIterator<Uint8Array>;
  readonly #seen: Uint8Array[] = [];

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#rest = source[Symbol.asyncIterator]();
  }

  /** One piece more, which is kept; undefined at the end. */
  async look(): Promise<Uint8Array | undefined> {
    const { done, value } = await this.#rest.next();
    if (done) return undefined;
    this.#seen.push(value);
    return value;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    yield* this.#seen;
    yield* { [Symbol.asyncIterator]: () => this.#rest };
  }
}

/** JSON begins with a list or an object, and a line of titles with neither. */
async function formatOf(source: BegunSource): Promise<'json' | 'csv'> {
  for (let piece = await source.look(); piece !== undefined; piece = await source.look()) {
    const begin = Buffer.from(piece)
      .toString('latin1')
      .replace(/^\u00ef\u00bb\u00bf/, '')
      .trimStart();
    if (begin !== '') return begin.startsWith('[') || begin.startsWith('{') ? 'json' : 'csv';
  }
  return 'json';
}

/** As many as the API tells of one request. */
function keep(faults: Fault[], more: readonly Fault[]): void {
  faults.push(...more.slice(0, FAULTS_MAX - faults.length));
}

function sourceOf(file: string, { input }: Terminal): AsyncIterable<Uint8Array> {
  return file === '-' ? input : createReadStream(file);
}

/** Text of the devices, piece after piece. */
export async function* exportedText(api: Api, flags: DeviceFlags): AsyncGenerator<string> {
  const query = deviceQuery(flags);
  await checkType(api, flags);
  const { exportDevices } = await import('@dunlin/devices');
  // Page after page: an answer of any length would have to be held as a whole.
  yield* exportDevices({ list: (asked = {}) => pageOf(api, asked) }, flags.format ?? 'json', query);
}

interface FoundPage {
  readonly items: readonly DeviceAnswer[];
  readonly cursor?: string;
  readonly endedEarly?: true;
}

async function pageOf(api: Api, query: DeviceQuery): Promise<DevicePage> {
  const asked = { ...query, limit: PAGE_MAX } as Readonly<Record<string, string | number | boolean>>;
  const { items, cursor, endedEarly = false } = await api.ask<FoundPage>('GET', '/api/v1/devices', undefined, asked);
  const devices = items.map(({ revision, owner, authority, ...device }) => ({
    device: { ...device, owner, authority },
    revision,
    generation: '',
    trust: 0,
  }));
  return { devices, cursor, endedEarly };
}
