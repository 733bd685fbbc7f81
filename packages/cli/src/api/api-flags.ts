/** The flags of the commands that ask the HTTP API. */

import { CONTROL_FLAGS, type ControlFlags } from '../control.ts';
import { usageError } from '../exit-codes.ts';
import type { Flag } from '../flags.ts';

/** Which server, and how its answer is printed. */
export interface ApiFlags extends ControlFlags {
  url?: URL;
  keyFile?: string;
  caFile?: string;
  plainHttp: boolean;
}

/** Where a key is that no file holds. */
export const KEY_VARIABLE = 'DUNLIN_API_KEY';

/** As of `dunlin reload`, and where the API is far away. */
export const API_FLAGS: readonly Flag<ApiFlags>[] = [
  {
    long: 'url',
    values: ['URL'],
    help: 'ask the API at this address, such as https://mqtt.example:8443',
    set: (flags, [text]) => {
      flags.url = apiUrl(text);
    },
  },
  {
    long: 'api-key-file',
    values: ['FILE'],
    help: `with --url: the API key is its first line (else it is in $${KEY_VARIABLE})`,
    set: (flags, [file]) => {
      flags.keyFile = file;
    },
  },
  {
    long: 'cafile',
    values: ['FILE'],
    help: 'with --url: authorities to believe, PEM (those of the system)',
    set: (flags, [file]) => {
      flags.caFile = file;
    },
  },
  {
    long: 'plain-http',
    help: 'with --url: send the API key over the network without encryption',
    set: (flags) => {
      flags.plainHttp = true;
    },
  },
  ...CONTROL_FLAGS,
];

/** Where the help says whose API it is. */
export const API_NOTE: [string, string[]] = [
  'Which server',
  [
    'A running one is asked through the socket "control" in its data directory, without an API key; only its own user may.',
    'Where none runs, what it keeps is opened by dunlin itself: --config FILE says which devices there may be. With --url',
    'the API of a server anywhere is asked, with an API key from a file or the environment, never from the command line.',
  ],
];

/** Checks what only all flags together can tell. Throws a usage error. */
export function checkApiFlags({ url, data, config, keyFile, caFile, plainHttp }: ApiFlags): void {
  const given = { '--data': data, '--config': config };
  const beside = Object.entries(given).find(([, value]) => value !== undefined);
  if (url !== undefined && beside !== undefined)
    throw usageError(`Cannot use --url with ${beside[0]}: one server is expected`);
  if (url === undefined && (keyFile !== undefined || caFile !== undefined || plainHttp))
    throw usageError('Cannot use --api-key-file, --cafile or --plain-http: expected --url beside it');
}

function apiUrl(text: string): URL {
  const url = URL.parse(text);
  const isHttp = url !== null && ['http:', 'https:'].includes(url.protocol) && url.search === '' && url.hash === '';
  // Its text may hold a secret.
  if (url !== null && (url.username !== '' || url.password !== ''))
    throw usageError('Cannot use --url: it has a user or a password, expected is an API key in --api-key-file');
  if (isHttp) return url;
  throw usageError(`Cannot use --url "${text}": expected an address such as https://mqtt.example:8443`);
}
