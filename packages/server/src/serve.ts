/** The command `dunlin serve`: from the arguments to a server that runs until it is told to stop. */
import { resolve } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { StoreContradiction } from '@dunlin/broker';
import { StoreError } from '@dunlin/lmdb';
import { type Configuration, ConfigurationError, completeConfiguration, mergeConfigurations } from './configuration.ts';
import { readConfigurationFile } from './configuration-file.ts';
import { quoted } from './configuration-reading.ts';
import { ControlError } from './control-protocol.ts';
import { defaultDataDirectory } from './data-directory.ts';
import { logEvent } from './event-log.ts';
import type { ServerEvent } from './events.ts';
import { firstScreen } from './first-screen.ts';
import { readCommandLine, serveHelp } from './flags.ts';
import { ServerStartError } from './listening.ts';
import { Log } from './log.ts';
import { type RunningServer, SERVER_VERSION, startServer } from './server.ts';
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
 * Writes help, first screen and log to stdout, failures to stderr. When it resolves, clients have what was sent to
 * them (or 2.5 s have passed), so that the process may exit at once.
 */
export async function serve(argv: readonly string[]): Promise<number> {
  try {
    const { help, configFile, configuration: flags } = readCommandLine(argv);
    if (help) {
      process.stdout.write(serveHelp());
      return EXIT.stopped;
    }
    const file = configFile === undefined ? {} : readConfigurationFile(configFile);
    const given = mergeConfigurations(file, flags);
    if (flags.data !== undefined && given.durability === 'memory') throw nothingKept(flags.data);
    const data = given.durability === 'memory' ? undefined : (given.data ?? defaultDataDirectory());
    return await run(completeConfiguration({ ...given, data }), configFile);
  } catch (error) {
    process.stderr.write(`${failureText(error)}\n`);
    return error instanceof ConfigurationError ? EXIT.usage : EXIT.failed;
  }
}

/** A file may have both, so that a flag can leave its directory alone for once; who names one expects it to be used. */
function nothingKept(data: string): ConfigurationError {
  return new ConfigurationError([
    `--data is ${quoted(data)} and durability is "memory", which keeps nothing: one of both is expected`,
  ]);
}

async function run(configuration: Configuration, configFile: string | undefined): Promise<number> {
  // It takes effect because the young generation has not grown yet.
  setFlagsFromString(`--max-semi-space-size=${Math.ceil(configuration.semiSpaceBytesMax / 1024 ** 2)}`);
  const log = makeLog(configuration);
  const isForPeople = humanFormat(configuration);
  let storeFailed: () => void = () => {};
  const broken = new Promise<typeof STORE_FAILED>((resolve) => {
    storeFailed = () => resolve(STORE_FAILED);
  });
  let started = false;
  const onEvent = (event: ServerEvent): void => {
    if (event.name === 'storeFailed') storeFailed();
    if (started || !isForPeople || !ON_FIRST_SCREEN.includes(event.name)) logEvent(log, event);
  };
  const signals = stopSignals((signal) => {
    process.stderr.write(`${signal} again: stopping at once\n`);
    // By the signal itself: process.exit would wait for a flush that the disk does not finish.
    signals.close();
    process.kill(process.pid, signal);
  });
  try {
    const server = await startServer(configuration, { onEvent });
    log.flush();
    started = true;
    announce(log, isForPeople, server);
    await end(log, server, await Promise.race([signals.stop, broken]));
    return EXIT.stopped;
  } catch (error) {
    const advice =
      error instanceof ServerStartError ? startAdvice(error, configuration, configFile) : storageAdvice(error);
    process.stderr.write(`${failureText(error)}${advice === undefined ? '' : `\n${advice}`}\n`);
    return EXIT.failed;
  } finally {
    log.flush();
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
  log.log('info', 'started', { version: SERVER_VERSION, node, pid, ...where, durability });
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

function humanFormat({ log: { format } }: Configuration): boolean {
  return format === 'human' || (format === 'auto' && process.stdout.isTTY === true);
}

function makeLog(configuration: Configuration): Log {
  const { stdout, env } = process;
  // A log that nobody reads any more is no reason to stop.
  stdout.on('error', () => {});
  return new Log({
    level: configuration.log.level,
    format: humanFormat(configuration) ? 'human' : 'json',
    colour: stdout.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb',
    clock: systemClock,
    write: (text) => void stdout.write(text),
  });
}

/** For people; a stack only where the fault is ours. */
export function failureText(error: unknown): string {
  if (error instanceof ConfigurationError || error instanceof ServerStartError) return error.message;
  if (error instanceof StoreError || error instanceof StoreContradiction) return error.message;
  if (error instanceof RangeError || error instanceof ControlError) return error.message;
  return `Cannot go on: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}
