/**
 * Whom a data directory and its files belong to, and who else may write there: whoever may, can take the store away, put
 * another in its place, or have this user write to a file of his choice.
 *
 * Only the path itself is looked at, not what is above it. Who may write there can put another directory in its place,
 * but none that belongs to this user, so it is refused too. So a directory in `/tmp` or in a mounted volume is as good as any.
 */
import { accessSync, constants, type Stats, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const SUPERUSER = 0;
const OTHERS_WRITE = 0o022;
const STICKY = 0o1000;

/** Undefined where the system knows no such thing (Windows). */
export function ownUser(): number | undefined {
  return process.geteuid?.();
}

/**
 * Why nobody should trust what lies there, and what to do about it; undefined where it belongs to this user, the
 * superuser or one of `trusted`, and nobody else may write to it.
 */
export function notTrustworthy(
  path: string,
  { uid, mode }: Rights,
  trusted: readonly number[] = [],
): string | undefined {
  const user = ownUser();
  if (user === undefined) return undefined;
  const found = `${describedRights({ uid, mode })}, this process runs as ${named(user)}`;
  if (![user, SUPERUSER, ...trusted].includes(uid))
    return `${path} belongs to somebody else: ${found}; run it as ${named(uid)}, or: sudo chown -R ${user} ${quoted(path)}`;
  if ((mode & OTHERS_WRITE) === 0) return undefined;
  // Such as /tmp, or the top of a volume: its rights are as somebody wants them.
  const isShared = (mode & STICKY) !== 0 || ![user, ...trusted].includes(uid);
  const remedy = isShared
    ? `take a directory in it, which is made for this user alone, such as ${join(path, 'dunlin')}`
    : `so that only its owner may: chmod go-w ${quoted(path)}`;
  return `others may write to ${path}: ${found}; ${remedy}`;
}

type Rights = Pick<Stats, 'uid' | 'mode'>;

/** Why the system denied the path, as far as the path or the nearest thing above it that can be seen shows. */
export function deniedReason(path: string): string {
  const wanted = resolve(path);
  const [nearest, rights] = nearestOf(wanted);
  const user = ownUser();
  if (user === undefined) return `this user may not use ${nearest}`;
  const found = `permission denied at ${nearest}: ${describedRights(rights)}, this process runs as ${named(user)}`;
  if (rights.uid === user) return `${found}; so that it may: chmod u+rwX ${quoted(nearest)}`;
  // What lies above belongs to others with a right.
  if (nearest !== wanted && !maySearch(nearest))
    return `${found}; run it as ${named(rights.uid)}, or take another place`;
  if (nearest !== wanted) return `${found}; to make it: sudo install -d -m 0700 -o ${user} ${quoted(wanted)}`;
  return `${found}; run it as ${named(rights.uid)}, or: sudo chown -R ${user} ${quoted(nearest)}`;
}

function maySearch(directory: string): boolean {
  try {
    accessSync(directory, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The first that is there, from the path upwards, with what the system says of it. */
export function nearestOf(path: string): [path: string, found: Stats] {
  for (let nearest = path; ; nearest = dirname(nearest)) {
    try {
      return [nearest, statSync(nearest)];
    } catch (error) {
      if (dirname(nearest) === nearest) throw error;
    }
  }
}

function describedRights({ uid, mode }: Rights): string {
  return `its owner is ${named(uid)}, its mode ${(mode & 0o7777).toString(8).padStart(4, '0')}`;
}

function named(user: number): string {
  return user === SUPERUSER ? 'root' : `the user ${user}`;
}

/** For a shell. */
function quoted(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
