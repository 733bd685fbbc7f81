/** The flags of `dunlin device` and its help. */

import { API_FLAGS, type ApiFlags } from '../api/api-flags.ts';
import { moment, seconds } from '../durations.ts';
import { usageError } from '../exit-codes.ts';
import {
  type CommandHelp,
  type CommandPage,
  type Flag,
  type FlagGroup,
  HelpAsked,
  isNear,
  readFlags,
  wholeNumber,
} from '../flags.ts';

/** What follows an action on the command line, in brackets where it may be left out, and what the action is. */
interface Action {
  readonly words: readonly string[];
  readonly summary: string;
}

/** Every action, in the order of the help. */
export const ACTIONS = {
  add: { words: ['ID'], summary: 'add a device of a type of the configuration (--type)' },
  change: { words: ['ID'], summary: 'change what the flags name, and leave the rest' },
  enable: { words: ['ID'], summary: 'let it in again' },
  disable: { words: ['ID'], summary: 'send it away, and keep it out' },
  remove: { words: ['ID'], summary: 'remove it, with its credentials and the commands that wait' },
  list: { words: [], summary: 'list devices; of several conditions all have to hold' },
  show: { words: ['ID'], summary: 'all about one: whether it is there, its credentials, its last commands' },
  why: { words: ['ID'], summary: 'why it does not come in: what refused it, what was found and what is expected' },
  audit: { words: ['[ID]'], summary: 'who changed what and when, of one or of all, the newest first' },
  token: { words: ['ID'], summary: 'make a token and print it alone; it is shown this once' },
  cert: { words: ['ID'], summary: 'issue a certificate, into ca.pem, cert.pem and key.pem of --out' },
  renew: { words: ['ID'], summary: 'the same, in place of the one in use, which counts on for a while' },
  revoke: { words: ['ID'], summary: 'revoke a token or a certificate; who is connected with it goes' },
  claim: { words: ['CODE'], summary: 'enter the code that a device shows, for its owner; prints the id of the device' },
  claims: { words: [], summary: 'list devices that ask for a place by a code' },
  refuse: { words: ['CLAIM_ID'], summary: 'refuse one, by its id as claims has it' },
  wake: {
    words: ['ID'],
    summary: 'send the command wake, and say what became of it; with --group no ID, to all of a group',
  },
  command: {
    words: ['ID', 'TYPE'],
    summary: 'send a command of its type, and say what became of it; with --group no ID',
  },
  cancel: {
    words: ['COMMAND_ID'],
    summary: 'cancel a command that has not ended, or what of one to a group has not gone out',
  },
  import: { words: ['FILE'], summary: 'add and change devices from JSON or CSV (-: the input); again changes nothing' },
  export: { words: [], summary: 'print devices as JSON or CSV, for import; without credentials' },
} as const satisfies Readonly<Record<string, Action>>;

export type DeviceAction = keyof typeof ACTIONS;

/** What the flags say; what is undefined was not given. */
export interface DeviceFlags extends ApiFlags {
  type?: string;
  name?: string;
  readonly attributes: [name: string, value: string][];
  readonly withoutAttributes: string[];
  readonly groups: string[];
  withoutGroups: boolean;
  owner?: string;
  replaces?: string;
  authority?: string;
  enabled?: boolean;
  prefix?: string;
  connected?: boolean;
  limit?: number;
  expiresInS?: number;
  label?: string;
  rotates: boolean;
  overlapS?: number;
  tokenFile?: string;
  out?: string;
  csrFile?: string;
  days?: number;
  force: boolean;
  serial?: string;
  tokenId?: string;
  all: boolean;
  reason?: string;
  /** JSON, or `@` and a file. */
  input?: string;
  waitS?: number;
  rate?: number;
  ttlS?: number;
  commandId?: string;
  format?: 'json' | 'csv';
  dryRun: boolean;
  /** Who did it, as the audit log has it. */
  by?: string;
  /** What was done, as the audit log calls it. */
  action?: string;
  /** Wall clock, as is the next. */
  sinceMs?: number;
  beforeMs?: number;
  refused?: boolean;
}

/** What the command line asks for. */
export interface DeviceRequest {
  readonly action: DeviceAction;
  /** What follows the action. */
  readonly words: readonly string[];
  readonly flags: DeviceFlags;
}

/** A flag, and the actions that take it. */
interface DeviceFlag extends Flag<DeviceFlags> {
  readonly of: readonly DeviceAction[];
}

