/** What a shell may complete, from the tables of the commands. */

import type { CommandPage, Flag } from './flags.ts';

/** What a flag takes: nothing, one of these, a name of the file system, or something nobody can know. */
export type ValueKind = readonly string[] | 'none' | 'file' | 'directory' | 'other';

/** A flag to complete. */
export interface CompletedFlag {
  readonly short: string | undefined;
  readonly long: string | undefined;
  readonly help: string;
  /** Of its only value; of a flag with several values 'other'. */
  readonly value: ValueKind;
}

/** A command to complete. */
export interface CompletedCommand {
  readonly name: string;
  readonly summary: string;
  /** What may come first behind the command, such as `check`. */
  readonly actions: readonly string[];
  /** Loose words may be names of files. */
  readonly takesFiles: boolean;
  readonly flags: readonly CompletedFlag[];
}

/** By the names of values in the help. */
const KINDS: Readonly<Record<string, ValueKind>> = {
  FILE: 'file',
  PATH: 'file',
  DIR: 'directory',
  QOS: ['0', '1', '2'],
  COMMAND: 'file',
};
const FILE_WORDS: ReadonlySet<string> = new Set(['FILE', 'DIR', 'FROM', 'TO', 'MOSQUITTO_CONF', 'MOSQUITTO_ACL']);

/** A command by its page. */
export function completedCommand(name: string, summary: string, { help, groups }: CommandPage): CompletedCommand {
  const words = help.usage.map((line) => line.split(' ').slice(2));
  const actions = words.flatMap(([first = '']) => (/^\[?[a-z][a-z|-]*\]?$/.test(first) ? plain(first).split('|') : []));
  const isFile = (word: string, at: number, line: readonly string[]): boolean =>
    FILE_WORDS.has(plain(word)) && !line[at - 1]?.includes('-');
  return {
    name,
    summary,
    actions: [...new Set(actions)],
    takesFiles: words.some((line) => line.some(isFile)),
    flags: groups.flatMap(({ flags }) => flags.map(completedFlag)),
  };
}

/** The flags of `dunlin serve`, which stand in a table of the server. */
export function serveCommand(
  summary: string,
  flags: readonly {
    readonly short?: string;
    readonly long: string;
    readonly value?: string;
    readonly description: string;
  }[],
): CompletedCommand {
  const completed = flags.map(({ short, long, value, description }) =>
    completedFlag({ long, help: description, ...(short && { short }), ...(value && { values: [value] }) }),
  );
  return { name: 'serve', summary, actions: [], takesFiles: false, flags: completed };
}

function completedFlag({ short, long, values = [], choices, help }: Omit<Flag<never>, 'set'>): CompletedFlag {
  return { short, long, help, value: choices ?? kindOf(values) };
}

function kindOf(values: readonly string[]): ValueKind {
  if (values.length === 0) return 'none';
  const [first] = values;
  if (values.length === 1 && first.includes('|')) return first.split('|');
  return values.length === 1 || first === 'COMMAND' ? (KINDS[first] ?? 'other') : 'other';
}

function plain(word: string): string {
  return word.replace(/[[\]()]/g, '');
}

/** How a flag is typed, short first. */
export function spellings({ short, long }: Pick<CompletedFlag, 'short' | 'long'>): string[] {
  return [...(short === undefined ? [] : [`-${short}`]), ...(long === undefined ? [] : [`--${long}`])];
}
