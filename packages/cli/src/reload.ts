/** `dunlin reload`: has a running server read its configuration and files again. */

import { quoted, visible } from '@dunlin/protocol';
import { askRunning, CONTROL_FLAGS, CONTROL_NOTE, type ControlFlags } from './control.ts';
import { usageError } from './exit-codes.ts';
import { type CommandHelp, type CommandPage, helpText, readFlags } from './flags.ts';
import type { Terminal } from './terminal.ts';

type Report = import('@dunlin/server').ReloadReport;

const GROUPS = [{ title: 'Flags', flags: CONTROL_FLAGS }];

const HELP: CommandHelp = {
  name: 'dunlin reload',
  summary: 'has a running server read its configuration and the files it names again, as SIGHUP does',
  usage: ['dunlin reload [flags]'],
  examples: [
    ['dunlin reload', 'the server that dunlin serve starts here'],
    ['dunlin reload -c dunlin.yaml', 'a server with this configuration'],
  ],
  notes: [
    [
      'What it does',
      [
        'Users, rules, authorities and certificates are taken over, and clients that may not stay are sent away: the',
        'first 20 are named. Where anything is wrong nothing changes, and the exit code is 3.',
      ],
    ],
    CONTROL_NOTE,
  ],
};

/** Help and flags of `dunlin reload`. */
export const RELOAD_PAGE: CommandPage = { help: HELP, groups: GROUPS };

/** The text of `dunlin reload --help`. */
export function reloadHelp(): string {
  return helpText(HELP, GROUPS);
}

/** Runs the command and returns its exit code. Rejects with what `failureOf` understands. */
export async function reload(argv: readonly string[], terminal: Terminal): Promise<number> {
  const flags: ControlFlags = { json: false };
  readFlags('dunlin reload', GROUPS, argv, flags, (_flags, word) => {
    throw usageError(`Cannot use "${word}": expected nothing but flags, see dunlin reload --help`);
  });
  const report = await askRunning(flags, { command: 'reload' });
  terminal.output.write(flags.json ? `${JSON.stringify(report)}\n` : reloadText(report));
  return 0;
}

function reloadText(report: Report): string {
  const { changed, needsRestart, users, rules, disconnected, disconnectedClients } = report;
  const unnamed = disconnected - disconnectedClients.length;
  const lines = [
    'The configuration and its files were read again:',
    `  changed keys   ${changed.join(', ') || 'none'}`,
    `  needs restart  ${needsRestart.join(', ') || 'nothing'}`,
    `  users          ${users === 0 ? 'none' : `${users} added, changed or removed`}`,
    `  rules          ${rules === 0 ? 'none' : `${rules} added or removed`}`,
    `  clients        ${disconnected} sent away`,
    ...disconnectedClients.map(({ clientId, check }) => `    ${quoted(clientId)}: ${check}`),
    ...(unnamed === 0 ? [] : [`    and ${unnamed} more`]),
  ];
  return `${lines.map((line) => visible(line)).join('\n')}\n`;
}
