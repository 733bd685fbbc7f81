/** When to stop or to read the configuration anew: signals, and the end of the npm or npx that started this process. */
import { readFileSync } from 'node:fs';
import { isatty } from 'node:tty';

export interface StopSignals {
  /** Resolves with why to stop, once. */
  readonly stop: Promise<string>;
  /** Forgets the signals: they do again what they do by default. */
  close(): void;
}

const parentLookEveryMs = 500;
/** npm passes on a Ctrl-C that the terminal has sent to this process as well: two signals, one wish. */
const echoMs = 500;

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
/** File descriptors that a terminal may be behind; after it is closed it is none any more. */
const STREAMS = [0, 1, 2] as const;
/** npm, the shell it runs a command in, and the launcher of `dunlin` where it could not become this process. */
const generationsMax = 3;

export interface SignalCalls {
  /** A second signal to stop came, at least half a second after the first. */
  readonly force: (signal: NodeJS.Signals) => void;
  /** SIGHUP came, and not because the terminal was closed. */
  readonly reload: () => void;
  /** Whether a terminal is behind a file descriptor, now. */
  readonly isTerminal?: (stream: number) => boolean;
}

/**
 * Waits for a wish to stop: SIGINT, SIGTERM, or SIGHUP where it says that the terminal of this process is gone.
 *
 * Where npm runs this process (`npm start`, or `npx dunlin serve` through a shell), its end is such a wish too, so that a
 * killed npm leaves no broker behind: a shell passes on no signal, and after SIGKILL npm itself can pass on nothing.
 */
export function stopSignals({ force, reload, isTerminal = isatty }: SignalCalls): StopSignals {
  let firstAtMs: number | undefined;
  let wish: (reason: string) => void = () => {};
  const stop = new Promise<string>((resolve) => {
    wish = resolve;
  });
  const onSignal = (signal: NodeJS.Signals): void => {
    const nowMs = performance.now();
    if (firstAtMs === undefined) {
      firstAtMs = nowMs;
      wish(signal);
    } else if (nowMs - firstAtMs >= echoMs) force(signal);
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  const terminals = STREAMS.filter((stream) => isTerminal(stream));
  const onHangUp = (): void => {
    if (terminals.every((stream) => isTerminal(stream))) reload();
    else onSignal('SIGHUP');
  };
  process.on('SIGHUP', onHangUp);
  const line = lineFromNpm(process.ppid);
  const parentTimer = line.length > 0 ? watchLine(line, () => wish('the end of npm')) : undefined;
  return {
    stop,
    close() {
      for (const signal of SIGNALS) process.off(signal, onSignal);
      process.off('SIGHUP', onHangUp);
      clearInterval(parentTimer);
    },
  };
}

/** Looks whether every process of the line, the parent first, still has the next one as its own parent. */
function watchLine(line: readonly number[], gone: () => void): NodeJS.Timeout {
  const [parent, ...elders] = line;
  const isBroken = (): boolean => {
    if (process.ppid !== parent) return true;
    return elders.some((elder, index) => parentOf(line[index]) !== elder);
  };
  const timer = setInterval(() => {
    if (isBroken()) gone();
  }, parentLookEveryMs);
  timer.unref();
  return timer;
}

/**
 * The processes from the parent up to the npm that runs this one; empty where there is none, or where something between
 * them may outlive it on purpose: a shell with more to do than this one command.
 */
export function lineFromNpm(parent: number, processFolder = '/proc'): readonly number[] {
  if (process.env.npm_lifecycle_event === undefined) return [];
  const line: number[] = [];
  for (let pid: number | undefined = parent; pid !== undefined; pid = parentOf(pid, processFolder)) {
    line.push(pid);
    const commandLine = commandLineOf(pid, processFolder);
    if (NPM.test(commandLine)) return line;
    if (line.length >= generationsMax || !(SHELL_OF_ONE.test(commandLine) || LAUNCHER.test(commandLine))) return [];
  }
  return [];
}

const NPM = /^(np[mx]\b|\S*node\S*\0\S*np[mx])/;
const SHELL_OF_ONE = /^\S*sh\0-c\0[^&|;\n]*$/;
const LAUNCHER = /^\S*node\S*\0\S*dunlin/;

/** Undefined where there is no such process, or the system does not tell (not Linux). */
function parentOf(pid: number, processFolder = '/proc'): number | undefined {
  try {
    const found = /\) \S (\d+) /.exec(readFileSync(`${processFolder}/${pid}/stat`, 'utf8'));
    return found === null ? undefined : Number(found[1]);
  } catch {
    return undefined;
  }
}

function commandLineOf(pid: number, processFolder: string): string {
  try {
    return readFileSync(`${processFolder}/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
