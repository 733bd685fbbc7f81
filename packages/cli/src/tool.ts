/** The command `dunlin`: finds the sub-command, runs it, tells failures, sets the exit code. */

import { visible } from '@dunlin/protocol';
import { acl } from './acl.ts';
import { ACL_PAGE, aclHelp } from './acl-flags.ts';
import { API_KEY_PAGE, apiKey, apiKeyHelp } from './api/api-key.ts';
import { BANS_PAGE, bans, bansHelp } from './bans.ts';
import { bench } from './bench/bench.ts';
import { BENCH_PAGE, benchHelp } from './bench/bench-flags.ts';
import { COMPLETION_PAGE, completion, completionHelp } from './completion.ts';
import { config } from './config.ts';
import { CONFIG_PAGE, configHelp } from './config-flags.ts';
import { device } from './device/device.ts';
import { DEVICE_PAGE } from './device/device-flags.ts';
import { deviceHelp } from './device/device-help.ts';
import { EXIT_CODES, ExitCode, usageError } from './exit-codes.ts';
import { failureOf } from './failure.ts';
import { type CommandPage, columns, HelpAsked, isNear } from './flags.ts';
import { init } from './init.ts';
import { INIT_PAGE, initHelp } from './init-flags.ts';
import { passwd } from './passwd.ts';
import { PASSWD_PAGE, passwdHelp } from './passwd-flags.ts';
import { probe } from './probe.ts';
import { PROBE_PAGE, probeHelp } from './probe-flags.ts';
import { PROFILE_PAGE, profile, profileHelp } from './profile.ts';
import { pub } from './pub.ts';
import { PUB_PAGE, pubHelp } from './pub-flags.ts';
import { RELOAD_PAGE, reload, reloadHelp } from './reload.ts';
import { rr } from './rr.ts';
import { RR_PAGE, rrHelp } from './rr-flags.ts';
import { simulate } from './simulate/simulate.ts';
import { SIMULATE_PAGE, simulateHelp } from './simulate/simulate-flags.ts';
import { store } from './store.ts';
import { STORE_PAGE, storeHelp } from './store-flags.ts';
import { sub } from './sub.ts';
import { SUB_PAGE, subHelp } from './sub-flags.ts';
import { outputFailed, type Terminal } from './terminal.ts';
import { top } from './top.ts';
import { TOP_PAGE, topHelp } from './top-flags.ts';
import { toolVersion } from './version.ts';

/** A sub-command. */
interface Command {
  readonly summary: string;
  /** Undefined: the command tells its help itself. `action`: as `HelpAsked` has it. */
  readonly help: ((action?: string) => string) | undefined;
  /** Undefined: its flags stand in a table of its own. */
  readonly page: CommandPage | undefined;
  readonly run: (argv: readonly string[], terminal: Terminal) => Promise<number>;
}

