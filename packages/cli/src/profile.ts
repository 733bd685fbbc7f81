/** `dunlin profile`: saves the flags of a client under a name, and shows and removes what was saved. */

import { visible } from '@dunlin/protocol';
import { shownUrl } from './broker-url.ts';
import {
  type ConnectionFlags,
  checkConnectionFlags,
  connectionFlagGroups,
  newConnectionFlags,
} from './connection-flags.ts';
import { ExitCode, localError, usageError } from './exit-codes.ts';
import { type CommandHelp, type CommandPage, columns, type FlagGroup, helpText, readFlags } from './flags.ts';
import { recordedGroups } from './profile-flags.ts';
import {
  checkName,
  hasSecret,
  type Profile,
  type Profiles,
  profilesFile,
  readProfiles,
  removeProfile,
  saveProfile,
} from './profiles.ts';
import { newPassword } from './secrets.ts';
import type { Terminal } from './terminal.ts';

interface ProfileFlags extends ConnectionFlags {
  words: string[];
  isDefault: boolean;
  asksPassword: boolean;
}

const SAVING: FlagGroup<ProfileFlags> = {
  title: 'Saving',
  flags: [
    {
      long: 'default',
      help: 'use it wherever no server is named',
      set: (flags) => {
        flags.isDefault = true;
      },
    },
    {
      long: 'ask-pw',
      help: 'ask for the password, or take the first line of the input, in place of -P',
      set: (flags) => {
        flags.asksPassword = true;
      },
    },
  ],
};

/** As the other commands have them; properties and the will are not saved. */
const GROUPS: readonly FlagGroup<ProfileFlags>[] = [
  SAVING,
  ...connectionFlagGroups([]).filter(({ isSaved, title }) => isSaved === true || title === 'This tool'),
];

const HELP: CommandHelp = {
  name: 'dunlin profile',
  summary: 'saves servers with their flags under names for --profile',
  usage: [
    'dunlin profile list',
    'dunlin profile show NAME',
    'dunlin profile save NAME [--default] [--ask-pw] [flags]',
    'dunlin profile remove NAME',
  ],
  examples: [
    ['dunlin profile save home -L mqtts://broker.example -u ada --ask-pw', 'asks for the password'],
    ["dunlin sub --profile home -t '#' -v", 'uses it; flags win over the profile'],
    ['dunlin profile show home', 'without the password'],
  ],
  notes: [
    [
      'The file',
      [
        '$DUNLIN_PROFILES, else dunlin/profiles.yaml in $XDG_CONFIG_HOME or ~/.config. One that holds passwords',
        'must be its owner’s alone (0600), and is not used otherwise.',
      ],
    ],
  ],
};

/** Help and flags of `dunlin profile`. */
export const PROFILE_PAGE: CommandPage = { help: HELP, groups: GROUPS };

/** The text of `dunlin profile --help`. */
export function profileHelp(): string {
  return helpText(HELP, GROUPS);
}

/** Runs the command and returns its exit code. Rejects with what `failureOf` understands. */
export async function profile(argv: readonly string[], terminal: Terminal): Promise<number> {
  const given: Record<string, string | true> = {};
  const flags = { ...newConnectionFlags(), words: [], isDefault: false, asksPassword: false } as ProfileFlags;
  readFlags('dunlin profile', recordedGroups(GROUPS, given), argv, flags, ({ words }, word) => void words.push(word));
  const [action, name, ...rest] = flags.words;
  const file = profilesFile(terminal.environment);
  if (file === undefined)
    throw localError('Cannot find the profiles: expected $HOME, $XDG_CONFIG_HOME or $DUNLIN_PROFILES');
  if (!['list', 'show', 'save', 'remove'].includes(action)) {
    throw usageError(`Cannot ${action ?? 'do nothing'} with profiles: expected list, show, save or remove`);
  }
  if ((action === 'list') !== (name === undefined) || rest.length > 0) {
    throw usageError(`Cannot ${action} profiles: expected dunlin profile ${action}${action === 'list' ? '' : ' NAME'}`);
  }
  if (action !== 'save' && (Object.keys(given).length > 0 || flags.isDefault || flags.asksPassword)) {
    throw usageError(`Cannot ${action} profiles with flags: only save takes them`);
  }
  if (action === 'list') terminal.output.write(listOf(readProfiles(file)));
  else if (action === 'show') terminal.output.write(shown(existing(readProfiles(file), name, file)));
  else if (action === 'remove') await remove(file, name);
  else await save(file, name, flags, given, terminal);
  return ExitCode.done;
}

async function save(
  file: string,
  name: string,
  flags: ProfileFlags,
  given: Record<string, string | true>,
  terminal: Terminal,
): Promise<void> {
  checkName(name);
  checkConnectionFlags(flags);
  if (Object.keys(given).length === 0 && !flags.asksPassword) {
    throw usageError('Cannot save a profile of nothing: expected flags such as -L mqtts://broker.example');
  }
  if (flags.asksPassword) given['pw'] = await newPassword(terminal, undefined, flags.username ?? name);
  const before = await saveProfile(file, name, given, flags.isDefault);
  const tell = (text: string): void => void terminal.errors.write(`dunlin profile: ${visible(text)}\n`);
  if (before.byName.has(name)) tell(`"${name}" is replaced`);
  if (flags.isDefault && before.default !== undefined && before.default !== name) {
    tell(`the default is "${name}", it was "${before.default}"`);
  }
}

async function remove(file: string, name: string): Promise<void> {
  if (!(await removeProfile(file, name))) existing(readProfiles(file), name, file);
}

function existing({ byName }: Profiles, name: string, file: string): Profile {
  const found = byName.get(name);
  if (found !== undefined) return found;
  const known = byName.size === 0 ? 'it holds none' : `expected one of ${[...byName.keys()].join(', ')}`;
  throw usageError(`Cannot find the profile "${name}" in ${file}: ${known}`);
}

function listOf({ byName, default: chosen }: Profiles): string {
  const rows = [...byName].map(([name, flags]): [string, string] => {
    const notes = [name === chosen ? 'default' : '', hasSecret(flags) ? 'with password' : '']
      .filter(Boolean)
      .join(', ');
    return [visible(name), visible(`${placeOf(flags)}${notes === '' ? '' : `  (${notes})`}`)];
  });
  return columns(rows)
    .map((line) => `${line}\n`)
    .join('');
}

function placeOf({ url, unix, host, port, ws }: Profile): string {
  if (url !== undefined) return shownUrl(String(url));
  if (unix !== undefined) return `mqtt+unix://${unix}`;
  return `${host ?? 'localhost'}${port === undefined ? '' : `:${port}`}${ws === true ? ', WebSocket' : ''}`;
}

function shown(profile: Profile): string {
  return Object.entries(profile)
    .map(([name, value]) => {
      const text = name === 'pw' ? '(hidden)' : name === 'url' ? shownUrl(String(value)) : String(value);
      return `${visible(`${name}: ${text}`)}\n`;
    })
    .join('');
}
