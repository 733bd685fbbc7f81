/** The flags of `dunlin serve` in one table, read into a configuration and shown by `--help`. */
import { quoted } from '@dunlin/protocol';
import { ConfigurationError, mergeConfigurations, type PartialConfiguration } from './configuration.ts';
import { hint } from './configuration-reading.ts';
import { CONFIGURATION } from './configuration-table.ts';
import type { Environment } from './environment-variables.ts';
import { type GroupShape, type ListShape, readScalar, type ScalarShape, type Shape, shownDefault } from './shape.ts';

/** One flag. */
export interface Flag {
  readonly short?: string;
  readonly long: string;
  /** Name of its value in the help; absent for a switch. */
  readonly value?: string;
  readonly description: string;
  /** Shown as the default where the table of keys does not say it. */
  readonly default?: string;
  /** The key it stands for: what it accepts, its default, and where it goes. */
  readonly key?: readonly string[];
}

/** Every flag of `dunlin serve`. Those with a `key` mean the same as that key in the file, and win over it. */
export const FLAGS: readonly Flag[] = [
  { short: 'c', long: 'config', value: 'FILE', description: 'Configuration file (YAML).', default: 'none' },
  {
    short: 'h',
    long: 'host',
    value: 'ADDRESS',
    description: 'Address of the first listener; 0.0.0.0 or :: for all.',
    key: ['listeners', '0', 'host'],
  },
  {
    short: 'p',
    long: 'port',
    value: 'PORT',
    description: 'Port of the first listener; 0 takes a free one.',
    key: ['listeners', '0', 'port'],
  },
  {
    long: 'data',
    value: 'DIR',
    description: 'Directory for what must survive a restart.',
    default: 'see below',
    key: ['data'],
  },
  {
    long: 'durability',
    value: 'MODE',
    description: 'What an acknowledgement means: durable, process or memory.',
    key: ['durability'],
  },
  {
    long: 'allow-anonymous',
    description: 'Let everybody in, also on a first listener that other machines can reach.',
    key: ['listeners', '0', 'allowAnonymous'],
  },
  { long: 'log-level', value: 'LEVEL', description: 'debug, info, warn or error.', key: ['log', 'level'] },
  { long: 'log-to', value: 'PLACE', description: 'stderr, stdout or syslog.', key: ['log', 'to', '0'] },
  { long: 'log-file', value: 'FILE', description: 'A file for the log.', key: ['log', 'file'] },
  {
    long: 'log-format',
    value: 'FORMAT',
    description: 'human (with the first screen), json, or auto: human on a terminal, else json.',
    key: ['log', 'format'],
  },
  {
    long: 'limit',
    value: 'NAME=VALUE',
    description: 'A limit, such as queueMessagesMax=50000 or maximumPacketSize=1MiB; may be repeated.',
  },
  {
    long: 'setting',
    value: 'NAME=VALUE',
    description: 'A setting, such as maximumQoS=1 or retainAvailable=false; may be repeated.',
  },
  { long: 'help', description: 'Show this help.' },
];

/** What a command line asks for. */
export interface CommandLine {
  readonly help: boolean;
  readonly configFile: string | undefined;
  readonly configuration: PartialConfiguration;
}

/** The environment variable that stands for a flag: `DUNLIN_LOG_LEVEL`; undefined where none does. */
export function flagVariable({ long, key }: Flag): string | undefined {
  if (key === undefined && long !== 'config') return undefined;
  return `DUNLIN_${long.toUpperCase().replaceAll('-', '_')}`;
}

/**
 * Reads the arguments behind `dunlin serve`: `--flag value`, `--flag=value`, `-p value`, `-pvalue`. What they do not say
 * the variables of `environment` may say; one that is empty counts as not set. Default: nothing is set.
 * @throws ConfigurationError with every problem
 */
export function readCommandLine(argv: readonly string[], environment: Environment = {}): CommandLine {
  const problems: string[] = [];
  const seen = readVariables(environment, problems);
  const rest = [...argv];
  while (rest.length > 0) {
    const argument = rest.shift() as string;
    const [flag, attached] = findFlag(argument);
    if (flag === undefined) {
      problems.push(unknownArgument(argument));
      continue;
    }
    const value = flag.value === undefined ? (attached ?? 'true') : (attached ?? rest.shift());
    if (value === undefined) problems.push(`${argument} needs a value: ${argument} ${flag.value}`);
    else if (flag.long === 'help') seen.help = true;
    else if (flag.long === 'config') seen.configFile = value;
    else {
      const result = flag.key === undefined ? readPair(flag.long, value) : readKey(`--${flag.long}`, flag.key, value);
      if (typeof result === 'string') problems.push(result);
      else seen.configuration = mergeConfigurations(seen.configuration, result);
    }
  }
  if (problems.length > 0 && !seen.help) throw new ConfigurationError(problems);
  return seen;
}

/** A Service of Kubernetes called `dunlin` sets DUNLIN_PORT to something else. */
const SERVICE_ADDRESS = /^(?:tcp|udp|sctp):\/\//;

