/**
 * Client id rules: what the Client Identifier of a client must look like, and what its parts say of the client. A
 * template is matched by the patterns of its fields and by values that are known, never split at a character, since
 * UUIDs hold the `-` that templates are made with.
 */
import type { Principal, Refusal } from '@dunlin/broker';
import { ReasonCode } from '@dunlin/protocol';
import { type FieldPattern, knownValue, parseFieldPattern } from './field-pattern.ts';
import { isPasteable } from './pasteable.ts';

/** One rule. The first rule that is for a client and fits its Client Identifier counts. */
export interface ClientIdRule {
  /** Such as `{partnerId}-{clientId}-{spaceId}-{deviceId}`: the whole Client Identifier, up to 8 fields. */
  readonly template: string;
  /** The pattern of each field, as `parseFieldPattern` reads it; `any` for a field that is not named. */
  readonly patterns?: Readonly<Record<string, string | readonly string[]>>;
  /** Fields that must equal something proven: `{username}`, `{cn}` or `{attr.NAME}`. */
  readonly equals?: Readonly<Record<string, string>>;
  /** Whom the rule is for: everybody whom each given list names. Default: everybody. */
  readonly for?: ClientIdAudience;
}

export interface ClientIdAudience {
  /** Names of listeners. */
  readonly listeners?: readonly string[];
  /** Who is in one of these groups. */
  readonly groups?: readonly string[];
  /** User names, where `*` stands for any text. */
  readonly usernames?: readonly string[];
}

/** What the rules say of one client: its fields, none where no rule is for it, or why it is refused. */
export type ClientIdVerdict = { readonly kind: 'match'; readonly fields: Readonly<Record<string, string>> } | Refusal;

export interface ClientIdRules {
  /** Pure; a few microseconds for what fits, and some milliseconds for the worst Client Identifier and template. */
  judge(clientId: string, listener: string, principal: Principal): ClientIdVerdict;
}

const FIELDS_MAX = 8;
/** What is longer fits no template: four UUIDs with dashes between them are 147 characters. */
const CLIENT_ID_CHARACTERS_MAX = 256;
const NO_FIELDS: ClientIdVerdict = { kind: 'match', fields: {} };

type Part = { readonly field?: undefined; readonly pattern: FieldPattern } | Field;
interface Field {
  readonly field: string;
  readonly pattern: FieldPattern;
  /** The proven value that it must equal, where one is asked for. */
  readonly equals: ((principal: Principal) => string | undefined) | undefined;
}
interface CompiledRule {
  readonly rule: ClientIdRule;
  readonly parts: readonly Part[];
}

/**
 * Compiles the rules. Throws an `Error` for a template, pattern or variable that cannot be read.
 *
 * A client for which there are rules is refused with 0x85 and the check `client-id` unless one fits. Where a rule fits
 * in two ways even with all known values in place, nobody can say which is right, and the client is refused as well; so
 * is one with a field that rules could not paste into a Topic Filter (`isPasteable`) or that contradicts an attribute
 * which the client already has proven.
 */
export function clientIdRules(rules: readonly ClientIdRule[]): ClientIdRules {
  const compiled = rules.map((rule) => ({ rule, parts: compileTemplate(rule) }));
  return {
    judge: (clientId, listener, principal) => {
      const mine = compiled.filter(({ rule }) => isFor(rule.for, listener, principal));
      if (mine.length === 0) return NO_FIELDS;
      if (clientId.length > CLIENT_ID_CHARACTERS_MAX)
        return refusal(`the client id has ${clientId.length} characters: ${CLIENT_ID_CHARACTERS_MAX} are the most`);
      for (const one of mine) {
        const verdict = judgeBy(one, clientId, principal);
        if (verdict !== undefined) return verdict;
      }
      return refusal(`the client id fits none of ${mine.map(({ rule }) => described(rule)).join(', ')}`);
    },
  };
}

function compileTemplate(rule: ClientIdRule): readonly Part[] {
  const { template, patterns = {}, equals = {} } = rule;
  const fail = (why: string) => new Error(`Cannot read the client id template "${template}": ${why}`);
  const pieces = template.split(/(\{[^{}]*\})/).filter((piece) => piece !== '');
  const names = new Set<string>();
  const parts = pieces.map((piece): Part => {
    const name = /^\{([A-Za-z][A-Za-z0-9_]*)\}$/.exec(piece)?.[1];
    if (name === undefined) {
      if (/[{}]/.test(piece)) throw fail('a field such as {deviceId} is expected between braces');
      return { pattern: knownValue(piece) };
    }
    if (names.has(name)) throw fail(`{${name}} is expected once`);
    names.add(name);
    const own = Object.hasOwn(patterns, name) ? patterns[name] : 'any';
    const source = Object.hasOwn(equals, name) ? provenValue(equals[name], fail) : undefined;
    return { field: name, pattern: parseFieldPattern(own), equals: source };
  });
  if (names.size === 0 || names.size > FIELDS_MAX) throw fail(`1 to ${FIELDS_MAX} fields are expected`);
  for (const name of [...Object.keys(patterns), ...Object.keys(equals)])
    if (!names.has(name)) throw fail(`{${name}} has a pattern or a value but is not in the template`);
  return parts;
}

