/** The command `dunlin serve`: from the arguments to a server that runs until it is told to stop. */

import { resolve } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { StoreContradiction } from '@dunlin/broker';
import { StoreError } from '@dunlin/lmdb';
import { type Configuration, ConfigurationError, type LogConfiguration, type LogLevel } from './configuration.ts';
import { problemsWithLines } from './configuration-check.ts';
import { ControlError } from './control-protocol.ts';
import { effectiveConfiguration } from './effective-configuration.ts';
import { logEvent } from './event-log.ts';
import type { ServerEvent } from './events.ts';
import { firstScreen } from './first-screen.ts';
import { type CommandLine, readCommandLine, serveHelp } from './flags.ts';
import { isWithoutRules } from './let-in.ts';
import { OPEN_TO_ALL, ServerStartError } from './listening.ts';
import { Log } from './log.ts';
import {
  fileDestination,
  joinedDestinations,
  type LogDestination,
  streamDestination,
  syslogDestination,
} from './log-destination.ts';
import { type RunningServer, startServer } from './server.ts';
import { SERVER_VERSION } from './server-version.ts';
import { startAdvice } from './start-advice.ts';
import { stopSignals } from './stop-signals.ts';
import { storageAdvice } from './storage.ts';
import { systemClock } from './system-clock.ts';

/** Exit codes of `dunlin serve`. */
const EXIT = { stopped: 0, usage: 1, failed: 3 } as const;

/** What people read on the first screen, or as the error, instead of in the log. */
const ON_FIRST_SCREEN: readonly string[] = ['listening', 'connectionsLimited', 'startFailed'];

const STORE_FAILED = 'the store failed';

const settleMs = 2_500;
const lookEveryMs = 20;

/**
 * Runs a server until SIGTERM or SIGINT and resolves with the exit code: 0 stopped as asked, 1 the command line or the
 * configuration is wrong, 3 the server could not start or go on. It never rejects; a second signal
 * ends the process as that signal does by itself. Arguments are those behind `serve`.
 *
 * Writes help and first screen to stdout, failures and, unless configured otherwise, the log to stderr. When it resolves,
 * clients have what was sent to them (or 2.5 s have passed), so that the process may exit at once.
 */
export async function serve(argv: readonly string[]): Promise<number> {
  let commandLine: CommandLine | undefined;
  try {
    commandLine = readCommandLine(argv, process.env);
    if (commandLine.help) {
      process.stdout.write(serveHelp());
      return EXIT.stopped;
    }
    return await run(commandLine);
  } catch (error) {
    process.stderr.write(`${failureText(placed(error, commandLine?.configFile))}\n`);
    return exitCodeOf(error);
  }
}

/** What the configuration names is found wrong as late as it is read; trying again mends neither. */
function exitCodeOf(error: unknown): number {
  const isOpenToAll = error instanceof ServerStartError && error.code === OPEN_TO_ALL;
  return error instanceof ConfigurationError || isOpenToAll ? EXIT.usage : EXIT.failed;
}

/** With the lines of the file, and whatever else is wrong there: what the server met first may be one of many. */
function placed(error: unknown, file: string | undefined): unknown {
  if (!(error instanceof ConfigurationError) || file === undefined) return error;
  return new ConfigurationError(problemsWithLines(file, error.problems));
}

