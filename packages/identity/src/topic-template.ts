/**
 * Topic Filters of rules with variables in them, and what becomes of them for one client.
 *
 * A value is pasted only if it stays within its level: one that holds `+`, `#` or `/` would make the filter match what
 * the rule does not speak of.
 */
import type { Principal } from '@dunlin/broker';
import { assertTopicFilter } from '@dunlin/protocol';
import { isWithinLevel } from './pasteable.ts';

/** Who a template is filled in for. */
export interface Client {
  readonly clientId: string;
  readonly principal: Principal;
}

/** `attr.x` is the attribute `x` of the principal. */
export type Variable = 'username' | 'clientId' | 'cn' | `attr.${string}`;

/** A filter in pieces: text, and variables between them. */
export interface TopicTemplate {
  /** As it was written. */
  readonly text: string;
  readonly pieces: readonly (string | { readonly variable: Variable })[];
}

/** A filter, or the variable that hindered it with its value; undefined where the client has none. */
export type Filled =
  | { readonly filter: string }
  | { readonly variable: Variable; readonly value: string | undefined; readonly before: string };

const SHORT: Readonly<Record<string, Variable>> = { '%u': 'username', '%c': 'clientId' };
const MARK = /%u|%c|\{[^{}/]*\}/g;

/** A template of text alone, where nothing is a variable. The filter is checked. */
export function plainTemplate(filter: string): TopicTemplate {
  assertRuleFilter(filter);
  return { text: filter, pieces: [filter] };
}

/**
 * Reads `cameras/{username}/#`; `%u` is `{username}`, `%c` is `{clientId}`.
 * @throws MqttError where the filter is not well formed; Error where a variable is unknown
 */
export function readTemplate(text: string, marks: RegExp = MARK): TopicTemplate {
  const pieces: (string | { variable: Variable })[] = [];
  let from = 0;
  for (const { 0: mark, index } of text.matchAll(marks)) {
    if (index > from) pieces.push(text.slice(from, index));
    pieces.push({ variable: SHORT[mark] ?? variableOf(mark.slice(1, -1), text) });
    from = index + mark.length;
  }
  if (from < text.length) pieces.push(text.slice(from));
  assertRuleFilter(pieces.map((piece) => (typeof piece === 'string' ? piece : 'x')).join(''));
  return { text, pieces };
}

/** Only `%u` and `%c`, as in a `pattern` of Mosquitto. */
export function readMosquittoPattern(text: string): TopicTemplate {
  return readTemplate(text, /%u|%c/g);
}

export function hasVariables({ pieces }: TopicTemplate): boolean {
  return pieces.some((piece) => typeof piece !== 'string');
}

/** Fills in what is known of the client. */
export function fillTemplate(template: TopicTemplate, client: Client, effect: 'allow' | 'deny'): Filled {
  let filter = '';
  for (const piece of template.pieces) {
    if (typeof piece === 'string') {
      filter += piece;
      continue;
    }
    const value = knownValue(piece.variable, client);
    // At the front a "$" would lead into the topics of the server, where a client cannot be let in by its name.
    const isOfServer = filter === '' && effect === 'allow' && value?.startsWith('$');
    if (value === undefined || isOfServer || !isWithinLevel(value))
      return { variable: piece.variable, value, before: filter };
    filter += value;
  }
  return { filter };
}

function knownValue(variable: Variable, { clientId, principal }: Client): string | undefined {
  if (variable === 'username') return principal.username;
  if (variable === 'clientId') return clientId;
  if (variable === 'cn') return principal.certificate?.commonName;
  const name = variable.slice('attr.'.length);
  return Object.hasOwn(principal.attributes, name) ? principal.attributes[name] : undefined;
}

function variableOf(name: string, text: string): Variable {
  if (name === 'username' || name === 'clientId' || name === 'cn' || /^attr\.[^\s]+$/.test(name))
    return name as Variable;
  throw new Error(
    `Cannot use ${JSON.stringify(text)}: {${name}} is unknown, {username}, {clientId}, {cn} or {attr.NAME} is expected`,
  );
}

function assertRuleFilter(filter: string): void {
  assertTopicFilter(filter);
  if (!/^\$share(\/|$)/.test(filter)) return;
  throw new Error(
    `Cannot use ${JSON.stringify(filter)}: a filter without $share/<group>/ is expected, shared or not is one to rules`,
  );
}