function provenValue(source: string, fail: (why: string) => Error): (principal: Principal) => string | undefined {
  if (source === '{username}') return (principal) => principal.username;
  if (source === '{cn}') return (principal) => principal.certificate?.commonName;
  const attribute = /^\{attr\.([A-Za-z][A-Za-z0-9_.-]*)\}$/.exec(source)?.[1];
  if (attribute === undefined) throw fail(`"${source}" was found where {username}, {cn} or {attr.NAME} is expected`);
  return ({ attributes }) => (Object.hasOwn(attributes, attribute) ? attributes[attribute] : undefined);
}

function isFor(audience: ClientIdAudience | undefined, listener: string, principal: Principal): boolean {
  const { listeners, groups, usernames } = audience ?? {};
  if (listeners !== undefined && !listeners.includes(listener)) return false;
  if (groups !== undefined && !groups.some((group) => principal.groups.includes(group))) return false;
  return usernames === undefined || usernames.some((pattern) => fitsWildcard(pattern, principal.username));
}

/** Each piece between the `*` is looked for once, from left to right: no way back, so no text takes long. */
function fitsWildcard(pattern: string, username: string | undefined): boolean {
  if (username === undefined) return false;
  const pieces = pattern.split('*');
  if (pieces.length === 1) return username === pattern;
  const [first, last] = [pieces[0], pieces[pieces.length - 1]];
  if (username.length < first.length + last.length || !username.startsWith(first) || !username.endsWith(last))
    return false;
  let rest = username.slice(first.length, username.length - last.length);
  for (const piece of pieces.slice(1, -1)) {
    const at = rest.indexOf(piece);
    if (at < 0) return false;
    rest = rest.slice(at + piece.length);
  }
  return true;
}

/** Undefined where the rule does not fit. */
function judgeBy({ rule, parts }: CompiledRule, clientId: string, principal: Principal): ClientIdVerdict | undefined {
  const known: Part[] = [];
  for (const part of parts) {
    const value = part.field === undefined ? undefined : part.equals?.(principal);
    if (part.field === undefined || part.equals === undefined) known.push(part);
    else if (value === undefined || value === '') return undefined;
    else known.push({ ...part, pattern: both(knownValue(value), part.pattern) });
  }
  const [reading, another] = readings(known, clientId);
  if (reading === undefined) return undefined;
  if (another !== undefined)
    return refusal(
      `one way to read the client id by ${described(rule)} is expected, there are two: give its fields patterns`,
    );
  for (const [name, value] of reading) {
    if (!isPasteable(value))
      return refusal(`{${name}} of the client id is expected without + # / and control characters, nor $ in front`);
    if (Object.hasOwn(principal.attributes, name) && principal.attributes[name] !== value)
      return refusal(`{${name}} of the client id is expected to equal the attribute of that name`);
  }
  return { kind: 'match', fields: Object.fromEntries(reading) };
}

function both(one: FieldPattern, other: FieldPattern): FieldPattern {
  return {
    endsIn: (text, start) => {
      const ends = one.endsIn(text, start);
      return ends.length === 0 ? ends : other.endsIn(text, start).filter((end) => ends.includes(end));
    },
  };
}

type Reading = readonly (readonly [string, string])[];

/**
 * Up to two ways to read a text by the parts. A search from left to right that remembers from where the rest does not
 * fit: no place in the text is tried twice for the same part in vain, which bounds the work by parts × length².
 */
function readings(parts: readonly Part[], text: string): Reading[] {
  const found: Reading[] = [];
  const dead = new Set<number>();
  const search = (index: number, start: number, fields: Reading): boolean => {
    if (index === parts.length) {
      if (start === text.length) found.push(fields);
      return start === text.length;
    }
    const place = index * (text.length + 1) + start;
    if (dead.has(place)) return false;
    const { field, pattern } = parts[index];
    let fits = false;
    for (const end of pattern.endsIn(text, start)) {
      const next: Reading = field === undefined ? fields : [...fields, [field, text.slice(start, end)]];
      if (search(index + 1, end, next)) fits = true;
      if (found.length === 2) return true;
    }
    if (!fits) dead.add(place);
    return fits;
  };
  search(0, 0, []);
  return found;
}

function described({ template, equals = {} }: ClientIdRule): string {
  const conditions = Object.entries(equals).map(([name, source]) => `{${name}} equal to ${source}`);
  return conditions.length === 0 ? `"${template}"` : `"${template}" with ${conditions.join(' and ')}`;
}

function refusal(detail: string): Refusal {
  return { kind: 'refuse', reasonCode: ReasonCode.clientIdentifierNotValid, check: 'client-id', detail };
}
