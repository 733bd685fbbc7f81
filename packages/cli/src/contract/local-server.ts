/** A server on a free port of this machine for the tests of one file, and the tool run against it. */

import { after, before } from 'node:test';
import { type RunningServer, startServer } from '@dunlin/server';
import { run } from '../tool.ts';
import { RecordedTerminal } from './recorded-terminal.ts';

let server: RunningServer | undefined;
before(async () => {
  server = await startServer({ listeners: [{ host: '127.0.0.1', port: 0 }] });
});
after(() => server?.stop());

/** The server's port. */
export function port(): number {
  if (server === undefined) throw new Error('the server runs only while tests run');
  return server.listeners[0].port;
}

/** The server, for what only it can tell. */
export function runningServer(): RunningServer {
  return server as RunningServer;
}

/** A run of the tool in this process. */
export interface ToolRun {
  readonly terminal: RecordedTerminal;
  readonly exitCode: Promise<number>;
}

/** Starts `dunlin COMMAND` against the server; words of the line are divided by blanks, `rest` stands as it is. */
export function tool(
  line: string,
  rest: readonly string[] = [],
  input: ConstructorParameters<typeof RecordedTerminal>[0] = [],
): ToolRun {
  const [command, ...words] = line.split(' ');
  const terminal = new RecordedTerminal(input);
  const argv = [command, '-h', '127.0.0.1', '-p', String(port()), ...words, ...rest];
  return { terminal, exitCode: run(argv, terminal) };
}

/** Starts `dunlin sub` and waits until the server has confirmed its subscriptions. */
export async function listening(line: string, rest: readonly string[] = []): Promise<ToolRun> {
  const started = tool(`sub -d ${line}`, rest);
  await Promise.race([started.terminal.shows('< SUBACK'), started.exitCode]);
  return started;
}
