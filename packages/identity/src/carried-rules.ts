/** Rules that a credential carries, a token or the answer of a service: read strictly, since a rule half understood permits too much. */
import type { QoS } from '@dunlin/protocol';
import { readTemplate } from './topic-template.ts';

export type CarriedAction = 'publish' | 'subscribe' | 'will';

/** One rule, as `RuleClaims` of the Authorizer has it. `topics` are Topic Filters, at least one, which may hold variables. */
export interface CarriedRule {
  readonly action: 'allow' | 'deny';
  readonly to: readonly CarriedAction[];
  readonly topics: readonly string[];
  /** Of an allowing rule: the highest QoS that it allows; a subscription is granted this at most. Default 2. */
  readonly qosMax?: QoS;
  /** Of an allowing rule for publish or will: whether it allows retained messages too. Default true. */
  readonly retain?: boolean;
}

/**
 * `Principal.claims` of who came with rules. They are added to those of the server: a rule that denies wins over every one
 * that allows, wherever it stands.
 */
export interface CarriedRules {
  readonly rules: readonly CarriedRule[];
}

const RULES_MAX = 100;
/** Of all rules together. */
const TOPICS_MAX = 256;
const TOPIC_CHARACTERS_MAX = 1024;

const PUBLISH: readonly CarriedAction[] = ['publish', 'will'];
const SUBSCRIBE: readonly CarriedAction[] = ['subscribe'];
const EVERYTHING: readonly CarriedAction[] = ['publish', 'will', 'subscribe'];
const SHORT_LISTS: Readonly<Record<string, readonly CarriedAction[]>> = {
  pub: PUBLISH,
  sub: SUBSCRIBE,
  all: EVERYTHING,
};
const ACTIONS: Readonly<Record<string, readonly CarriedAction[]>> = {
  publish: PUBLISH,
  subscribe: SUBSCRIBE,
  all: EVERYTHING,
};

/**
 * Reads rules out of parsed JSON, in one of three forms: ours, `{"rules": [{"action": "allow", "to": ["publish"],
 * "topics": ["a/#"], "qosMax": 1, "retain": false}]}`; EMQX's lists, `{"pub": [], "sub": [], "all": []}`, of what is
 * allowed; EMQX's rules, `[{"permission": "allow", "action": "publish", "topic": "a/#", "qos": [0, 1]}]`.
 *
 * What may be published may be left as a will in EMQX's forms. Throws an `Error` that says what is expected and quotes
 * nothing of the value: for an unknown key too, which may be a condition that narrows the rule, and for a condition that
 * the Authorizer cannot keep. What is returned it reads without fault.
 */
export function readCarriedRules(value: unknown): CarriedRules {
  const rules = Array.isArray(value) ? value.map(readLongRule) : readObject(record(value, 'the rules'));
  if (rules.length > RULES_MAX) throw unusable(`up to ${RULES_MAX} rules are expected`);
  const topics = rules.reduce((sum, rule) => sum + rule.topics.length, 0);
  if (topics > TOPICS_MAX) throw unusable(`up to ${TOPICS_MAX} topics are expected`);
  return { rules };
}

function readObject(value: Readonly<Record<string, unknown>>): CarriedRule[] {
  if (Object.hasOwn(value, 'rules')) {
    onlyKeys(value, ['rules']);
    return list(value['rules'], '"rules"').map(readOwnRule);
  }
  onlyKeys(value, Object.keys(SHORT_LISTS));
  return Object.entries(value).flatMap(([key, given]) => {
    const topics = list(given, `"${key}"`);
    return topics.length === 0 ? [] : [{ action: 'allow', to: SHORT_LISTS[key], topics: readTopics(topics) }];
  });
}

function readOwnRule(entry: unknown): CarriedRule {
  const rule = record(entry, 'a rule');
  onlyKeys(rule, ['action', 'to', 'topics', 'qosMax', 'retain']);
  const { action, to, topics, qosMax, retain } = rule;
  const actions = list(to, '"to"');
  if (actions.length === 0 || !actions.every((one) => isCarriedAction(one)))
    throw unusable('"publish", "subscribe" and "will" are expected in "to"');
  return withinAuthorizer({
    action: readPermission(action, 'action'),
    to: actions,
    topics: readTopics(list(topics, '"topics"')),
    ...(qosMax === undefined ? {} : { qosMax: readQos(qosMax) }),
    ...readRetain(retain),
  });
}

