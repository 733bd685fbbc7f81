/** `dunlin completion`: what makes a shell complete commands and flags. */

import { type CompletedCommand, completedCommand, serveCommand } from './completion-model.ts';
import { bashScript, fishScript, zshScript } from './completion-scripts.ts';
import { ExitCode, usageError } from './exit-codes.ts';
import { type CommandHelp, type CommandPage, type FlagGroup, HelpAsked, helpText, readFlags } from './flags.ts';
import type { Terminal } from './terminal.ts';

const SHELLS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

const GROUPS: readonly FlagGroup<string[]>[] = [
  {
    title: 'Flags',
    flags: [
      {
        long: 'help',
        help: 'this text',
        set: () => {
          throw new HelpAsked();
        },
      },
    ],
  },
];

const HELP: CommandHelp = {
  name: 'dunlin completion',
  summary: 'prints what makes a shell complete commands, flags and their values',
  usage: [`dunlin completion ${Object.keys(SHELLS).join('|')}`],
  examples: [
    ['source <(dunlin completion bash)', 'bash and zsh: now; for good, a line of ~/.bashrc or ~/.zshrc'],
    ['dunlin completion fish | source', 'fish: now'],
    ['dunlin completion fish > ~/.config/fish/completions/dunlin.fish', 'fish: for good'],
  ],
};

/** Help and flags of `dunlin completion`. */
export const COMPLETION_PAGE: CommandPage = { help: HELP, groups: GROUPS };

/** The text of `dunlin completion --help`. */
export function completionHelp(): string {
  return helpText(HELP, GROUPS);
}

/** The commands as `main.ts` has them. */
type Commands = Readonly<Record<string, { readonly summary: string; readonly page: CommandPage | undefined }>>;

/** Prints the script of a shell for these commands. Throws a usage error. */
export async function completion(argv: readonly string[], terminal: Terminal, commands: Commands): Promise<number> {
  const words: string[] = [];
  readFlags('dunlin completion', GROUPS, argv, words, (all, word) => void all.push(word));
  const [shell = '', ...rest] = words;
  if (!Object.hasOwn(SHELLS, shell) || rest.length > 0) {
    const found = words.length === 0 ? 'no shell' : `"${words.join(' ')}"`;
    throw usageError(`Cannot complete for ${found}: expected one of ${Object.keys(SHELLS).join(', ')}`);
  }
  terminal.output.write(SHELLS[shell as keyof typeof SHELLS](await completed(commands)));
  return ExitCode.done;
}

async function completed(commands: Commands): Promise<CompletedCommand[]> {
  const { FLAGS } = await import('@dunlin/server');
  return Object.entries(commands).map(([name, { summary, page }]) =>
    page === undefined ? serveCommand(summary, FLAGS) : completedCommand(name, summary, page),
  );
}