/** Every sub-command, in the order of the help. */
const COMMANDS: Readonly<Record<string, Command>> = {
  serve: {
    summary: 'run an MQTT server',
    help: undefined,
    page: undefined,
    // Loaded when asked for: `pub` and `sub` start faster without it.
    run: async (argv) => (await import('@dunlin/server')).serve(argv),
  },
  init: {
    summary: 'make the directory of a new server: TLS, a first user, rules',
    help: initHelp,
    page: INIT_PAGE,
    run: init,
  },
  pub: { summary: 'publish messages', help: pubHelp, page: PUB_PAGE, run: pub },
  sub: { summary: 'subscribe and print messages', help: subHelp, page: SUB_PAGE, run: sub },
  rr: { summary: 'send requests and print their answers, or answer them', help: rrHelp, page: RR_PAGE, run: rr },
  probe: { summary: 'find out what a server can do', help: probeHelp, page: PROBE_PAGE, run: probe },
  bench: { summary: 'load a server and measure it', help: benchHelp, page: BENCH_PAGE, run: bench },
  simulate: { summary: 'run the devices of a script', help: simulateHelp, page: SIMULATE_PAGE, run: simulate },
  top: { summary: 'show what goes on at a server, live', help: topHelp, page: TOP_PAGE, run: top },
  profile: {
    summary: 'save servers with their flags under names',
    help: profileHelp,
    page: PROFILE_PAGE,
    run: profile,
  },
  config: {
    summary: 'check, show and convert configurations of a server',
    help: configHelp,
    page: CONFIG_PAGE,
    run: config,
  },
  store: {
    summary: 'look at, check, back up and restore the data of a server',
    help: storeHelp,
    page: STORE_PAGE,
    run: store,
  },
  reload: { summary: 'have a server read its configuration again', help: reloadHelp, page: RELOAD_PAGE, run: reload },
  bans: {
    summary: 'list who a server keeps out, keep out more, and let them in',
    help: bansHelp,
    page: BANS_PAGE,
    run: bans,
  },
  device: {
    summary: 'add devices, give them what they come in with, send them commands',
    help: deviceHelp,
    page: DEVICE_PAGE,
    run: device,
  },
  'api-key': { summary: 'make and remove keys of the HTTP API', help: apiKeyHelp, page: API_KEY_PAGE, run: apiKey },
  acl: { summary: 'say what rules let a client do', help: aclHelp, page: ACL_PAGE, run: acl },
  passwd: { summary: 'write password files and hashes', help: passwdHelp, page: PASSWD_PAGE, run: passwd },
  completion: {
    summary: 'print what makes a shell complete commands and flags',
    help: completionHelp,
    page: COMPLETION_PAGE,
    run: (argv, terminal) => completion(argv, terminal, COMMANDS),
  },
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

/**
 * Runs the tool and settles with its exit code; every failure is told and never thrown. An output that cannot be written is
 * one, but for a reader who goes away.
 */
export async function run(argv: readonly string[], terminal: Terminal): Promise<number> {
  const [name, ...rest] = argv;
  try {
    const exitCode = await perform(name, rest, terminal);
    const failure = await terminal.written();
    // What a server logs is no result: it may have had no room for a while.
    if (failure !== undefined && failure.code !== 'EPIPE' && name !== 'serve') throw outputFailed(failure);
    return exitCode;
  } catch (error) {
    const failure = failureOf(error);
    const isQuiet = rest.includes('--quiet') && !failure.isUsage;
    const command = Object.hasOwn(COMMANDS, name) ? `dunlin ${name}` : 'dunlin';
    if (!isQuiet) terminal.errors.write(`${command}: ${visible(failure.text, { lines: true })}\n`);
    return failure.exitCode;
  }
}

async function perform(name: string | undefined, rest: readonly string[], terminal: Terminal): Promise<number> {
  if (name === 'help' && rest.length > 0) {
    if (!Object.hasOwn(COMMANDS, rest[0])) throw unknownCommand('show the help of', rest[0]);
    return await perform(rest[0], [...rest.slice(1), '--help'], terminal);
  }
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    terminal.output.write(toolHelp());
    return name === undefined ? ExitCode.usage : ExitCode.done;
  }
  if (name === '--version' || (name === 'version' && rest.length === 0)) {
    terminal.output.write(`dunlin ${toolVersion()}\n`);
    return ExitCode.done;
  }
  if (!Object.hasOwn(COMMANDS, name)) throw unknownCommand('run', name);
  try {
    return await COMMANDS[name].run(rest, terminal);
  } catch (error) {
    if (!(error instanceof HelpAsked)) throw error;
    terminal.output.write(COMMANDS[name].help?.(error.action) ?? toolHelp());
    return ExitCode.done;
  }
}

function unknownCommand(attempt: string, name: string): Error {
  const known = Object.keys(COMMANDS);
  const near = name.length > 1 ? known.find((command) => isNear(name, command)) : undefined;
  const hint = near === undefined ? `expected one of ${known.join(', ')}, see dunlin --help` : `did you mean ${near}?`;
  return usageError(`Cannot ${attempt} "${name}": ${hint}`);
}

function indent(line: string): string {
  return `  ${line}`;
}