function readLongRule(entry: unknown): CarriedRule {
  const rule = record(entry, 'a rule');
  onlyKeys(rule, ['permission', 'action', 'topic', 'topics', 'qos', 'retain']);
  const { permission, action, topic, topics, qos, retain } = rule;
  if (typeof action !== 'string' || !Object.hasOwn(ACTIONS, action))
    throw unusable('"publish", "subscribe" or "all" is expected as "action"');
  if ((topic === undefined) === (topics === undefined)) throw unusable('either "topic" or "topics" is expected');
  // There it means retained messages alone: a limit can only leave them out.
  if (retain === true) throw unusable('false or "all" is expected as "retain"');
  return withinAuthorizer({
    action: readPermission(permission, 'permission'),
    to: ACTIONS[action],
    topics: readTopics(topics === undefined ? [topic] : list(topics, '"topics"')),
    ...(qos === undefined ? {} : readQosList(qos)),
    ...readRetain(retain === 'all' ? undefined : retain),
  });
}

/** Limits narrow what is allowed. On a rule that denies they would leave open what it was meant to shut. */
function withinAuthorizer(rule: CarriedRule): CarriedRule {
  const { action, to, qosMax, retain } = rule;
  if (action === 'deny' && (qosMax !== undefined || retain !== undefined))
    throw unusable('no limit of QoS or RETAIN is expected in a rule that denies');
  if (retain !== undefined && to.every((one) => one === 'subscribe'))
    throw unusable('"retain" is expected in rules for publish or will');
  return rule;
}

/** EMQX lists every QoS that a rule is for; those that are one QoS and all below it can be said here. */
function readQosList(value: unknown): { readonly qosMax: QoS } {
  const listed = new Set((Array.isArray(value) ? value : [value]).map(readQos));
  const qosMax = (listed.size - 1) as QoS;
  if (listed.size === 0 || !listed.has(qosMax) || !listed.has(0))
    throw unusable('one QoS and all below it are expected as "qos"');
  return { qosMax };
}

function readTopics(values: readonly unknown[]): readonly string[] {
  if (values.length === 0) throw unusable('a topic or more is expected');
  return values.map((value) => {
    if (typeof value !== 'string' || value.length > TOPIC_CHARACTERS_MAX)
      throw unusable(`texts of up to ${TOPIC_CHARACTERS_MAX} characters are expected as topics`);
    const topic = value.replaceAll('${username}', '{username}').replaceAll('${clientid}', '{clientId}');
    if (topic.includes('${')) throw unusable('no variables but ${username} and ${clientid} are expected in topics');
    if (topic.startsWith('eq ') || !isTemplate(topic)) throw unusable('Topic Filters are expected as topics');
    return topic;
  });
}

function isTemplate(topic: string): boolean {
  try {
    readTemplate(topic);
    return true;
  } catch {
    return false;
  }
}

function readPermission(value: unknown, key: string): 'allow' | 'deny' {
  if (value === 'allow' || value === 'deny') return value;
  throw unusable(`"allow" or "deny" is expected as "${key}"`);
}

function readQos(value: unknown): QoS {
  if (value === 0 || value === 1 || value === 2) return value;
  throw unusable('0, 1 or 2 is expected as QoS');
}

function readRetain(value: unknown): { readonly retain?: boolean } {
  if (value === undefined) return {};
  if (typeof value === 'boolean') return { retain: value };
  throw unusable('true or false is expected as "retain"');
}

function isCarriedAction(value: unknown): value is CarriedAction {
  return value === 'publish' || value === 'subscribe' || value === 'will';
}

function record(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw unusable(`an object is expected as ${what}`);
  return value as Readonly<Record<string, unknown>>;
}

function list(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw unusable(`a list is expected as ${what}`);
  return value;
}

function onlyKeys(value: Readonly<Record<string, unknown>>, expected: readonly string[]): void {
  if (!Object.keys(value).every((key) => expected.includes(key)))
    throw unusable(`no keys but ${expected.map((key) => `"${key}"`).join(', ')} are expected`);
}

function unusable(expected: string): Error {
  return new Error(`Cannot use the rules of the credential: ${expected}`);
}
