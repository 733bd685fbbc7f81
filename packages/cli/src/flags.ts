/** Reads a command line by a table of flags, and writes the help from the same table. */

import { type ExitCodeRow, exitCodesOf, usageError } from './exit-codes.ts';

/** One flag of a command. */
export interface Flag<Target> {
  /** One character, used as `-x`. */
  readonly short?: string;
  /** Used as `--long`. */
  readonly long?: string;
  /** Names of its values in the help, such as `PORT`; absent for a switch. */
  readonly values?: readonly string[];
  /** What its one value may be, where that is a closed set. */
  readonly choices?: readonly string[];
  /** How many values follow, where that depends on them; sees the arguments behind the flag. */
  readonly valueCount?: (following: readonly string[]) => number;
  /** One line for the help. */
  readonly help: string;
  /** Stores what was given. Throws a usage error for a value that cannot be. */
  readonly set: (target: Target, values: readonly string[]) => void;
}

/** Flags that the help shows together. */
export interface FlagGroup<Target> {
  readonly title: string;
  /** Its flags can be saved in a profile. */
  readonly isSaved?: true;
  readonly flags: readonly Flag<Target>[];
}

/** What the help says of a command. */
export interface CommandHelp {
  /** As typed, such as `dunlin pub`. */
  readonly name: string;
  readonly summary: string;
  /** Lines behind `Usage:`. */
  readonly usage: readonly string[];
  /** Command lines to copy, each with what it does. */
  readonly examples: readonly (readonly [command: string, what: string])[];
  /** More paragraphs, each with a title. */
  readonly notes?: readonly (readonly [title: string, lines: readonly string[]])[];
  /** Default: those of the command. */
  readonly exitCodes?: readonly ExitCodeRow[];
}

/** A command as its help and its completion show it. */
export interface CommandPage {
  readonly help: CommandHelp;
  readonly groups: readonly FlagGroup<never>[];
}

/** Thrown by the flag `--help`: the user wants to read and nothing to be done. */
export class HelpAsked extends Error {
  override readonly name = 'HelpAsked';
  /** Of which action, where the command has a page for each. */
  readonly action: string | undefined;

  constructor(action?: string) {
    super('help was asked for');
    this.action = action;
  }
}

/**
 * Reads the arguments into `target`.
 *
 * Understood are `-x VALUE`, `-xVALUE`, `-xyz` (switches), `--long VALUE` and `--long=VALUE`; a value is taken as it
 * stands, also when it begins with `-`. Throws what `set` throws, and a usage error for an unknown flag, a missing value
 * and a loose word, unless `word` takes it.
 */
export function readFlags<Target>(
  command: string,
  groups: readonly FlagGroup<Target>[],
  argv: readonly string[],
  target: Target,
  word?: (target: Target, text: string) => void,
): void {
  const flags = groups.flatMap((group) => group.flags);
  let at = 0;
  while (at < argv.length) {
    const argument = argv[at];
    at += 1;
    if (argument.startsWith('--')) {
      at += readLong(command, flags, argument, argv.slice(at), target);
    } else if (argument.startsWith('-') && argument.length > 1) {
      at += readShort(command, flags, argument, argv.slice(at), target);
    } else if (word !== undefined) {
      word(target, argument);
    } else {
      throw usageError(`Cannot use "${argument}": expected a flag before it, see ${command} --help`);
    }
  }
}

/** The help of a command, ready to print. */
export function helpText<Target>(help: CommandHelp, groups: readonly FlagGroup<Target>[]): string {
  const rows = groups.map((group) => group.flags.map((flag): [string, string] => [flagSpelling(flag), flag.help]));
  const parts = [`${help.name}: ${help.summary}`, section('Usage', help.usage)];
  parts.push(section('Examples', columns(help.examples)));
  groups.forEach((group, index) => {
    parts.push(section(group.title, columns(rows[index])));
  });
  for (const [title, lines] of help.notes ?? []) parts.push(section(title, lines));
  const codes = help.exitCodes ?? exitCodesOf(help.name.replace(/^dunlin /, ''));
  parts.push(section('Exit codes', columns(codes.map((row) => [row.code, row.meaning] as const))));
  return `${parts.join('\n\n')}\n`;
}

/** Lines of two aligned columns; a long left part gets a line of its own. */
export function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.min(COLUMN_MAX, Math.max(0, ...rows.map(([left]) => left.length)));
  return rows.flatMap(([left, right]) =>
    left.length > width ? [left, `${' '.repeat(width)}  ${right}`] : [`${left.padEnd(width)}  ${right}`],
  );
}

const COLUMN_MAX = 34;

function section(title: string, lines: readonly string[]): string {
  return [`${title}:`, ...lines.map((line) => (line === '' ? '' : `  ${line}`))].join('\n');
}

