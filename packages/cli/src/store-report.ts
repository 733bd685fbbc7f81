/** What `dunlin store` prints: for people aligned and with units, for programs one line of JSON. */

import { visible } from '@dunlin/protocol';
import type { BackupResult, CheckReport, Restored, StoreAnswer, StoreStats } from '@dunlin/server';

type Row = readonly [name: string, value: string];

/** `server` is null where the directory was opened without one. */
export function statsJson({ directory, server, result }: StoreAnswer<StoreStats>): object {
  const { sweepFailure, ...rest } = result;
  return { directory, server: server ?? null, ...rest, sweepFailure: sweepFailure ?? null };
}

export function statsText({ directory, server, result }: StoreAnswer<StoreStats>): string {
  const rows: Row[] = [
    ['server', server === undefined ? 'none has it' : `process ${server.pid}, dunlin ${server.version}`],
    ['keys', count(result.keys)],
    ['data file', bytes(result.fileBytes)],
    ['of that to be reused', bytes(result.reusableBytes)],
    ['free on its disk', bytes(result.freeBytes)],
    ['deleted sessions to clear', count(result.sessionsToSweep)],
  ];
  if (result.sweepFailure !== undefined) rows.push(['clearing ended', result.sweepFailure]);
  return report(`The store in ${directory}`, rows);
}

export function checkJson({ directory, server, result }: StoreAnswer<CheckReport>): object {
  return { directory, server: server ?? null, isSound: result.problems.length === 0, ...result };
}

export function checkText({ directory, result }: StoreAnswer<CheckReport>): string {
  const { problems } = result;
  if (problems.length === 0) return report(`The store in ${directory} is sound`, contents(result));
  const title = `The store in ${directory} has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}`;
  return lines([`${title}:`, ...problems.map((problem) => `  ${problem}`)]);
}

export function backupJson({ directory, server, result }: StoreAnswer<BackupResult>): object {
  const { report: found, ...rest } = result;
  return { directory, server: server ?? null, ...rest, ...found };
}

export function backupText({ directory, result }: StoreAnswer<BackupResult>): string {
  const title = `Backed up ${directory} to ${result.to}; the copy is sound`;
  return report(title, [['data file', bytes(result.fileBytes)], ...contents(result.report)]);
}

/** `from` and `directory` as they were used. */
export function restoreJson(from: string, directory: string, { report: found, fileBytes, former }: Restored): object {
  return { from, directory, former: former ?? null, fileBytes, ...found };
}

export function restoreText(from: string, directory: string, { report: found, fileBytes, former }: Restored): string {
  const rows: Row[] = [['data file', bytes(fileBytes)], ...contents(found)];
  if (former !== undefined) rows.push(['former store', former]);
  return report(`Restored ${from} into ${directory}`, rows);
}

function contents(found: CheckReport): Row[] {
  return [
    ['sessions', count(found.sessions)],
    ['subscriptions', count(found.subscriptions)],
    ['queued messages', count(found.queued)],
    ['retained messages', count(found.retained)],
    ['shared message bodies', count(found.bodies)],
    ['records of tables', count(found.tableRecords)],
    ['deleted sessions to clear', count(found.garbage)],
  ];
}

function report(title: string, rows: readonly Row[]): string {
  const width = Math.max(...rows.map(([name]) => name.length));
  return lines([`${title}:`, ...rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`)]);
}

/** Paths and problems hold what others have written. */
function lines(texts: readonly string[]): string {
  return texts.map((text) => `${visible(text)}\n`).join('');
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** Three digits are enough for people. */
export function bytes(value: number): string {
  let amount = value;
  let unit = 0;
  for (; Math.round(amount) >= 1024 && unit < UNITS.length - 1; unit++) amount /= 1024;
  return `${unit === 0 ? amount : amount.toFixed(amount < 9.95 ? 2 : amount < 99.5 ? 1 : 0)} ${UNITS[unit]}`;
}