const SAYING: readonly DeviceAction[] = ['add', 'change'];
const NAMING: readonly DeviceAction[] = [...SAYING, 'claim'];
const FINDING: readonly DeviceAction[] = ['list', 'export'];
const LISTING: readonly DeviceAction[] = ['list', 'claims', 'audit'];
const ISSUING: readonly DeviceAction[] = ['cert', 'renew'];
export const SENDING: readonly DeviceAction[] = ['wake', 'command'];
/** As the API has it. */
const LIST_MAX = 100_000;
export const REASONS = [
  'unspecified',
  'keyCompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'privilegeWithdrawn',
];
const FORMATS = ['json', 'csv'] as const;

/** Two flags that say the opposite: the later one would win unseen. Throws a usage error. */
function oneOf(former: boolean | undefined, value: boolean, both: string): boolean {
  if (former === !value) throw usageError(`Cannot use ${both}: expected one of both, or neither`);
  return value;
}

const OF_DEVICES: readonly DeviceFlag[] = [
  flag(
    'type',
    'TYPE',
    [...SAYING, ...FINDING],
    'the type, a key of devices.types in the configuration',
    (flags, text) => {
      flags.type = text;
    },
  ),
  flag(
    'attribute',
    'NAME=VALUE',
    [...NAMING, ...FINDING],
    'a fact for rules and templates; several times for several',
    (flags, text) => {
      const equals = text.indexOf('=');
      if (equals < 1) throw usageError(`Cannot use --attribute "${text}": expected NAME=VALUE, such as room=hall`);
      flags.attributes.push([text.slice(0, equals), text.slice(equals + 1)]);
    },
  ),
  flag('no-attribute', 'NAME', ['change'], 'change: take an attribute away', (flags, text) => {
    flags.withoutAttributes.push(text);
  }),
  flag(
    'group',
    'NAME',
    [...SAYING, ...FINDING, ...SENDING],
    'a group; add, change: several times for several, in place of all before',
    (flags, text) => {
      flags.groups.push(text);
    },
  ),
  flag('no-group', undefined, ['change'], 'change: take it out of all groups', (flags) => {
    flags.withoutGroups = true;
  }),
  flag('name', 'TEXT', NAMING, 'for people', (flags, text) => {
    flags.name = text;
  }),
  flag('owner', 'USER', [...NAMING, ...FINDING], "whom it belongs to; change: '' for nobody", (flags, text) => {
    flags.owner = text;
  }),
  flag(
    'replaces',
    'ID',
    ['claim'],
    'claim: the device of this owner that gets other credentials (a new one)',
    (flags, text) => {
      flags.replaces = text;
    },
  ),
  flag(
    'authority',
    'NAME',
    SAYING,
    "whose certificates count for it; change: '' for those of this server",
    (flags, text) => {
      flags.authority = text;
    },
  ),
  flag('enabled', undefined, FINDING, 'only those that are let in', (flags) => {
    flags.enabled = oneOf(flags.enabled, true, '--enabled with --disabled');
  }),
  flag(
    'disabled',
    undefined,
    ['add', ...FINDING],
    'add: keep it out for now; list, export: only those that are not',
    (flags) => {
      flags.enabled = oneOf(flags.enabled, false, '--enabled with --disabled');
    },
  ),
  flag('prefix', 'TEXT', FINDING, 'only those whose id begins so', (flags, text) => {
    flags.prefix = text;
  }),
  flag('connected', undefined, ['list'], 'only those that are connected, with when and from where', (flags) => {
    flags.connected = oneOf(flags.connected, true, '--connected with --not-connected');
  }),
  flag('not-connected', undefined, ['list'], 'only those that are not, with when they were last seen', (flags) => {
    flags.connected = oneOf(flags.connected, false, '--connected with --not-connected');
  }),
  flag('limit', 'COUNT', LISTING, `so many at the most, up to ${LIST_MAX} (100)`, (flags, text) => {
    flags.limit = wholeNumber('--limit', text, 1, LIST_MAX);
  }),
  flag(
    'all',
    undefined,
    ['revoke', ...LISTING],
    'revoke: every token and certificate that counts; list, claims, audit: however many there are',
    (flags) => {
      flags.all = true;
    },
  ),
];