async function run(commandLine: CommandLine): Promise<number> {
  const configuration = effectiveConfiguration(commandLine);
  // It takes effect because the young generation has not grown yet.
  setFlagsFromString(`--max-semi-space-size=${Math.ceil(configuration.semiSpaceBytesMax / 1024 ** 2)}`);
  const destination = openLog(configuration.log);
  const log = makeLog(configuration, destination);
  const isForPeople = humanFormat(configuration);
  let storeFailed: () => void = () => {};
  const broken = new Promise<typeof STORE_FAILED>((resolve) => {
    storeFailed = () => resolve(STORE_FAILED);
  });
  let started = false;
  let levelInForce = (): LogLevel => configuration.log.level;
  const onEvent = (event: ServerEvent): void => {
    if (event.name === 'storeFailed') storeFailed();
    if (event.name === 'reloaded') log.level = levelInForce();
    if (started || !isForPeople || !ON_FIRST_SCREEN.includes(event.name)) logEvent(log, event);
  };
  let isReloadAsked = false;
  let reload = (): void => {
    isReloadAsked = true;
  };
  const signals = stopSignals({
    force(signal) {
      process.stderr.write(`${signal} again: stopping at once\n`);
      // By the signal itself: process.exit would wait for a flush that the disk does not finish.
      signals.close();
      process.kill(process.pid, signal);
    },
    reload: () => reload(),
  });
  try {
    const server = await startServer(configuration, { onEvent, reread: () => effectiveConfiguration(commandLine) });
    log.flush();
    started = true;
    reload = () => {
      destination.reopen();
      // The server tells of a failure itself, and goes on as it was.
      void server.reload().catch(() => {});
    };
    levelInForce = () => server.configuration.log.level;
    // While it was starting: what it has read may be older than that.
    if (isReloadAsked) reload();
    announce(log, isForPeople, server);
    await end(log, server, await Promise.race([signals.stop, broken]));
    return EXIT.stopped;
  } catch (error) {
    const advice =
      error instanceof ServerStartError
        ? startAdvice(error, configuration, commandLine.configFile)
        : storageAdvice(error);
    process.stderr.write(
      `${failureText(placed(error, commandLine.configFile))}${advice === undefined ? '' : `\n${advice}`}\n`,
    );
    return exitCodeOf(error);
  } finally {
    log.flush();
    await destination.close();
    signals.close();
  }
}

function announce(log: Log, isForPeople: boolean, server: RunningServer): void {
  const title = `Dunlin ${SERVER_VERSION} on Node ${process.version}`;
  if (isForPeople) {
    process.stdout.write(firstScreen(title, server));
    return;
  }
  const { data, durability } = server.configuration;
  const { pid, version: node } = process;
  // Whole, for a command that runs elsewhere.
  const where = data === undefined ? {} : { data: resolve(data) };
  const clientsMayDo = isWithoutRules(server.configuration) ? 'everything' : 'what rules allow';
  log.log('info', 'started', { version: SERVER_VERSION, node, pid, ...where, durability, clientsMayDo });
}

/** Rejects where the store has failed, also while it was closed: then it is not told as stopped. */
async function end(log: Log, server: RunningServer, reason: string): Promise<void> {
  log.log('info', 'stopping', { reason });
  await server.stop();
  await socketsClosed();
  log.log('info', 'stopped');
}

/** Waits until the goodbyes have left: the process would take them along into its end. */
async function socketsClosed(): Promise<void> {
  const untilMs = performance.now() + settleMs;
  const areOpen = (): boolean => process.getActiveResourcesInfo().includes('TCPSocketWrap');
  while (areOpen() && performance.now() < untilMs) await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
}

function humanFormat({ log: { format, to } }: Configuration): boolean {
  const isStream = (place: string): boolean => place in STREAMS;
  return format === 'human' || (format === 'auto' && process.stdout.isTTY === true && to.every(isStream));
}

function makeLog(configuration: Configuration, destination: LogDestination): Log {
  const { env } = process;
  const { to } = configuration.log;
  const isOnTerminal = to.length === 1 && STREAMS[to[0]]?.().isTTY === true;
  return new Log({
    level: configuration.log.level,
    format: humanFormat(configuration) ? 'human' : 'json',
    colour: isOnTerminal && !env.NO_COLOR && env.TERM !== 'dumb',
    clock: systemClock,
    write: (lines) => destination.write(lines),
  });
}

/** Streams that a log may go to. */
const STREAMS: Readonly<Record<string, () => NodeJS.WriteStream>> = {
  stdout: () => process.stdout,
  stderr: () => process.stderr,
};

function openLog({ to, file }: LogConfiguration): LogDestination {
  const failed = (error: Error): void => void process.stderr.write(`Cannot write the log: ${error.message}\n`);
  return joinedDestinations(
    to.map((place) => {
      if (place === 'file') return fileDestination(file as string, failed);
      if (place === 'syslog') return syslogDestination('dunlin', failed);
      return streamDestination(STREAMS[place]());
    }),
  );
}

/** For people; a stack only where the fault is ours. */
export function failureText(error: unknown): string {
  if (error instanceof ConfigurationError || error instanceof ServerStartError) return error.message;
  if (error instanceof StoreError || error instanceof StoreContradiction) return error.message;
  if (error instanceof RangeError || error instanceof ControlError) return error.message;
  return `Cannot go on: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}
