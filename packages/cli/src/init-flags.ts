/** The flags of `dunlin init` and its help. */

import { usageError } from './exit-codes.ts';
import {
  type CommandHelp,
  type CommandPage,
  type FlagGroup,
  HelpAsked,
  helpText,
  readFlags,
  wholeNumber,
} from './flags.ts';

/** What the command line of `dunlin init` asks for. */
export interface InitRequest {
  readonly directory: string;
  readonly user: string;
  /** Undefined: a password is made. */
  readonly passwordFile: string | undefined;
  readonly names: readonly string[];
  readonly port: number;
  readonly tlsPort: number;
  readonly days: number;
  /** Undefined: a new authority of devices is made. */
  readonly deviceCa: { readonly certificate: string; readonly key: string } | undefined;
  /** Of the key of that authority. */
  readonly devicePassphraseFile: string | undefined;
  /** Undefined: beside the configuration. */
  readonly masterKeyFile: string | undefined;
  readonly json: boolean;
}

interface Given {
  words: string[];
  user: string;
  passwordFile: string | undefined;
  names: string[];
  port: number;
  tlsPort: number;
  days: number;
  deviceCertificate: string | undefined;
  deviceKey: string | undefined;
  devicePassphraseFile: string | undefined;
  masterKeyFile: string | undefined;
  json: boolean;
}

/** Programs of Apple trust no server certificate of a longer life, whoever issued it. */
const DAYS = 825;
const DAYS_MAX = 7300;

const GROUPS: readonly FlagGroup<Given>[] = [
  {
    title: 'Flags',
    flags: [
      {
        long: 'user',
        values: ['NAME'],
        help: 'the first user, who may do everything; admin by default',
        set: (given, [name]) => {
          given.user = name;
        },
      },
      {
        long: 'password-file',
        values: ['FILE'],
        help: 'take the password from the first line of this file; else one is made and shown once',
        set: (given, [file]) => {
          given.passwordFile = file;
        },
      },
      {
        long: 'name',
        values: ['NAME'],
        help: 'a DNS name or address by which clients reach this machine; may be repeated',
        set: (given, [name]) => {
          given.names.push(name);
        },
      },
      {
        long: 'tls-port',
        values: ['PORT'],
        help: 'port with TLS on all interfaces, 8883 by default; 0 takes a free one at each start',
        set: (given, [port]) => {
          given.tlsPort = wholeNumber('--tls-port', port, 0, 65_535);
        },
      },
      {
        long: 'port',
        values: ['PORT'],
        help: 'port without TLS on the loopback address, 1883 by default; 0 as above',
        set: (given, [port]) => {
          given.port = wholeNumber('--port', port, 0, 65_535);
        },
      },
      {
        long: 'days',
        values: ['DAYS'],
        help: `how long the certificate of the server is valid, ${DAYS} by default`,
        set: (given, [days]) => {
          given.days = wholeNumber('--days', days, 1, DAYS_MAX);
        },
      },
      {
        long: 'device-ca',
        values: ['FILE'],
        help: 'bring along the authority that issues certificates to devices: its certificate, then those above it (PEM)',
        set: (given, [file]) => {
          given.deviceCertificate = file;
        },
      },
      {
        long: 'device-ca-key',
        values: ['FILE'],
        help: 'its key (PEM); the folder gets a copy, encrypted under the master key',
        set: (given, [file]) => {
          given.deviceKey = file;
        },
      },
      {
        long: 'device-ca-passphrase-file',
        values: ['FILE'],
        help: 'take the passphrase of that key from the first line of this file',
        set: (given, [file]) => {
          given.devicePassphraseFile = file;
        },
      },
      {
        long: 'master-key',
        values: ['FILE'],
        help: 'make the master key there, outside of DIR, so that copies of DIR do not hold it',
        set: (given, [file]) => {
          given.masterKeyFile = file;
        },
      },
      {
        long: 'json',
        help: 'print what was made as one line of JSON',
        set: (given) => {
          given.json = true;
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
  name: 'dunlin init',
  summary: 'makes the directory of a new server, with TLS, a first user and rules',
  usage: ['dunlin init [flags] DIR'],
  examples: [
    ['dunlin init broker', 'everything in the folder broker; shows user and password'],
    ['dunlin serve --config broker/dunlin.yaml', 'run it'],
    ['dunlin init broker --name mqtt.example.org', 'a certificate for that name as well'],
    ['dunlin init broker --password-file secret', 'with the password from a file'],
    ['dunlin init broker --master-key keys/broker.key', 'with the master key elsewhere'],
  ],
  notes: [
    [
      'What is made',
      [
        'dunlin.yaml      the configuration, commented: TLS on all interfaces, without TLS on loopback',
        'tls/ca.pem       the certificate of a new authority, which clients need to know the server by',
        'tls/ca.key       its key, which the server does not need',
        'tls/server.pem   the certificate of the server, and its key in tls/server.key',
        'tls/devices-*    the authority that issues certificates to devices, and its root; their keys are encrypted',
        'devices-master.key  the master key that they are encrypted under',
        'passwords        the users, with hashes (dunlin passwd)',
        'rules.yaml       what they may do: the first one everything',
        'data/            what must survive a restart',
        '',
        'Nothing that is there is written over. Where something fails, nothing is left behind.',
      ],
    ],
  ],
};

/** Help and flags of `dunlin init`. */
export const INIT_PAGE: CommandPage = { help: HELP, groups: GROUPS };

/** The text of `dunlin init --help`. */
export function initHelp(): string {
  return helpText(HELP, GROUPS);
}

/** Reads and checks the command line. Throws a usage error. */
export function readInitFlags(argv: readonly string[]): InitRequest {
  const given: Given = {
    words: [],
    user: 'admin',
    passwordFile: undefined,
    names: [],
    port: 1883,
    tlsPort: 8883,
    days: DAYS,
    deviceCertificate: undefined,
    deviceKey: undefined,
    devicePassphraseFile: undefined,
    masterKeyFile: undefined,
    json: false,
  };
  readFlags('dunlin init', GROUPS, argv, given, ({ words }, word) => words.push(word));
  const { words, deviceCertificate, deviceKey, ...rest } = given;
  const [directory] = words;
  if (directory === undefined || directory === '')
    throw usageError('Cannot run: expected DIR, the folder to make, see dunlin init --help');
  if (words.length > 1) throw usageError(`Cannot run: expected one folder, found ${words.length}`);
  if (rest.port === rest.tlsPort && rest.port !== 0)
    throw usageError(`Cannot use port ${rest.port} for both listeners: expected --port and --tls-port to differ`);
  return { directory, ...rest, deviceCa: deviceCaOf(deviceCertificate, deviceKey, rest.devicePassphraseFile) };
}

function deviceCaOf(certificate: string | undefined, key: string | undefined, passphraseFile: string | undefined) {
  if (certificate !== undefined && key !== undefined) return { certificate, key };
  if (certificate === undefined && key === undefined && passphraseFile === undefined) return undefined;
  throw usageError('Cannot bring along an authority: expected --device-ca and --device-ca-key together');
}