const OF_CREDENTIALS: readonly DeviceFlag[] = [
  flag('expires', 'TIME', ['token'], 'token: how long it counts, such as 90d (for good)', (flags, text) => {
    flags.expiresInS = seconds('--expires', text, '1s', '36500d');
  }),
  flag('label', 'TEXT', ['token'], 'token: for people', (flags, text) => {
    flags.label = text;
  }),
  flag(
    'rotate',
    undefined,
    ['token'],
    'token: in place of the others, which count on for the time of --overlap',
    (flags) => {
      flags.rotates = true;
    },
  ),
  flag('overlap', 'TIME', ['token'], 'token: with --rotate, from 0s to 365d (1d)', (flags, text) => {
    flags.overlapS = seconds('--overlap', text, '0s', '365d');
  }),
  flag(
    'from',
    'FILE',
    ['token'],
    'token: take the one of the first line, which the device has already',
    (flags, text) => {
      flags.tokenFile = text;
    },
  ),
  flag('out', 'DIR', ISSUING, 'cert, renew: where the files go; it is made where it is not there', (flags, text) => {
    flags.out = text;
  }),
  flag(
    'csr',
    'FILE',
    ISSUING,
    'cert, renew: for this request (PKCS#10, PEM), with a key that the device keeps',
    (flags, text) => {
      flags.csrFile = text;
    },
  ),
  flag('days', 'COUNT', ISSUING, 'cert, renew: how long it counts (as devices.authority.days says)', (flags, text) => {
    flags.days = wholeNumber('--days', text, 1, 7_300);
  }),
  flag('force', undefined, ISSUING, 'cert, renew: over files that are there', (flags) => {
    flags.force = true;
  }),
  flag('serial', 'SERIAL', ['renew', 'revoke'], 'renew, revoke: the certificate, as show has it', (flags, text) => {
    flags.serial = text;
  }),
  flag('token', 'TOKEN_ID', ['revoke'], 'revoke: the token, by its id as show has it', (flags, text) => {
    flags.tokenId = text;
  }),
  {
    ...flag(
      'reason',
      REASONS.join('|'),
      ['revoke'],
      'revoke: why, for the list of revoked certificates',
      (flags, text) => {
        if (!REASONS.includes(text))
          throw usageError(`Cannot use --reason "${text}": expected one of ${REASONS.join(', ')}`);
        flags.reason = text;
      },
    ),
    values: ['REASON'],
    choices: REASONS,
  },
];

const OF_COMMANDS: readonly DeviceFlag[] = [
  flag('input', 'JSON', SENDING, 'what the command takes: JSON, or @FILE that holds it', (flags, text) => {
    flags.input = text;
  }),
  flag(
    'wait',
    'TIME',
    SENDING,
    'how long to wait for what becomes of it, up to 60s (5s); of a group: behind the last one',
    (flags, text) => {
      flags.waitS = seconds('--wait', text, '1s', '60s');
    },
  ),
  flag('rate', 'COUNT', SENDING, 'with --group: so many devices a second, up to 5000 (100)', (flags, text) => {
    flags.rate = wholeNumber('--rate', text, 1, 5_000);
  }),
  flag('no-wait', undefined, SENDING, 'only have it queued', (flags) => {
    flags.waitS = 0;
  }),
  flag('ttl', 'TIME', SENDING, 'until when it has to be confirmed (as its type says)', (flags, text) => {
    flags.ttlS = seconds('--ttl', text, '1s', '30d');
  }),
  flag('command-id', 'ID', SENDING, 'an id of your own: the same command again is not sent twice', (flags, text) => {
    flags.commandId = text;
  }),
];

const OF_AUDIT: readonly DeviceFlag[] = [
  flag(
    'by',
    'WHO',
    ['audit'],
    'only what was done by key:ID, owner:NAME, device:ID, local, offline …',
    (flags, text) => {
      flags.by = text;
    },
  ),
  flag('action', 'ACTION', ['audit'], 'only this, such as device.change or token.revoke', (flags, text) => {
    flags.action = text;
  }),
  flag('since', 'TIME', ['audit'], 'only from then on: 1h (ago), 2026-01-31 or 2026-01-31T08:00:00Z', (flags, text) => {
    flags.sinceMs = moment('--since', text, Date.now());
  }),
  flag('before', 'TIME', ['audit'], 'only before then', (flags, text) => {
    flags.beforeMs = moment('--before', text, Date.now());
  }),
  flag(
    'refused',
    undefined,
    ['audit'],
    'in place of changes: codes and renewals that somebody tried and may not',
    (flags) => {
      flags.refused = true;
    },
  ),
];

const OF_FILES: readonly DeviceFlag[] = [
  {
    ...flag(
      'format',
      'FORMAT',
      ['import', 'export'],
      'json or csv; import: else by the end .csv of the name, or by how it begins; export: else json',
      (flags, text) => {
        const format = FORMATS.find((known) => known === text);
        if (format === undefined) throw usageError(`Cannot use --format "${text}": expected json or csv`);
        flags.format = format;
      },
    ),
    choices: FORMATS,
  },
  flag('dry-run', undefined, ['import'], 'import: say what would be done, and do nothing', (flags) => {
    flags.dryRun = true;
  }),
];

