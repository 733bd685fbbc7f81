/** How `dunlin` ends: the exit codes scripts rely on, and the errors that carry them. */

/** One exit code or a range of them, as `--help` prints it. */
export interface ExitCodeRow {
  readonly code: string;
  readonly meaning: string;
  /** The commands that end so, where not every one may. */
  readonly commands?: readonly string[];
}

/** The rows of one command, such as `pub`. */
export function exitCodesOf(command: string): ExitCodeRow[] {
  return EXIT_CODES.filter(({ commands }) => commands?.includes(command) ?? true);
}

/** The exit codes which are not MQTT reason codes. */
export const ExitCode = {
  done: 0,
  usage: 1,
  network: 2,
  local: 3,
  problems: 4,
  refused: 5,
  unconfirmed: 10,
  received: 11,
  queued: 12,
  expired: 13,
  failed: 14,
  timedOut: 27,
} as const;

/** Every exit code with its meaning, in the order of `--help`. */
export const EXIT_CODES: readonly ExitCodeRow[] = [
  { code: '0', meaning: 'done; also after Ctrl-C and when the reader of the output went away' },
  {
    code: '1',
    meaning:
      'the command line is wrong; serve: or the configuration, which trying again does not mend; device --group: or nobody is in the group',
  },
  { code: '2', meaning: 'no connection, or it was lost' },
  { code: '3', meaning: 'something on this machine failed, such as a file that cannot be read' },
  {
    code: '4',
    meaning:
      'store check, config check: problems were found; config import: not everything was carried; acl test: something ' +
      'asked about is denied; bans lift: there is no such ban; device import: entries were left out; device why: ' +
      'something keeps the device out',
    commands: ['store', 'config', 'acl', 'bans', 'device'],
  },
  {
    code: '5',
    meaning: 'device, api-key: the API refused: there is no such device, a limit, the key may not do this',
    commands: ['device', 'api-key'],
  },
  {
    code: '10',
    meaning: 'device wake, command: it went out at QoS 0, and the device has not said that it was done, as it is to',
    commands: ['device'],
  },
  {
    code: '11',
    meaning: 'the same: it arrived, and the device has not said yet that it was done',
    commands: ['device'],
  },
  {
    code: '12',
    meaning: 'the same: it waits for the device, which is not connected or has not subscribed',
    commands: ['device'],
  },
  { code: '13', meaning: 'the same: it expired before it was confirmed', commands: ['device'] },
  {
    code: '14',
    meaning:
      'the same: it failed: the device said no, somebody cancelled it, or a newer one superseded it; to a group: the worst of these of any device',
    commands: ['device'],
  },
  { code: '27', meaning: 'sub, rr: the time of -W was over; rr: nobody takes the request', commands: ['sub', 'rr'] },
  { code: '128-162', meaning: 'the server refused; the MQTT 5.0 reason code, for older versions the one that fits' },
];

/** An error that ends the command: a sentence for the user, and the exit code. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: number;

  constructor(exitCode: number, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** The server went away before it had answered, so that what was asked of it may have been done: exit code 2. */
export class ConnectionLostError extends CommandError {
  constructor(message: string) {
    super(ExitCode.network, message);
  }
}

/** The command line is wrong: exit code 1. Returned, not thrown. */
export function usageError(message: string): CommandError {
  return new CommandError(ExitCode.usage, message);
}

/** A file or a stream of this machine failed: exit code 3. Returned, not thrown. */
export function localError(message: string): CommandError {
  return new CommandError(ExitCode.local, message);
}
