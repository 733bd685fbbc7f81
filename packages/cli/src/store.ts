/** `dunlin store`: what a server keeps on disk, looked at, checked, backed up and restored. */

import { resolve } from 'node:path';
import { CommandError, ExitCode, usageError } from './exit-codes.ts';
import { readStoreFlags, type StoreRequest } from './store-flags.ts';
import {
  backupJson,
  backupText,
  checkJson,
  checkText,
  restoreJson,
  restoreText,
  statsJson,
  statsText,
} from './store-report.ts';
import type { Terminal } from './terminal.ts';

type Server = typeof import('@dunlin/server');

/** What is printed, and the exit code. */
interface Outcome {
  readonly json: object;
  readonly text: string;
  readonly exitCode?: number;
}

/** Runs the command and returns its exit code. Rejects with what `failureOf` understands. */
export async function store(argv: readonly string[], terminal: Terminal): Promise<number> {
  const request = readStoreFlags(argv);
  // Loaded when asked for: `pub` and `sub` start faster without it.
  const server = await import('@dunlin/server');
  try {
    const directory = server.dataDirectory(request.data, request.config);
    const { json, text, exitCode = ExitCode.done } = await perform(server, request, directory);
    terminal.output.write(request.json ? `${JSON.stringify(json)}\n` : text);
    return exitCode;
  } catch (error) {
    throw commandErrorOf(server, error, request);
  }
}

async function perform(server: Server, request: StoreRequest, directory: string): Promise<Outcome> {
  switch (request.action) {
    case 'stats': {
      const answer = await server.storeStats(directory);
      return { json: statsJson(answer), text: statsText(answer) };
    }
    case 'check': {
      const answer = await server.storeCheck(directory);
      const exitCode = answer.result.problems.length === 0 ? ExitCode.done : ExitCode.problems;
      return { json: checkJson(answer), text: checkText(answer), exitCode };
    }
    case 'backup': {
      const answer = await server.storeBackup(directory, request.place);
      return { json: backupJson(answer), text: backupText(answer) };
    }
    case 'restore': {
      const from = resolve(request.place);
      const restored = await server.storeRestore(from, directory, request.force);
      return { json: restoreJson(from, directory, restored), text: restoreText(from, directory, restored) };
    }
  }
}

function commandErrorOf(server: Server, error: unknown, { action }: StoreRequest): unknown {
  if (error instanceof server.ConfigurationError) return usageError(error.message);
  if (!(error instanceof server.ControlError || error instanceof server.StoreError)) return error;
  const hint = HINTS[error.code] ?? HINTS[`${action} ${error.code}`];
  const text = hint === undefined ? error.message : `${error.message}\n${hint}`;
  return new CommandError(
    ['unreachable', 'connection-lost'].includes(error.code) ? ExitCode.network : ExitCode.local,
    text,
  );
}

/** What to do, by the code of the error, or by action and code. */
const HINTS: Readonly<Record<string, string>> = {
  'store-exists': 'With --force it is kept in the data directory as former-TIME, and the backup takes its place.',
  'stats no-store': 'Name the data directory with --data DIR, or the configuration of the server with --config FILE.',
  'check no-store': 'Name the data directory with --data DIR, or the configuration of the server with --config FILE.',
  'backup no-store': 'Name the data directory with --data DIR, or the configuration of the server with --config FILE.',
  'restore no-store': 'FROM is a directory that "dunlin store backup" made, or any data directory.',
  'unknown-command': 'The server is of another version than this dunlin: use the one that it was started with.',
};
