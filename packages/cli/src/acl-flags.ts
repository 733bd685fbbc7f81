/** The flags of `dunlin acl` and its help. */

import type { AccessQuestion, BroaderFilter } from '@dunlin/identity';
import { hasWildcard, type QoS } from '@dunlin/protocol';
import { usageError } from './exit-codes.ts';
import { type CommandHelp, type FlagGroup, HelpAsked, helpText, readFlags } from './flags.ts';

/** What the command line of `dunlin acl test` asks for. */
export interface AclRequest {
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

interface Given {
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
  json: boolean;
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
      {
        long: 'json',
        help: 'print one line of JSON',
        set: (given) => {
          given.json = true;
        },
      },
      {
        long: 'help',
        help: 'show this help',
        set: () => {
          throw new HelpAsked();
        },
      },
    ],
  },
];

const HELP: CommandHelp = {
  name: 'dunlin acl',
  summary: 'says what rules let a client do, and which rule decides',
  usage: ['dunlin acl test (--rules FILE | --acl-file FILE) --client ID --topic TOPIC [flags]'],
  examples: [
    ['dunlin acl test --rules rules.yaml -u ada -i cam-1 -t cameras/ada/state', 'all that can be asked'],
    ['dunlin acl test --acl-file acl -u ada -i cam-1 -t a/# -a subscribe -q 1', 'one question: 0 or 4'],
  ],
};

/** The text of `dunlin acl --help`. */
export function aclHelp(): string {
  return helpText(HELP, GROUPS);
}

/** Reads and checks the command line. Throws a usage error. */
export function readAclFlags(argv: readonly string[]): AclRequest {
  // Without a prototype: an attribute may have any name.
  const given: Given = { groups: [], attributes: Object.create(null), qos: 0, retain: false, json: false, words: [] };
  readFlags('dunlin acl', GROUPS, argv, given, ({ words }, word) => words.push(word));
  const { words, action, topic, clientId, rules, aclFile, broaderFilter, username, commonName, ...rest } = given;
  if (words[0] !== 'test') throw usageError(`Cannot run ${shown(words[0])}: expected test, see dunlin acl --help`);
  if (words.length > 1) throw usageError(`Cannot use "${words[1]}": expected nothing behind test but flags`);
  if (rules === undefined && aclFile === undefined) throw missing('--rules FILE or --acl-file FILE');
  if (clientId === undefined) throw missing('--client ID');
  if (topic === undefined) throw missing('--topic TOPIC');
  const asked = action === undefined ? actionsOf(topic) : [action];
  return { ...rest, rules, aclFile, broaderFilter, username, commonName, clientId, topic, actions: asked };
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