const OWN: readonly FlagGroup<DeviceFlags>[] = [
  { title: 'Devices', flags: OF_DEVICES },
  { title: 'Tokens and certificates', flags: OF_CREDENTIALS },
  { title: 'Commands', flags: OF_COMMANDS },
  { title: 'The audit log', flags: OF_AUDIT },
  { title: 'Files', flags: OF_FILES },
];
const GROUPS: readonly FlagGroup<DeviceFlags>[] = [...OWN, { title: 'The server', flags: API_FLAGS }];

const HELP: CommandHelp = {
  name: 'dunlin device',
  summary: 'devices: who they are, what they come in with, whether they are there, and commands to them',
  usage: Object.keys(ACTIONS).map((name) => `dunlin device ${named(name as DeviceAction)} [flags]`),
  examples: [
    ['dunlin device add cam-1 --type camera --attribute thingName=hall', 'a device of a type of the configuration'],
    ['dunlin device token cam-1 > cam-1.token', 'its password, shown this once'],
    ['dunlin device why cam-1', 'what refused it, and what is expected'],
    ['dunlin device wake cam-1 --wait 10s', 'sends wake, and says what became of it'],
  ],
};

/** Help and flags of `dunlin device`. */
export const DEVICE_PAGE: CommandPage = { help: HELP, groups: GROUPS };

/** Reads and checks the command line. Throws a usage error, and HelpAsked with the page of the action. */
export function readDeviceFlags(argv: readonly string[]): DeviceRequest {
  const flags: DeviceFlags = {
    ...{ json: false, plainHttp: false, attributes: [], withoutAttributes: [], groups: [], withoutGroups: false },
    ...{ rotates: false, force: false, all: false, dryRun: false },
  };
  const words: string[] = [];
  const used: DeviceFlag[] = [];
  const noted = (known: DeviceFlag): DeviceFlag => ({
    ...known,
    set: (target, values) => {
      used.push(known);
      known.set(target, values);
    },
  });
  const groups = [
    ...OWN.map(({ title, flags: known }) => ({ title, flags: (known as DeviceFlag[]).map(noted) })),
    { title: '', flags: API_FLAGS },
  ];
  try {
    readFlags('dunlin device', groups, argv, flags, (_flags, word) => void words.push(word));
  } catch (error) {
    if (!(error instanceof HelpAsked)) throw error;
    const asked = words[0] ?? argv.find((word) => Object.hasOwn(ACTIONS, word));
    throw asked === undefined ? error : new HelpAsked(actionOf(asked));
  }
  const [name, ...rest] = words;
  const action = actionOf(name);
  const kinds = wordsOf(action, flags);
  const { length } = kinds;
  const needed = kinds.filter((kind) => !kind.startsWith('[')).length;
  const usage = [action, ...kinds].join(' ');
  if (rest.length > length)
    throw usageError(`Cannot use "${rest[length]}": expected nothing behind ${usage} but flags`);
  if (rest.length < needed || rest.includes(''))
    throw usageError(`Cannot run ${name}: expected dunlin device ${usage}, see dunlin device ${action} --help`);
  const loose = used.find(({ of }) => !of.includes(action));
  if (loose !== undefined)
    throw usageError(`Cannot use --${loose.long} with ${action}: it is for ${[...new Set(loose.of)].join(', ')}`);
  return { action, words: rest, flags };
}

/** What follows the action with these flags: a command to a group is to no device. */
export function wordsOf(action: DeviceAction, { groups }: Pick<DeviceFlags, 'groups'>): readonly string[] {
  const { words } = ACTIONS[action];
  return SENDING.includes(action) && groups.length > 0 ? words.slice(1) : words;
}

/** Whether an action takes the flag: those of the server every one does. */
export function isOf(flag: Flag<DeviceFlags>, action: DeviceAction): boolean {
  return !('of' in flag) || (flag as DeviceFlag).of.includes(action);
}

function actionOf(name: string | undefined): DeviceAction {
  const known = Object.keys(ACTIONS);
  if (name === undefined)
    throw usageError(`Cannot run dunlin device alone: expected one of ${known.join(', ')}, see dunlin device --help`);
  if (Object.hasOwn(ACTIONS, name)) return name as DeviceAction;
  const near = name.length > 1 ? known.find((one) => isNear(name, one)) : undefined;
  const hint = near === undefined ? `expected one of ${known.join(', ')}` : `did you mean ${near}?`;
  throw usageError(`Cannot run "${name}": ${hint}`);
}

/** As typed, such as `show ID`. */
export function named(action: DeviceAction): string {
  return [action, ...ACTIONS[action].words].join(' ');
}

function flag(
  long: string,
  value: string | undefined,
  of: readonly DeviceAction[],
  help: string,
  set: (flags: DeviceFlags, text: string) => void,
): DeviceFlag {
  return { long, ...(value !== undefined && { values: [value] }), of, help, set: (flags, [text]) => set(flags, text) };
}
