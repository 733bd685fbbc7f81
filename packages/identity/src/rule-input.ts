/** Reads rules from plain values (of YAML or of a token) and checks them: every fault with its path and what is expected. */
import { quoted } from '@dunlin/protocol';
import { RULE_ACTIONS, type Rule, type RuleAction, type Subjects } from './rule.ts';
import { readTemplate, type TopicTemplate } from './topic-template.ts';

/** One value, or a list of them. */
type OneOrMore<T> = T | readonly T[];

/** Who a rule is for. An entry of every list that is given has to fit. */
export interface SubjectsInput {
  readonly users?: OneOrMore<string>;
  readonly groups?: OneOrMore<string>;
  readonly clientIds?: OneOrMore<string>;
  /** True: clients without a user name; false: those with one. */
  readonly anonymous?: boolean;
}

/** A rule as it is written: one of `allow` and `deny`, `topics`, and what narrows them. */
export interface RuleInput {
  readonly allow?: OneOrMore<RuleAction | 'all'>;
  readonly deny?: OneOrMore<RuleAction | 'all'>;
  /** Topic Filters without `$share/<group>/`, with variables. */
  readonly topics: OneOrMore<string>;
  /** Absent: everybody. */
  readonly for?: SubjectsInput;
  /** Who is not meant after all. */
  readonly except?: SubjectsInput;
  /** Of an allowing rule. Default 2. */
  readonly qosMax?: 0 | 1 | 2;
  /** Of an allowing rule for publish or will. Default true. */
  readonly retain?: boolean;
}

/** A set of rules for the members of groups. */
export interface RoleInput {
  /** Default: the group that is called as the role. */
  readonly groups?: OneOrMore<string>;
  readonly rules: readonly RuleInput[];
}

export interface RulesInput {
  readonly rules?: readonly RuleInput[];
  readonly roles?: Readonly<Record<string, RoleInput>>;
}

export type RulePath = readonly (string | number)[];

export interface RulesPlace {
  /** Names file and line of a value, such as `rules.yaml:12`; its parents stand for a path that is not there. */
  readonly lineOf?: (path: RulePath) => string;
}

/** Rules that cannot be used: each problem is a line that names path, value and what is expected. */
export class RulesError extends Error {
  override readonly name = 'RulesError';
  readonly code = 'rules-invalid';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

/** More rules than this, or topics of one rule, are refused: a list as long is no longer written by hand. */
export const RULES_MAX = 100_000;
export const RULE_TOPICS_MAX = 1_000;
const problemsMax = 100;

/**
 * Reads `{ rules, roles }`.
 * @throws RulesError with at most 100 problems
 */
export function readRules(value: unknown, place: RulesPlace = {}): readonly Rule[] {
  const reader = new RulesReader(place);
  const rules = reader.document(value);
  reader.throwIfAny();
  return rules;
}

/** Reads one list of rules, called `name` in problems and places. @throws RulesError as `readRules` */
export function readRuleList(value: unknown, name: string): readonly Rule[] {
  const reader = new RulesReader({});
  const rules = reader.list(value, [name], []);
  reader.throwIfAny();
  return rules;
}

type Fields = Readonly<Record<string, unknown>>;

class RulesReader {
  readonly #place: RulesPlace;
  readonly #problems: string[] = [];
  #count = 0;

  constructor(place: RulesPlace) {
    this.#place = place;
  }