/** A switch given a value, a flag without one and such are told in terms of what was typed. */
function readLong<Target>(
  command: string,
  flags: readonly Flag<Target>[],
  argument: string,
  following: readonly string[],
  target: Target,
): number {
  const equals = argument.indexOf('=');
  const name = equals < 0 ? argument.slice(2) : argument.slice(2, equals);
  const flag = flags.find((candidate) => candidate.long === name);
  if (flag === undefined) throw unknownFlag(command, flags, `--${name}`);
  if (equals < 0) return take(command, flag, `--${name}`, following, target);
  if (flag.values === undefined) throw usageError(`Cannot use "${argument}": --${name} takes no value`);
  return take(command, flag, `--${name}`, [argument.slice(equals + 1), ...following], target) - 1;
}

function readShort<Target>(
  command: string,
  flags: readonly Flag<Target>[],
  argument: string,
  following: readonly string[],
  target: Target,
): number {
  for (let at = 1; at < argument.length; at++) {
    const flag = flags.find((candidate) => candidate.short === argument[at]);
    if (flag === undefined) throw unknownFlag(command, flags, `-${argument[at]}`);
    if (flag.values === undefined) {
      flag.set(target, []);
      continue;
    }
    const rest = argument.slice(at + 1);
    if (rest === '') return take(command, flag, `-${argument[at]}`, following, target);
    return take(command, flag, `-${argument[at]}`, [rest, ...following], target) - 1;
  }
  return 0;
}

/** Hands the flag its values and returns how many arguments they were. */
function take<Target>(
  command: string,
  flag: Flag<Target>,
  typed: string,
  following: readonly string[],
  target: Target,
): number {
  const count = flag.valueCount?.(following) ?? flag.values?.length ?? 0;
  if (following.length < count) {
    throw usageError(`Cannot use ${typed}: expected ${flag.values?.join(' ')} behind it, see ${command} --help`);
  }
  flag.set(target, following.slice(0, count));
  return count;
}

/** Flags of Mosquitto's clients for what is not there. */
const NOT_THERE: Readonly<Record<string, readonly string[]>> = {
  'TLS engines': ['tls-engine', 'tls-engine-kpass-sha1'],
  'pre-shared keys of TLS': ['psk', 'psk-identity'],
  'SOCKS proxies': ['proxy'],
};

function unknownFlag<Target>(command: string, flags: readonly Flag<Target>[], typed: string): Error {
  const isTwin = ['dunlin pub', 'dunlin sub', 'dunlin rr'].includes(command);
  const missing = Object.keys(NOT_THERE).find((what) => isTwin && NOT_THERE[what].includes(typed.slice(2)));
  if (missing !== undefined) {
    const twin = command.replace('dunlin ', 'mosquitto_');
    return usageError(`Cannot use ${typed}: ${command} has no ${missing}, which ${twin} has`);
  }
  const names = flags.flatMap((flag) => (flag.long === undefined ? [] : [`--${flag.long}`]));
  const near = typed.length > 3 ? names.find((name) => isNear(typed, name)) : undefined;
  const hint = near === undefined ? '' : `, did you mean ${near}?`;
  return usageError(`Cannot use ${typed}: ${command} has no such flag${hint || `, see ${command} --help`}`);
}

/** One begins with the other, or they differ in one place, or in the order of two neighbours. */
export function isNear(typed: string, name: string): boolean {
  if (name.startsWith(typed) || typed.startsWith(name)) return true;
  if (Math.abs(typed.length - name.length) > 1) return false;
  let start = 0;
  while (start < typed.length && typed[start] === name[start]) start += 1;
  let end = 0;
  while (end < typed.length - start && end < name.length - start && typed.at(-1 - end) === name.at(-1 - end)) end += 1;
  const isSwapped = typed[start] === name[start + 1] && typed[start + 1] === name[start];
  return Math.max(typed.length, name.length) - start - end <= (isSwapped ? 2 : 1);
}

function flagSpelling<Target>(flag: Flag<Target>): string {
  const long = flag.long === undefined ? undefined : `--${flag.long}`;
  const short = flag.short === undefined ? undefined : `-${flag.short}`;
  const names = [short ?? '  ', long].filter(Boolean).join(short !== undefined && long !== undefined ? ', ' : '  ');
  return [names, ...(flag.values ?? [])].join(' ');
}

/** A whole number within its range, or a usage error that says what is allowed. */
export function wholeNumber(what: string, text: string, minimum: number, maximum: number): number {
  const value = Number(text);
  if (/^-?\d+$/.test(text) && value >= minimum && value <= maximum) return value;
  throw usageError(`Cannot use ${what} "${text}": expected a whole number from ${minimum} to ${maximum}`);
}

/** Seconds, also with a fraction, as milliseconds; or a usage error, which says the maximum where one is given. */
export function secondsAsMs(what: string, text: string, maximumMs = TIMER_MS_MAX): number {
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && value * 1000 <= maximumMs) return Math.round(value * 1000);
  const most = maximumMs === TIMER_MS_MAX ? '' : ` up to ${maximumMs / 1000}`;
  throw usageError(`Cannot use ${what} "${text}": expected seconds${most}, such as 5 or 0.5`);
}

/** What a timer of Node can wait for. */
const TIMER_MS_MAX = 2_147_483_647;
