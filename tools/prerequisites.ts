/** The programs from Debian that some tests and the benchmarks need: which are missing, and how a test is skipped for it. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { join } from 'node:path';

/** Something outside npm that a test may need; the text says what is lost without it. */
interface Prerequisite {
  /** Debian packages that bring it. */
  readonly packages: readonly string[];
  readonly present: () => boolean;
}

/** Every prerequisite by the name that tests use. */
export const prerequisites = {
  mosquitto: { packages: ['mosquitto'], present: () => commandPath('mosquitto') !== undefined },
  mosquitto_pub: { packages: ['mosquitto-clients'], present: () => commandPath('mosquitto_pub') !== undefined },
  mosquitto_sub: { packages: ['mosquitto-clients'], present: () => commandPath('mosquitto_sub') !== undefined },
  'nats-server': { packages: ['nats-server'], present: () => commandPath('nats-server') !== undefined },
  paho: { packages: ['python3', 'python3-paho-mqtt'], present: pahoPresent },
  nginx: { packages: ['nginx'], present: () => commandPath('nginx') !== undefined },
  chromium: { packages: ['chromium'], present: () => commandPath('chromium') !== undefined },
  strace: { packages: ['strace'], present: () => commandPath('strace') !== undefined },
  cc: { packages: ['gcc', 'libc6-dev'], present: () => commandPath('cc') !== undefined },
  make: { packages: ['make'], present: () => commandPath('make') !== undefined },
  'openssl-command': { packages: ['openssl'], present: () => commandPath('openssl') !== undefined },
  openssl: { packages: ['libssl-dev'], present: () => existsSync('/usr/include/openssl/ssl.h') },
} as const satisfies Record<string, Prerequisite>;

/** Name of a prerequisite. */
export type PrerequisiteName = keyof typeof prerequisites;

const names = Object.keys(prerequisites) as PrerequisiteName[];
/** Where Debian puts daemons; often not in the PATH of an ordinary user. */
const systemFolders = ['/usr/local/sbin', '/usr/sbin', '/sbin'];
/** The Python of Debian, the one that sees its packages. */
export const debianPython = '/usr/bin/python3';

/** Path of a command in PATH or the system's daemon folders, or undefined. */
export function commandPath(command: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(':').filter(Boolean), ...systemFolders];
  return folders.map((folder) => join(folder, command)).find(isExecutable);
}

/** The prerequisites that this machine lacks, found by looking. */
export function missingPrerequisites(): PrerequisiteName[] {
  return names.filter((name) => !prerequisites[name].present());
}

/** Debian packages that bring the given prerequisites, each once. */
export function packagesFor(wanted: readonly PrerequisiteName[]): string[] {
  return [...new Set(wanted.flatMap((name) => prerequisites[name].packages))];
}

/**
 * The value for `skip` of a test that needs the given programs: `{ skip: missing('mosquitto_pub', 'paho') }`.
 *
 * A reason if one is missing, else false. `DUNLIN_MISSING` (names divided by commas, set by `npm test`) spares the
 * search. With `CI=true` it is always false: such a test runs, and fails, rather than being passed over.
 */
export function missing(...wanted: PrerequisiteName[]): string | false {
  if (process.env.CI === 'true') return false;
  const known = process.env.DUNLIN_MISSING?.split(',');
  const absent = wanted.filter((name) => (known ? known.includes(name) : !prerequisites[name].present()));
  return absent.length > 0 && `needs ${absent.join(', ')} (Debian: ${packagesFor(absent).join(' ')})`;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function pahoPresent(): boolean {
  return spawnSync(debianPython, ['-c', 'import paho.mqtt.client'], { stdio: 'ignore', timeout: 20_000 }).status === 0;
}