  throwIfAny(): void {
    if (this.#problems.length > 0) throw new RulesError(this.#problems);
  }

  document(value: unknown): Rule[] {
    const fields = this.#fields(value, [], ['rules', 'roles']);
    if (fields === undefined) return [];
    const { rules, roles } = fields;
    if (rules === undefined && roles === undefined) this.#report([], value, '"rules" or "roles"');
    return [...(rules === undefined ? [] : this.list(rules, ['rules'], [])), ...this.#roles(roles)];
  }

  list(value: unknown, path: RulePath, subjects: readonly Subjects[]): Rule[] {
    if (!Array.isArray(value)) {
      this.#report(path, value, 'a list of rules');
      return [];
    }
    this.#count += value.length;
    if (this.#count > RULES_MAX) throw new RulesError([`There are more than ${RULES_MAX} rules`]);
    return value.flatMap((each, index) => this.#rule(each, [...path, index], subjects) ?? []);
  }

  #roles(value: unknown): Rule[] {
    if (value === undefined) return [];
    const fields = this.#fields(value, ['roles']) ?? {};
    return Object.entries(fields).flatMap(([name, role]) => {
      const path = ['roles', name];
      const parts = this.#fields(role, path, ['groups', 'rules']);
      if (parts === undefined) return [];
      const groups = parts.groups === undefined ? [name] : this.#texts(parts.groups, [...path, 'groups']);
      return this.list(parts.rules, [...path, 'rules'], [{ groups: new Set(groups) }]);
    });
  }

  #rule(value: unknown, path: RulePath, subjects: readonly Subjects[]): Rule | undefined {
    const known = ['allow', 'deny', 'topics', 'for', 'except', 'qosMax', 'retain'];
    const fields = this.#fields(value, path, known);
    if (fields === undefined) return undefined;
    const effect = this.#effect(fields, path);
    if (effect === undefined) return undefined;
    const actions = this.#actions(fields[effect], [...path, effect]);
    this.#limits(fields, effect, actions, path);
    const given = fields.for === undefined ? undefined : this.#subjects(fields.for, [...path, 'for']);
    const line = this.#place.lineOf?.(path);
    return {
      place: line === undefined ? pathText(path) : `${pathText(path)} (${line})`,
      effect,
      actions,
      topics: this.#topics(fields.topics, [...path, 'topics']),
      subjects: given === undefined ? subjects : [...subjects, given],
      except: fields.except === undefined ? [] : [this.#subjects(fields.except, [...path, 'except'])],
      qosMax: (fields.qosMax ?? 2) as Rule['qosMax'],
      retain: (fields.retain ?? true) as boolean,
      tier: 0,
      needsPlainNames: false,
    };
  }

  #effect(fields: Fields, path: RulePath): Rule['effect'] | undefined {
    const isAllow = fields.allow !== undefined;
    if (isAllow !== (fields.deny !== undefined)) return isAllow ? 'allow' : 'deny';
    const found = isAllow ? 'both "allow" and "deny"' : 'neither "allow" nor "deny"';
    this.#tell(path, `${pathText(path)} has ${found}: one of them is expected`);
    return undefined;
  }

  #actions(value: unknown, path: RulePath): readonly RuleAction[] {
    const expected = `${RULE_ACTIONS.join(', ')} or all`;
    const named = this.#texts(value, path, expected);
    for (const [index, name] of named.entries())
      if (name !== 'all' && !RULE_ACTIONS.includes(name as RuleAction))
        this.#report(Array.isArray(value) ? [...path, index] : path, name, expected);
    return named.includes('all') ? RULE_ACTIONS : (named as RuleAction[]);
  }

  #limits(fields: Fields, effect: Rule['effect'], actions: readonly RuleAction[], path: RulePath): void {
    const { qosMax, retain } = fields;
    if (qosMax !== undefined && qosMax !== 0 && qosMax !== 1 && qosMax !== 2)
      this.#report([...path, 'qosMax'], qosMax, '0, 1 or 2');
    if (retain !== undefined && typeof retain !== 'boolean') this.#report([...path, 'retain'], retain, 'true or false');
    for (const name of ['qosMax', 'retain'])
      if (effect === 'deny' && fields[name] !== undefined)
        this.#tell(
          [...path, name],
          `${pathText([...path, name])} limits a rule that denies: it is expected in rules that allow`,
        );
    if (effect === 'allow' && retain !== undefined && actions.every((action) => action === 'subscribe'))
      this.#tell(
        [...path, 'retain'],
        `${pathText([...path, 'retain'])} limits subscribing: it is expected in rules for publish or will`,
      );
  }

  #topics(value: unknown, path: RulePath): TopicTemplate[] {
    const texts = this.#texts(value, path, 'a Topic Filter or a list of them');
    if (texts.length > RULE_TOPICS_MAX) {
      this.#tell(path, `${pathText(path)} has ${texts.length} entries: ${RULE_TOPICS_MAX} at most are expected`);
      return [];
    }
    return texts.flatMap((text, index) => {
      try {
        return [readTemplate(text)];
      } catch (error) {
        // The sentence of the filter's own check, behind the value that it is about.
        const why = (error as Error).message.replace(/^Cannot .*?": /s, '');
        const at = Array.isArray(value) ? [...path, index] : path;
        this.#tell(at, `${pathText(at)} is ${shown(text)}: ${why}`);
        return [];
      }
    });
  }

  #subjects(value: unknown, path: RulePath): Subjects {
    const fields = this.#fields(value, path, ['users', 'groups', 'clientIds', 'anonymous']);
    if (fields === undefined) return {};
    if (Object.keys(fields).length === 0) this.#report(path, value, 'one of users, groups, clientIds and anonymous');
    const { anonymous } = fields;
    if (anonymous !== undefined && typeof anonymous !== 'boolean')
      this.#report([...path, 'anonymous'], anonymous, 'true or false');
    const set = (name: string): ReadonlySet<string> | undefined =>
      fields[name] === undefined ? undefined : new Set(this.#texts(fields[name], [...path, name]));
    return {
      users: set('users'),
      groups: set('groups'),
      clientIds: set('clientIds'),
      anonymous: anonymous as boolean | undefined,
    };
  }

  /** A text or a list of texts, at least one. */
  #texts(value: unknown, path: RulePath, expected = 'a text or a list of texts'): readonly string[] {
    const list: unknown[] = Array.isArray(value) ? value : [value];
    if (list.length === 0) this.#report(path, value, expected);
    return list.flatMap((each, index) => {
      if (typeof each === 'string' && each !== '') return [each];
      this.#report(Array.isArray(value) ? [...path, index] : path, each, expected);
      return [];
    });
  }

  /** The entries of a group, of which only the known ones may be there. */
  #fields(value: unknown, path: RulePath, known?: readonly string[]): Fields | undefined {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      this.#report(path, value, known === undefined ? 'a group' : `a group of ${known.join(', ')}`);
      return undefined;
    }
    for (const key of Object.keys(value))
      if (known !== undefined && !known.includes(key))
        this.#tell(
          [...path, key],
          `${pathText([...path, quoted(key).slice(1, -1)])} is unknown: ${known.join(', ')} are known here`,
        );
    return value as Fields;
  }

  #report(path: RulePath, value: unknown, expected: string): void {
    this.#tell(path, `${pathText(path)} is ${shown(value)}: ${expected} is expected`);
  }

  #tell(path: RulePath, problem: string): void {
    const line = this.#place.lineOf?.(path);
    this.#problems.push(line === undefined ? problem : `${line}: ${problem}`);
    if (this.#problems.length >= problemsMax)
      throw new RulesError([...this.#problems, `Stopped looking after ${problemsMax} problems`]);
  }
}

function pathText(path: RulePath): string {
  const text = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`)).join('');
  return text === '' ? 'the whole' : text.replace(/^\./, '');
}

function shown(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'empty';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'a group';
  return typeof value === 'string' ? quoted(value) : String(value);
}
