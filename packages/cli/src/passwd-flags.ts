/** The flags of `dunlin passwd` and its help. */

import { usageError } from './exit-codes.ts';
import { type CommandHelp, type CommandPage, type FlagGroup, HelpAsked, helpText, readFlags } from './flags.ts';

/** How a password is kept. */
export type PasswordKind = 'argon2id' | 'mosquitto' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';

/** What the command line of `dunlin passwd` asks for. */
export type PasswdRequest =
  | {
      readonly action: 'set' | 'create';
      readonly file: string;
      readonly user: string;
      readonly kind: PasswordKind;
      readonly passwordFile: string | undefined;
    }
  | { readonly action: 'delete'; readonly file: string; readonly user: string }
  | { readonly action: 'upgrade'; readonly file: string; readonly kind: 'argon2id' | 'mosquitto' }
  | { readonly action: 'hash'; readonly kind: PasswordKind; readonly passwordFile: string | undefined };

type Action = PasswdRequest['action'];

interface Given {
  readonly words: string[];
  readonly actions: { readonly action: Action; readonly flag: string }[];
  format?: 'argon2id' | 'mosquitto';
  scram?: 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
  passwordFile?: string;
}

/** The words that each action takes. */
const WORDS: Readonly<Record<Action, readonly string[]>> = {
  set: ['FILE', 'USER'],
  create: ['FILE', 'USER'],
  delete: ['FILE', 'USER'],
  upgrade: ['FILE'],
  hash: [],
};

const asAction =
  (action: Action, flag: string) =>
  (given: Given): void => {
    given.actions.push({ action, flag });
  };

const GROUPS: readonly FlagGroup<Given>[] = [
  {
    title: 'Flags',
    flags: [
      { short: 'c', long: 'create', help: 'begin a new file', set: asAction('create', '-c') },
      { short: 'D', long: 'delete', help: 'delete the user', set: asAction('delete', '-D') },
      {
        short: 'U',
        long: 'upgrade',
        help: 'put hashes in place of the plain text passwords of a file; hashes stay',
        set: asAction('upgrade', '-U'),
      },
      { long: 'hash', help: 'print a hash for the configuration, change no file', set: asAction('hash', '--hash') },
      {
        long: 'password-file',
        values: ['FILE'],
        help: 'take the password from the first line of this file',
        set: (given, [file]) => {
          given.passwordFile = file;
        },
      },
      {
        long: 'format',
        values: ['FORMAT'],
        help: 'argon2id (default), or mosquitto: PBKDF2, which Mosquitto 2.0 reads as well',
        set: (given, [format]) => {
          if (format !== 'argon2id' && format !== 'mosquitto')
            throw usageError(`Cannot use --format "${format}": expected argon2id or mosquitto`);
          given.format = format;
        },
      },
      {
        long: 'scram',
        values: ['BITS'],
        help: 'a credential for SCRAM-SHA-256 or -512: 256 or 512',
        set: (given, [bits]) => {
          if (bits !== '256' && bits !== '512') throw usageError(`Cannot use --scram "${bits}": expected 256 or 512`);
          given.scram = `SCRAM-SHA-${bits}`;
        },
      },
      {
        short: 'b',
        help: 'not there: see "The password"',
        set: () => {
          throw usageError(
            'Cannot use -b: everybody on this machine can read a command line; give the password by --password-file ' +
              'FILE or through the input',
          );
        },
      },
      {
        long: 'help',
        help: 'show this help',
        set: () => {
          throw new HelpAsked();
        },
      },
    ],
  },
];

const HELP: CommandHelp = {
  name: 'dunlin passwd',
  summary: 'writes password files and hashes',
  usage: [
    'dunlin passwd [-c] [flags] FILE USER',
    'dunlin passwd -D FILE USER',
    'dunlin passwd -U [--format FORMAT] FILE',
    'dunlin passwd --hash [flags]',
  ],
  examples: [
    ['dunlin passwd -c passwords ada', 'begin a file with a user; asks for the password'],
    ['dunlin passwd passwords bob <secret', 'add or change another, with the password from a file'],
    ['dunlin passwd --hash', 'a hash for "users" in the configuration'],
    ['dunlin passwd --scram 256 scram ada', 'a SCRAM credential; the file is one for method scram'],
  ],
  notes: [
    [
      'The password',
      [
        'is asked for twice on a terminal, else read from the first line of the input. It is no argument, as it is for',
        'mosquitto_passwd -b, since everybody on the machine can read those.',
      ],
    ],
    [
      'The file',
      [
        'is replaced in one step, so that a server never reads half of it. Comments and the order of its lines stay. A',
        'new one has mode 0600; one that is there keeps owner, group and their rights, and others get none.',
      ],
    ],
  ],
};

/** Help and flags of `dunlin passwd`. */
export const PASSWD_PAGE: CommandPage = { help: HELP, groups: GROUPS };

/** The text of `dunlin passwd --help`. */
export function passwdHelp(): string {
  return helpText(HELP, GROUPS);
}

/** Reads and checks the command line. Throws a usage error. */
export function readPasswdFlags(argv: readonly string[]): PasswdRequest {
  const given: Given = { words: [], actions: [] };
  readFlags('dunlin passwd', GROUPS, argv, given, ({ words }, word) => words.push(word));
  const [{ action, flag } = { action: 'set' as const, flag: '' }, second] = given.actions;
  if (second !== undefined) throw usageError(`Cannot use ${flag} with ${second.flag}: expected one of them`);
  const wanted = WORDS[action];
  const missing = wanted[given.words.length];
  if (missing !== undefined) throw usageError(`Cannot run: expected ${missing}, see dunlin passwd --help`);
  // What is too much may be a password, so it is not repeated.
  if (given.words.length > wanted.length)
    throw usageError(
      `Cannot run: expected ${wanted.join(' ') || 'flags'} and nothing behind; a password is no argument`,
    );
  refuseUnused(given, action, flag);
  const [file, user] = given.words;
  const { passwordFile } = given;
  const kind = given.scram ?? given.format ?? 'argon2id';
  if (action === 'hash') return { action, kind, passwordFile };
  if (action === 'upgrade') return { action, file, kind: given.format ?? 'argon2id' };
  return action === 'delete' ? { action, file, user } : { action, file, user, kind, passwordFile };
}

/** A flag that would do nothing is a mistake. */
function refuseUnused({ format, scram, passwordFile }: Given, action: Action, flag: string): void {
  const refuse = (unused: string, other: string): never => {
    throw usageError(`Cannot use ${unused} with ${other}: it would do nothing`);
  };
  if (format !== undefined && scram !== undefined) refuse('--format', '--scram');
  const needsNoPassword = action === 'delete' || action === 'upgrade';
  if (needsNoPassword && passwordFile !== undefined) refuse('--password-file', flag);
  if (needsNoPassword && scram !== undefined) refuse('--scram', flag);
  if (action === 'delete' && format !== undefined) refuse('--format', flag);
}
