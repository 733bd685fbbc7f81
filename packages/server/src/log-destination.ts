/** Where log lines go: a stream of this process, a file that may be rotated, or the log of the system. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, type WriteStream } from 'node:fs';
import type { Writable } from 'node:stream';
import type { LogLevel } from './configuration.ts';

/** A line without its line break. */
export interface LogLine {
  readonly level: LogLevel;
  readonly text: string;
}

export interface LogDestination {
  /** Takes the lines of one turn. Never throws and never waits: what cannot be written soon is dropped and counted. */
  write(lines: readonly LogLine[]): void;
  /** Opens a file anew, after it was moved away. */
  reopen(): void;
  /** Settles when everything has been written, or cannot be. */
  close(): Promise<void>;
}

/** Lines wait here while a disk or a reader is slow. */
const waitingBytesMax = 4 * 1024 * 1024;

/** A stream that belongs to somebody else, such as standard error. */
export function streamDestination(stream: Writable): LogDestination {
  // A log that nobody reads any more is no reason to stop.
  stream.on('error', () => {});
  return {
    write: (lines) => void stream.write(`${lines.map(({ text }) => text).join('\n')}\n`),
    reopen: () => {},
    close: async () => {},
  };
}

/**
 * Appends to a file, which it makes (mode 0640) where there is none. `failed` is told once for each time that opening
 * or writing fails; the next `reopen` tries again.
 */
export function fileDestination(path: string, failed: (error: Error) => void): LogDestination {
  let dropped = 0;
  let stream = open();

  function open(): WriteStream {
    const opened = createWriteStream(path, { flags: 'a', mode: 0o640 });
    opened.on('error', failed);
    return opened;
  }

  return {
    write(lines) {
      if (stream.destroyed || stream.writableLength > waitingBytesMax) {
        dropped += lines.length;
        return;
      }
      const leftOut = dropped === 0 ? '' : `${dropped} lines could not be written\n`;
      dropped = 0;
      stream.write(`${leftOut}${lines.map(({ text }) => text).join('\n')}\n`);
    },
    reopen() {
      stream.end();
      stream = open();
    },
    close: () => ended(stream),
  };
}

/** As in RFC 5424: facility daemon (3), and the severity. */
const PRIORITIES: Readonly<Record<LogLevel, number>> = {
  debug: 3 * 8 + 7,
  info: 3 * 8 + 6,
  warn: 3 * 8 + 4,
  error: 3 * 8 + 3,
};

/**
 * The log of the system, by way of the command `logger`: Node has no datagram sockets of Unix, which syslog listens on.
 * `failed` is told where there is no such command, or where it ended; the next `reopen` starts another.
 */
export function syslogDestination(tag: string, failed: (error: Error) => void, command = 'logger'): LogDestination {
  let logger = start();

  function start(): ChildProcess {
    const child = spawn(command, ['--tag', tag, '--id', '--prio-prefix'], { stdio: ['pipe', 'ignore', 'ignore'] });
    child.on('error', failed);
    child.on('exit', (code) => {
      if (child.stdin?.writableEnded !== true) failed(new Error(`${command} ended with code ${code}`));
    });
    child.stdin?.on('error', () => {});
    // It ends when its input does; it is no reason for this process to go on.
    child.unref();
    return child;
  }

  return {
    write(lines) {
      const input = logger.stdin;
      if (input === null || input.destroyed || input.writableLength > waitingBytesMax) return;
      input.write(lines.map(({ level, text }) => `<${PRIORITIES[level]}>${text}\n`).join(''));
    },
    reopen() {
      if (logger.exitCode !== null || logger.stdin?.destroyed !== false) logger = start();
    },
    close: () => (logger.stdin === null ? Promise.resolve() : ended(logger.stdin)),
  };
}

/** Writes to each of several. */
export function joinedDestinations(destinations: readonly LogDestination[]): LogDestination {
  return {
    write: (lines) => {
      for (const destination of destinations) destination.write(lines);
    },
    reopen: () => {
      for (const destination of destinations) destination.reopen();
    },
    close: async () => {
      await Promise.all(destinations.map((destination) => destination.close()));
    },
  };
}

function ended(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed) resolve();
    stream.once('close', resolve);
    stream.once('error', () => resolve());
    stream.end(() => resolve());
  });
}
