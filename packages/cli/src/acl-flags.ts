/** The flags of `dunlin acl` and its help. */

import type { AccessQuestion, BroaderFilter } from '@dunlin/identity';
import { hasWildcard, type QoS } from '@dunlin/protocol';
import { CONTROL_FLAGS, CONTROL_NOTE, type ControlFlags } from './control.ts';
import { usageError } from './exit-codes.ts';
import { type CommandHelp, type CommandPage, type FlagGroup, helpText, readFlags } from './flags.ts';

/** What the command line of `dunlin acl` asks for. */
type AclCommand = AclRequest | ShadowRequest;

/** `dunlin acl shadow`. */
export interface ShadowRequest extends ControlFlags {
  readonly name: 'shadow';
}

/** `dunlin acl test`. */
export interface AclRequest {
  readonly name: 'test';
  /** A configuration, in place of rules. */
  readonly config: string | undefined;
  readonly rules: string | undefined;
  readonly aclFile: string | undefined;
  readonly broaderFilter: BroaderFilter | undefined;
  readonly username: string | undefined;
  readonly clientId: string;
  readonly commonName: string | undefined;
  readonly groups: readonly string[];
  readonly attributes: Readonly<Record<string, string>>;
  /** All that can be asked of the topic where none was named. */
  readonly actions: readonly AccessQuestion['action'][];
  readonly topic: string;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly json: boolean;
}

interface Given extends ControlFlags {
  rules?: string;
  aclFile?: string;
  broaderFilter?: BroaderFilter;
  username?: string;
  clientId?: string;
  commonName?: string;
  groups: string[];
  attributes: Record<string, string>;
  action?: AccessQuestion['action'];
  topic?: string;
  qos: QoS;
  retain: boolean;
  words: string[];
}

const ACTIONS: readonly AccessQuestion['action'][] = ['publish', 'will', 'subscribe', 'receive'];

const BROADER_FILTERS: readonly BroaderFilter[] = ['deny', 'check'];

const GROUPS: readonly FlagGroup<Given>[] = [
  {
    title: 'Rules',
    flags: [
      {
        long: 'rules',
        values: ['FILE'],
        help: 'a file of rules in YAML',
        set: (given, [file]) => {
          given.rules = file;
        },
      },
      {
        long: 'acl-file',
        values: ['FILE'],
        help: 'an acl_file of Mosquitto',
        set: (given, [file]) => {
          given.aclFile = file;
        },
      },
      {
        long: 'broader-filter',
        values: ['deny|check'],
        help: 'what becomes of a wider subscription (deny; check with --acl-file)',
        set: (given, [value]) => {
          given.broaderFilter = oneOf('--broader-filter', value, BROADER_FILTERS);
        },
      },
    ],
  },
  {
    title: 'Who',
    flags: [
      {
        short: 'u',
        long: 'user',
        values: ['NAME'],
        help: 'the user name (none: an anonymous client)',
        set: (given, [name]) => {
          given.username = name;
        },
      },
      {
        short: 'i',
        long: 'client',
        values: ['ID'],
        help: 'the Client Identifier',
        set: (given, [id]) => {
          given.clientId = id;
        },
      },
      {
        short: 'g',
        long: 'group',
        values: ['NAME'],
        help: 'a group of the user; may be given again',
        set: (given, [name]) => {
          given.groups.push(name);
        },
      },
      {
        long: 'attribute',
        values: ['NAME=VALUE'],
        help: 'an attribute, for {attr.NAME}; may be given again',
        set: (given, [text]) => {
          const equals = text.indexOf('=');
          if (equals < 1) throw usageError(`Cannot use --attribute "${text}": NAME=VALUE is expected`);
          given.attributes[text.slice(0, equals)] = text.slice(equals + 1);
        },
      },
      {
        long: 'cn',
        values: ['NAME'],
        help: 'the Common Name of the client certificate, for {cn}',
        set: (given, [name]) => {
          given.commonName = name;
        },
      },
    ],
  },
  {
    title: 'What',
    flags: [
      {
        short: 't',
        long: 'topic',
        values: ['TOPIC'],
        help: 'a topic, or a filter to subscribe to',
        set: (given, [topic]) => {
          given.topic = topic;
        },
      },
      {
        short: 'a',
        long: 'action',
        values: [ACTIONS.join('|')],
        help: 'only this (all that can be asked of the topic)',
        set: (given, [action]) => {
          given.action = oneOf('--action', action, ACTIONS);
        },
      },
      {
        short: 'q',
        long: 'qos',
        values: ['QOS'],
        help: 'with this QoS (0)',
        set: (given, [qos]) => {
          given.qos = Number(oneOf('--qos', qos, ['0', '1', '2'])) as QoS;
        },
      },
      {
        short: 'r',
        long: 'retain',
        help: 'a retained message',
        set: (given) => {
          given.retain = true;
        },
      },
    ],
  },
  { title: 'Server', flags: CONTROL_FLAGS },
];