function readVariables(
  environment: Environment,
  problems: string[],
): { help: boolean; configFile: string | undefined; configuration: PartialConfiguration } {
  const seen = { help: false, configFile: undefined as string | undefined, configuration: {} as PartialConfiguration };
  for (const flag of FLAGS) {
    const variable = flagVariable(flag);
    const value = variable === undefined ? undefined : environment[variable];
    if (variable === undefined || !value || SERVICE_ADDRESS.test(value)) continue;
    if (flag.key === undefined) {
      seen.configFile = value;
      continue;
    }
    const result = readKey(variable, flag.key, value);
    if (typeof result === 'string') problems.push(result);
    else seen.configuration = mergeConfigurations(seen.configuration, result);
  }
  return seen;
}

function findFlag(argument: string): [flag: Flag | undefined, attached: string | undefined] {
  if (argument.startsWith('--')) {
    const equals = argument.indexOf('=');
    const name = argument.slice(2, equals === -1 ? undefined : equals);
    const attached = equals === -1 ? undefined : argument.slice(equals + 1);
    return [FLAGS.find((flag) => flag.long === name), attached];
  }
  if (!argument.startsWith('-')) return [undefined, undefined];
  const flag = FLAGS.find(({ short }) => short !== undefined && short === argument[1]);
  return [flag, argument.length > 2 ? argument.slice(2) : undefined];
}

function unknownArgument(argument: string): string {
  if (!argument.startsWith('-')) return `Cannot use ${quoted(argument)}: a flag is expected, see dunlin serve --help`;
  const names = FLAGS.map((flag) => `--${flag.long}`);
  return `Cannot use ${quoted(argument)}: ${hint(argument.split('=')[0], names, 'see dunlin serve --help')}`;
}

/** Where the names for a flag stand, which are too many for a problem. */
const PAGES: Readonly<Record<string, string>> = { limit: 'limits.md', setting: 'configuration.md' };

/** `--limit NAME=VALUE` and `--setting NAME=VALUE`. */
function readPair(flag: string, text: string): PartialConfiguration | string {
  const group = CONFIGURATION.entries[`${flag}s`] as GroupShape;
  const equals = text.indexOf('=');
  if (equals === -1) return `--${flag} is ${quoted(text)}: NAME=VALUE is expected`;
  const name = text.slice(0, equals);
  if (!Object.hasOwn(group.entries, name))
    return `--${flag} ${quoted(name)} is unknown: ${hint(name, Object.keys(group.entries), `see docs/reference/${PAGES[flag]} for those that are`)}`;
  return readKey(`--${flag} ${name}`, [`${flag}s`, name], text.slice(equals + 1));
}

function readKey(shown: string, key: readonly string[], text: string): PartialConfiguration | string {
  const reading = readScalar(shapeAt(key), text);
  if ('expected' in reading) return `${shown} is ${quoted(text)}: ${reading.expected} is expected`;
  let value: unknown = reading.value;
  for (const step of key.toReversed()) value = /^\d+$/.test(step) ? [value] : { [step]: value };
  return value as PartialConfiguration;
}

/** The shape of a key; a number is a place in a list. */
function shapeAt(key: readonly string[]): ScalarShape {
  let shape: Shape = CONFIGURATION;
  for (const step of key)
    shape = shape.kind === 'list' ? (shape as ListShape).items : (shape as GroupShape).entries[step];
  return shape as ScalarShape;
}

/** The default of a flag as the help and the reference show it; undefined for what has none. */
export function flagDefault(flag: Flag): string | undefined {
  return flag.default ?? (flag.key === undefined ? undefined : shownDefault(shapeAt(flag.key)));
}

/** How a flag is written: `-p, --port PORT`. */
export function flagSpelling({ short, long, value }: Flag): string {
  return `${short === undefined ? '    ' : `-${short}, `}--${long}${value === undefined ? '' : ` ${value}`}`;
}

const EXAMPLES: readonly (readonly [command: string, what: string])[] = [
  ['dunlin serve', 'this machine alone, port 1883'],
  ['dunlin serve --port 18830', 'another port'],
  ['dunlin serve --host 0.0.0.0 --allow-anonymous', 'the whole network, no authentication'],
  ['dunlin serve --config dunlin.yaml --log-level debug', 'a configuration file'],
  ['dunlin serve --limit queueMessagesMax=50000', 'a limit (docs/reference/limits.md)'],
];

/** The help of `dunlin serve`, ready to print. */
export function serveHelp(): string {
  const flags = FLAGS.map((flag): [string, string] => {
    const standard = flagDefault(flag);
    return [flagSpelling(flag), `${flag.description}${standard === undefined ? '' : ` Default: ${standard}.`}`];
  });
  return [
    'dunlin serve: runs an MQTT server (3.1, 3.1.1 and 5.0)',
    '',
    'Usage:',
    '  dunlin serve [flags]',
    '',
    'Examples:',
    ...columns(EXAMPLES),
    '',
    'Flags:',
    ...columns(flags),
    '',
    'Sizes may be written with B, kB, MB, GB (powers of 1000), KiB, MiB, GiB (of 1024), times with ms, s, min, h, d.',
    'All but --limit and --setting may come from the environment (DUNLIN_LOG_LEVEL), which wins over the file; flags win over both.',
    'Data: --data, else $DUNLIN_DATA, else data of the file, else $STATE_DIRECTORY (of systemd), else',
    '$XDG_STATE_HOME/dunlin, else ~/.local/state/dunlin or what macOS and Windows have in its place.',
    'Ctrl-C stops it gracefully; a second one at once.',
    'Exit codes: 0 stopped as asked; 1 command line or configuration is wrong; 3 it could not start or go on.',
    '',
  ].join('\n');
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}
