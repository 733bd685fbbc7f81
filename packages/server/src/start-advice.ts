/** What to do when the server does not start, for somebody who has a command line and perhaps a file before them. */
import { quoted } from '@dunlin/protocol';
import type { Configuration } from './configuration.ts';
import { OPEN_TO_ALL, type ServerStartError } from './listening.ts';
import { toolCommand } from './tool-command.ts';

/** A port that is likely to be free, and another one. */
const FREE_PORTS = [18_830, 18_831] as const;

/** Advice for the error, a sentence or two; undefined where there is none. `file` is the configuration file, if any. */
export function startAdvice(
  error: ServerStartError,
  configuration: Configuration,
  file: string | undefined,
): string | undefined {
  const index = configuration.listeners.findIndex(({ name }) => name === error.listener);
  if (index === -1) return undefined;
  const by: Way = { index, file };
  const { port, transport } = configuration.listeners[index];
  if (transport === 'unix') return socketAdvice(error.code, by);
  const free = FREE_PORTS.find((candidate) => candidate !== port);
  const otherPort = change(by, `--port ${free}`, `port: ${free}`);
  switch (error.code) {
    case 'EADDRINUSE':
      return `Stop the other program, or take another port: ${otherPort}`;
    case 'EACCES':
      return `Take another port: ${otherPort}`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `Use an address of this machine, or listen on this machine alone: ${change(by, '--host localhost', 'host: localhost')}`;
    case OPEN_TO_ALL:
      return (
        `Listen on this machine alone: ${change(by, '--host localhost', 'host: localhost')}\n` +
        `Or ask everybody who they are: ${askEverybody(file)}\n` +
        `Or say that everybody is welcome: ${change(by, '--allow-anonymous', 'allowAnonymous: true')}`
      );
    default:
      return undefined;
  }
}

/** No flag says where a socket is, so there is a file. */
function socketAdvice(code: string, { index, file = '' }: Way): string | undefined {
  const otherPath = `take another path: "path" in listeners[${index}] of ${quoted(file)}`;
  switch (code) {
    case 'EADDRINUSE':
      return `Stop the other program, or ${otherPath}`;
    case 'EEXIST':
      return `Remove the file if nobody needs it, or ${otherPath}`;
    case 'EACCES':
      return `Make the folder, give this user the right to write to it, or ${otherPath}`;
    default:
      return undefined;
  }
}

function askEverybody(file: string | undefined): string {
  if (file === undefined) return `"${toolCommand()} init DIR" makes a configuration with passwords and TLS`;
  return (
    `"authentication: [{ method: passwordFile, file: passwords }]" in ${quoted(file)}; "${toolCommand()} passwd -c passwords USER" ` +
    'makes such a file'
  );
}

interface Way {
  /** Place of the listener; flags reach the first one. */
  readonly index: number;
  readonly file: string | undefined;
}

/** How somebody who started this process changes one thing and keeps the rest. */
function change({ index, file }: Way, flag: string, line: string): string {
  if (file === undefined) return command(flag);
  const inFile = `"${line}" in listeners[${index}] of ${quoted(file)}`;
  return index === 0 ? `${inFile}, or the flag ${flag}` : inFile;
}

function command(flag: string): string {
  return process.env.npm_lifecycle_event === 'start' ? `npm start -- ${flag}` : `${toolCommand()} serve ${flag}`;
}