const HELP: CommandHelp = {
  name: 'dunlin acl',
  summary: 'says what rules let a client do, which rule decides, and what other rules would decide otherwise',
  usage: [
    'dunlin acl test (--rules FILE | --acl-file FILE | --config FILE) --client ID --topic TOPIC [flags]',
    'dunlin acl shadow [--data DIR | --config FILE] [--json]',
  ],
  examples: [
    ['dunlin acl test --rules rules.yaml -u ada -i cam-1 -t cameras/ada/state', 'all that can be asked'],
    ['dunlin acl test --acl-file acl -u ada -i cam-1 -t a/# -a subscribe -q 1', 'one question: 0 or 4'],
    ['dunlin acl test --config dunlin.yaml -u ada -i cam-1 -t a', 'the rules of a configuration'],
    ['dunlin acl shadow', 'what the rules that a running server tries out would have decided otherwise'],
  ],
  notes: [CONTROL_NOTE],
};

/** Help and flags of `dunlin acl`. */
export const ACL_PAGE: CommandPage = { help: HELP, groups: GROUPS };

/** The text of `dunlin acl --help`. */
export function aclHelp(): string {
  return helpText(HELP, GROUPS);
}

/** Reads and checks the command line. Throws a usage error. */
export function readAclFlags(argv: readonly string[]): AclCommand {
  // Without a prototype: an attribute may have any name.
  const given: Given = { groups: [], attributes: Object.create(null), qos: 0, retain: false, json: false, words: [] };
  readFlags('dunlin acl', GROUPS, argv, given, ({ words }, word) => words.push(word));
  const { words, data, config, json } = given;
  const [name, loose] = words;
  if (name !== 'test' && name !== 'shadow')
    throw usageError(`Cannot run ${shown(name)}: expected test or shadow, see dunlin acl --help`);
  if (loose !== undefined) throw usageError(`Cannot use "${loose}": expected nothing behind ${name} but flags`);
  return name === 'shadow' ? { name, data, config, json } : testRequest(given);
}

function testRequest({ words: _, data, ...given }: Given): AclRequest {
  const { action, topic, clientId, rules, aclFile, config, broaderFilter, username, commonName, ...rest } = given;
  if (data !== undefined) throw usageError('Cannot use --data with test: it is for shadow');
  if (rules === undefined && aclFile === undefined && config === undefined)
    throw missing('--rules FILE, --acl-file FILE or --config FILE');
  if (config !== undefined && (rules ?? aclFile ?? broaderFilter) !== undefined)
    throw usageError('Cannot use --config beside --rules, --acl-file or --broader-filter: expected it alone');
  if (clientId === undefined) throw missing('--client ID');
  if (topic === undefined) throw missing('--topic TOPIC');
  const actions = action === undefined ? actionsOf(topic) : [action];
  const from = { rules, aclFile, config, broaderFilter };
  return { ...rest, ...from, name: 'test', username, commonName, clientId, topic, actions };
}

/** A filter can only be subscribed to. */
function actionsOf(topic: string): readonly AccessQuestion['action'][] {
  return hasWildcard(topic) || topic.startsWith('$share/') ? ['subscribe'] : ACTIONS;
}

function oneOf<T extends string>(flag: string, value: string, known: readonly T[]): T {
  if (known.includes(value as T)) return value as T;
  throw usageError(`Cannot use ${flag} "${value}": expected one of ${known.join(', ')}`);
}

function missing(what: string): Error {
  return usageError(`Cannot run test: expected ${what}, see dunlin acl --help`);
}

function shown(word: string | undefined): string {
  return word === undefined ? 'dunlin acl alone' : `"${word}"`;
}
