/** The command `dunlin`: finds the sub-command, runs it, tells failures, sets the exit code. */

import { acl } from './acl.ts';
import { aclHelp } from './acl-flags.ts';
import { bans, bansHelp } from './bans.ts';
import { benchHelp } from './bench/bench-flags.ts';
import { config } from './config.ts';
import { configHelp } from './config-flags.ts';
import { EXIT_CODES, ExitCode, usageError } from './exit-codes.ts';
import { failureOf } from './failure.ts';
import { columns, HelpAsked } from './flags.ts';
import { init } from './init.ts';
import { initHelp } from './init-flags.ts';
import { passwd } from './passwd.ts';
import { passwdHelp } from './passwd-flags.ts';
import { profile, profileHelp } from './profile.ts';
import { pub } from './pub.ts';
import { pubHelp } from './pub-flags.ts';
import { reload, reloadHelp } from './reload.ts';
import { simulateHelp } from './simulate/simulate-flags.ts';
import { store } from './store.ts';
import { storeHelp } from './store-flags.ts';
import { sub } from './sub.ts';
import { subHelp } from './sub-flags.ts';
import { processTerminal, type Terminal } from './terminal.ts';
import { toolVersion } from './version.ts';
import { visible } from './visible.ts';

/** A sub-command. */
interface Command {
  readonly summary: string;
  /** Undefined: the command tells its help itself. */
  readonly help: (() => string) | undefined;
  readonly run: (argv: readonly string[], terminal: Terminal) => Promise<number>;
}

/** Every sub-command, in the order of the help. */
const COMMANDS: Readonly<Record<string, Command>> = {
  serve: {
    summary: 'run an MQTT server',
    help: undefined,
    // Loaded when asked for: `pub` and `sub` start faster without it.
    run: async (argv) => (await import('@dunlin/server')).serve(argv),
  },
  init: { summary: 'make the directory of a new server: TLS, a first user, rules', help: initHelp, run: init },
  pub: { summary: 'publish messages', help: pubHelp, run: pub },
  sub: { summary: 'subscribe and print messages', help: subHelp, run: sub },
  bench: {
    summary: 'load a server and measure it',
    help: benchHelp,
    run: async (argv, terminal) => (await import('./bench/bench.ts')).bench(argv, terminal),
  },
  simulate: {
    summary: 'run the devices of a script',
    help: simulateHelp,
    run: async (argv, terminal) => (await import('./simulate/simulate.ts')).simulate(argv, terminal),
  },
  profile: { summary: 'save servers with their flags under names', help: profileHelp, run: profile },
  config: { summary: 'check, show and convert configurations of a server', help: configHelp, run: config },
  store: { summary: 'look at, check, back up and restore the data of a server', help: storeHelp, run: store },
  reload: { summary: 'have a server read its configuration again', help: reloadHelp, run: reload },
  bans: { summary: 'list who a server keeps out, and let them in', help: bansHelp, run: bans },
  acl: { summary: 'say what rules let a client do', help: aclHelp, run: acl },
  passwd: { summary: 'write password files and hashes', help: passwdHelp, run: passwd },
};

/** The text of `dunlin --help`. */
function toolHelp(): string {
  return [
    'dunlin: an MQTT server, and a client for the command line',
    ['Usage:', '  dunlin COMMAND [flags]', '  dunlin COMMAND --help', '  dunlin --version'].join('\n'),
    ['Commands:', ...columns(Object.entries(COMMANDS).map(([name, { summary }]) => [name, summary])).map(indent)].join(
      '\n',
    ),
    [
      'A first minute, in three terminals:',
      '  dunlin serve',
      "  dunlin sub -t '#' -v",
      '  dunlin pub -t hello -m world',
    ].join('\n'),
    ['Exit codes:', ...columns(EXIT_CODES.map(({ code, meaning }) => [code, meaning])).map(indent)].join('\n'),
    '',
  ]
    .join('\n\n')
    .replace(/\n+$/, '\n');
}

/** Runs the tool and returns its exit code; every failure is told and never thrown. */
export async function run(argv: readonly string[], terminal: Terminal): Promise<number> {
  const [name, ...rest] = argv;
  try {
    if (name === 'help' && rest.length > 0) {
      if (!Object.hasOwn(COMMANDS, rest[0])) throw unknownCommand('show the help of', rest[0]);
      return await run([rest[0], '--help'], terminal);
    }
    if (name === undefined || name === '--help' || name === 'help') {
      terminal.output.write(toolHelp());
      return name === undefined ? ExitCode.usage : ExitCode.done;
    }
    if (name === '--version') {
      terminal.output.write(`dunlin ${toolVersion()}\n`);
      return ExitCode.done;
    }
    if (!Object.hasOwn(COMMANDS, name)) throw unknownCommand('run', name);
    return await COMMANDS[name].run(rest, terminal);
  } catch (error) {
    if (error instanceof HelpAsked) {
      terminal.output.write(COMMANDS[name].help?.() ?? toolHelp());
      return ExitCode.done;
    }
    const failure = failureOf(error);
    const isQuiet = rest.includes('--quiet') && !failure.isUsage;
    const command = Object.hasOwn(COMMANDS, name) ? `dunlin ${name}` : 'dunlin';
    if (!isQuiet) terminal.errors.write(`${command}: ${visible(failure.text, { lines: true })}\n`);
    return failure.exitCode;
  }
}

function unknownCommand(attempt: string, name: string): Error {
  const known = Object.keys(COMMANDS).join(', ');
  return usageError(`Cannot ${attempt} "${name}": expected one of ${known}, see dunlin --help`);
}

function indent(line: string): string {
  return `  ${line}`;
}

if (import.meta.main) {
  // Nothing else may keep the process: an open standard input would.
  process.exit(await run(process.argv.slice(2), processTerminal()));
}
