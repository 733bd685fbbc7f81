/** Where log lines go: a stream of this process, a file that may be rotated, or the log of the system. */
import { spawn } from 'node:child_process';
import { createWriteStream, type WriteStream } from 'node:fs';
import type { Writable } from 'node:stream';
import { BoundedWriter } from './bounded-writer.ts';
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

function asLine({ text }: LogLine): string {
  return `${text}\n`;
}

/** A stream that belongs to somebody else, such as standard error. */
export function streamDestination(stream: Writable): LogDestination {
  // A log that nobody reads any more is no reason to stop.
  stream.on('error', () => {});
  const writer = new BoundedWriter(stream, asLine);
  return {
    write: (lines) => writer.write(lines),
    reopen: () => {},
    close: async () => {},
  };
}

/**
 * Appends to a file, which it makes (mode 0640) where there is none. `failed` is told once for each time that opening
 * or writing fails; the next `reopen` tries again.
 */
export function fileDestination(path: string, failed: (error: Error) => void): LogDestination {
  const writer = new BoundedWriter(open(), asLine);

  function open(): WriteStream {
    const opened = createWriteStream(path, { flags: 'a', mode: 0o640 });
    opened.on('error', failed);
    return opened;
  }

  return {
    write: (lines) => writer.write(lines),
    reopen() {
      writer.stream.end();
      writer.stream = open();
    },
    close: () => ended(writer.stream),
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
  const writer = new BoundedWriter(logger.stdin, ({ level, text }) => `<${PRIORITIES[level]}>${text}\n`);

  function start() {
    const child = spawn(command, ['--tag', tag, '--id', '--prio-prefix'], { stdio: ['pipe', 'ignore', 'ignore'] });
    child.on('error', failed);
    child.on('exit', (code) => {
      if (!child.stdin.writableEnded) failed(new Error(`${command} ended with code ${code}`));
    });
    child.stdin.on('error', () => {});
    // It ends when its input does; it is no reason for this process to go on.
    child.unref();
    return child;
  }

  return {
    write: (lines) => writer.write(lines),
    reopen() {
      if (logger.exitCode === null && !logger.stdin.destroyed) return;
      logger = start();
      writer.stream = logger.stdin;
    },
    close: () => ended(writer.stream),
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
