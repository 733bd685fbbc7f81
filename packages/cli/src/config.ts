/** `dunlin config`: what the configuration of a server says, whether it is right, and what a mosquitto.conf becomes. */

import { writeFileSync } from 'node:fs';
import { visible } from '@dunlin/protocol';
import { type ConfigRequest, readConfigFlags } from './config-flags.ts';
import { ExitCode, localError, usageError } from './exit-codes.ts';
import { systemReason } from './system-reason.ts';
import type { Terminal } from './terminal.ts';

type Server = typeof import('@dunlin/server');
type Identity = typeof import('@dunlin/identity');

/** Runs the command and returns its exit code. Rejects with what `failureOf` understands. */
export async function config(argv: readonly string[], terminal: Terminal): Promise<number> {
  const request = readConfigFlags(argv);
  // Loaded when asked for: `pub` and `sub` start faster without it.
  const server = await import('@dunlin/server');
  try {
    return perform(server, await import('@dunlin/identity'), request, terminal);
  } catch (error) {
    throw error instanceof server.ConfigurationError ? usageError(error.message) : error;
  }
}

function perform(server: Server, identity: Identity, request: ConfigRequest, terminal: Terminal): number {
  switch (request.action) {
    case 'check':
      return check(server, request.file, terminal);
    case 'show': {
      const flags = request.file === undefined ? [] : ['--config', request.file];
      const configuration = server.effectiveConfiguration(server.readCommandLine(flags, process.env));
      terminal.output.write(server.shownConfiguration(configuration));
      return ExitCode.done;
    }
    case 'import':
      return convert(server, readText(identity, request.file), request, terminal);
  }
}

function check(server: Server, file: string, { output, errors }: Terminal): number {
  const { problems, warnings } = server.checkConfigurationFile(file);
  for (const problem of problems) errors.write(line(problem));
  for (const warning of warnings) errors.write(line(`${warning} (warning)`));
  if (problems.length > 0) return ExitCode.problems;
  output.write(line(`${file} is right`));
  return ExitCode.done;
}

function convert(
  server: Server,
  text: string,
  { file, output: to }: Extract<ConfigRequest, { action: 'import' }>,
  { output, errors }: Terminal,
): number {
  const { yaml, remarks } = server.importMosquitto(text, file);
  if (to === undefined) output.write(yaml);
  else writeNew(to, yaml);
  const told = remarks.filter(({ kind }) => kind !== 'needless');
  for (const { line: at, kind, text } of told)
    errors.write(line(`${file}${at === undefined ? '' : `:${at}`}: ${kind === 'lost' ? '' : `${kind}: `}${text}`));
  return told.some(({ kind }) => kind === 'lost') ? ExitCode.problems : ExitCode.done;
}

/** Names of files and values of other people's files may hold anything. */
function line(text: string): string {
  return `${visible(text)}\n`;
}

function readText({ NamedFileError, readNamedFile }: Identity, file: string): string {
  try {
    return readNamedFile(file, 'a mosquitto.conf').toString('utf8');
  } catch (error) {
    throw error instanceof NamedFileError ? localError(error.message) : error;
  }
}

function writeNew(file: string, text: string): void {
  try {
    writeFileSync(file, text, { flag: 'wx' });
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code === 'EEXIST';
    const reason = isThere ? 'there is such a file already; the name of a new one is expected' : systemReason(error);
    throw localError(`Cannot write ${file}: ${reason}`);
  }
}
