/**
 * What `dunlin store` does: it asks the server that has the data directory, and opens the directory itself where no
 * server has it. Failures are ControlErrors and StoreErrors, both with a `code`.
 */
import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  backUpClosed,
  type CheckReport,
  checkClosed,
  type Restored,
  restoreBackup,
  StoreError,
  type StoreStats,
  statsOfClosed,
} from '@dunlin/lmdb';
import { ConfigurationError, mergeConfigurations } from './configuration.ts';
import { readDataPlace } from './configuration-file.ts';
import { askServer } from './control-client.ts';
import type { ControlCommandName, ControlRequest, ControlResult, ServerIdentity } from './control-protocol.ts';
import { defaultDataDirectory } from './data-directory.ts';
import { readCommandLine } from './flags.ts';

/** A result, the directory it is about, and the server that gave it; undefined where none has the directory. */
export interface StoreAnswer<Result> {
  readonly directory: string;
  readonly server: ServerIdentity | undefined;
  readonly result: Result;
}

/** A backup that was made, and what the check of it found. */
export interface BackupResult {
  readonly to: string;
  readonly fileBytes: number;
  readonly report: CheckReport;
}

/**
 * The data directory that `dunlin serve` would take with the same `--data`, environment and `--config`.
 * @throws ConfigurationError where `data` is empty, where the file does not say it, or says that nothing is kept
 */
export function dataDirectory(data: string | undefined, configFile: string | undefined): string {
  // As of an empty variable: the working directory is not what anybody means by it.
  if (data === '') throw new ConfigurationError(['--data is "": a directory is expected']);
  if (data !== undefined) return resolve(data);
  const flags = configFile === undefined ? [] : ['--config', configFile];
  const { configFile: file, configuration: given } = readCommandLine(flags, process.env);
  if (given.data !== undefined) return resolve(given.data);
  const configuration = mergeConfigurations(file === undefined ? {} : readDataPlace(file), given);
  if (configuration.durability === 'memory')
    throw new ConfigurationError([
      `${file ?? 'The environment'}: durability is "memory", so there is no store: "durable" or "process" is expected`,
    ]);
  return resolve(configuration.data ?? defaultDataDirectory());
}

/** What the store holds and takes. */
export function storeStats(directory: string): Promise<StoreAnswer<StoreStats>> {
  return byServerOr(directory, { command: 'store-stats' }, () => statsOfClosed(directory));
}

/** Walks over everything, which takes a while; a server goes on working meanwhile. */
export function storeCheck(directory: string): Promise<StoreAnswer<CheckReport>> {
  return byServerOr(directory, { command: 'store-check' }, () => checkClosed(directory));
}

/** Copies what is acknowledged by now into a new or empty directory, and checks the copy; not in the server's process. */
export async function storeBackup(directory: string, to: string): Promise<StoreAnswer<BackupResult>> {
  const answer = await byServerOr<'store-backup'>(directory, { command: 'store-backup', to: resolve(to) }, async () => {
    await backUpClosed(directory, resolve(to));
    return { to: resolve(to) };
  });
  const { result } = answer;
  const report = await checkClosed(result.to);
  if (report.problems.length > 0)
    throw new StoreError('damaged', `Cannot vouch for the backup ${result.to}: ${report.problems.join('; ')}`);
  return { ...answer, result: { ...result, fileBytes: statSync(join(result.to, 'data.mdb')).size, report } };
}

/** Puts a backup into a directory that no server has. */
export function storeRestore(from: string, directory: string, replace: boolean): Promise<Restored> {
  return restoreBackup({ from: resolve(from), directory, replace });
}

async function byServerOr<Name extends ControlCommandName>(
  directory: string,
  request: ControlRequest<Name>,
  open: () => Promise<ControlResult<Name>>,
): Promise<StoreAnswer<ControlResult<Name>>> {
  const answer = await askServer<Name>(directory, request);
  if (answer !== undefined) return { directory, ...answer };
  try {
    return { directory, server: undefined, result: await open() };
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'locked') throw error;
    // A server that was starting when it was asked.
    const late = await askServer<Name>(directory, request);
    if (late === undefined) throw error;
    return { directory, ...late };
  }
}
