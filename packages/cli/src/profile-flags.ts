/** Profiles as flags: what of a command line can be saved, and how a saved one is brought back. */

import { resolve } from 'node:path';
import { readBrokerUrl } from './broker-url.ts';
import type { ConnectionFlags } from './connection-flags.ts';
import { localError, usageError } from './exit-codes.ts';
import type { Flag, FlagGroup } from './flags.ts';
import { type Profile, profilesFile, readProfiles } from './profiles.ts';

/** Flags that belong to one run, not to a server or a client. */
const NOT_SAVED: ReadonlySet<string> = new Set(['profile', 'property', 'nodelay', 'debug', 'quiet', 'help']);
/** Where the server is: said together or not at all. */
const PLACE: readonly string[] = ['host', 'port', 'url', 'unix', 'ws'];
const IDENTITY: readonly string[] = ['id', 'id-prefix'];
const CREDENTIALS: readonly string[] = ['username', 'pw'];
/** Files, which are found wherever the command runs. */
const FILES: ReadonlySet<string> = new Set(['unix', 'cafile', 'capath', 'cert', 'key', 'key-pw-file']);

type Environment = Readonly<Record<string, string | undefined>>;

/** A profile and where it stands. */
export interface AskedProfile {
  readonly name: string;
  readonly file: string;
  readonly flags: Profile;
}

/**
 * The profile that the flags ask for, or the default one where they name no server, not even another port of this
 * machine: its password is for one server. Throws a usage or local error.
 */
export function askedProfile(
  { profile, host, port, url, unix, ws }: ConnectionFlags,
  environment: Environment,
): AskedProfile | undefined {
  const isPlaced = host !== undefined || port !== undefined || url !== undefined || unix !== undefined || ws;
  if (profile === undefined && isPlaced) return undefined;
  const file = profilesFile(environment);
  const profiles = file === undefined ? undefined : readProfiles(file);
  const name = profile ?? profiles?.default;
  if (name === undefined) return undefined;
  const found = profiles?.byName.get(name);
  if (file !== undefined && found !== undefined) return { name, file, flags: found };
  throw usageError(
    `Cannot use the profile "${name}": ${file ?? 'no file of profiles'} has none of this name; see dunlin profile list`,
  );
}

/**
 * Sets the flags of a profile, but for those that `given`, the flags of the command line, replace as a whole. Throws a
 * local error for what no profile can have.
 */
export function applyProfile<Flags extends ConnectionFlags>(
  groups: readonly FlagGroup<Flags>[],
  flags: Flags,
  { name: profileName, file, flags: profile }: AskedProfile,
  given: ConnectionFlags,
): void {
  const wrong = (why: string): Error => localError(`Cannot use the profile "${profileName}" of ${file}: ${why}`);
  const left = new Set<string>();
  if (given.host !== undefined || given.url !== undefined || given.unix !== undefined)
    for (const name of PLACE) left.add(name);
  if (given.clientId !== undefined || given.idPrefix !== undefined) for (const name of IDENTITY) left.add(name);
  const isOther = isOtherUser(profile, given);
  if (isOther) for (const name of CREDENTIALS) left.add(name);
  const known = savedFlags(groups);
  for (const [name, value] of Object.entries(profile)) {
    const flag = known.get(name);
    if (flag === undefined) throw wrong(`"${name}" is no flag that a profile can have`);
    if ((flag.values === undefined) !== (value === true)) {
      throw wrong(`"${name}" is expected to be ${flag.values === undefined ? 'true' : 'a text or a number'}`);
    }
    if (left.has(name)) continue;
    try {
      flag.set(flags, value === true ? [] : [value]);
    } catch (error) {
      throw wrong((error as Error).message);
    }
  }
  if (isOther && flags.url !== undefined) {
    const { username: _user, password: _password, ...url } = flags.url;
    flags.url = url;
  }
}

/** The password of a profile is for its user alone. */
function isOtherUser({ username, url }: Profile, given: ConnectionFlags): boolean {
  if (given.url?.username !== undefined) return true;
  if (given.username === undefined) return false;
  return given.username !== (username ?? (typeof url === 'string' ? readBrokerUrl(url).username : undefined));
}

/** The same groups, which also remember in `profile` what was given. */
export function recordedGroups<Flags>(
  groups: readonly FlagGroup<Flags>[],
  profile: Record<string, string | true>,
): FlagGroup<Flags>[] {
  const saved = savedFlags(groups);
  return groups.map((group) => ({
    ...group,
    flags: group.flags.map((flag) => ({
      ...flag,
      set: (target: Flags, values: readonly string[]) => {
        flag.set(target, values);
        const name = flag.long;
        if (name === undefined || saved.get(name) !== flag) return;
        profile[name] = flag.values === undefined ? true : FILES.has(name) ? resolve(values[0]) : values[0];
      },
    })),
  }));
}

/** Switches and flags of one value that say how to reach a server, by their long names. */
function savedFlags<Flags>(groups: readonly FlagGroup<Flags>[]): Map<string, Flag<Flags>> {
  const flags = groups.filter(({ isSaved }) => isSaved === true).flatMap((group) => group.flags);
  return new Map(
    flags.flatMap((flag) => (flag.long === undefined || NOT_SAVED.has(flag.long) ? [] : [[flag.long, flag] as const])),
  );
}
