/** An Authorizer whose rules are replaced while the broker works. */
import type { Authorizer, Permissions, Principal } from '@dunlin/broker';
import { type Rule, ruleText } from './rule.ts';
import { type CompileOptions, compileRules, type RuleAuthorizer } from './rule-authorizer.ts';

/** What a replacement changed. */
export interface RulesChange {
  /** Rules that are new, each with its place. A rule that only moved is neither new nor gone. */
  readonly added: readonly string[];
  /** Rules that are gone, each with the place it had. */
  readonly removed: readonly string[];
  readonly unchanged: number;
  /** Whether there were rules at all before, and are now: without any, everything is allowed. */
  readonly hadRules: boolean;
  readonly hasRules: boolean;
}

/** Rules beside the options that they are compiled with. */
export interface RuleSet extends CompileOptions {
  /** Undefined: everything is allowed. */
  readonly rules: readonly Rule[] | undefined;
}

export interface ReplaceableAuthorizer extends Authorizer {
  /** What is in force. */
  readonly current: RuleAuthorizer;
  /**
   * Puts other rules in force. Permissions that were given before stay as they are: `Broker.reviewPermissions` has them
   * asked for again. Where this throws, nothing has changed.
   */
  replace(set: RuleSet): RulesChange;
}

export function replaceableAuthorizer(set: RuleSet): ReplaceableAuthorizer {
  return new Replaceable(set);
}

class Replaceable implements ReplaceableAuthorizer {
  current: RuleAuthorizer;

  constructor({ rules, ...options }: RuleSet) {
    this.current = compileRules(rules, options);
  }

  permissions(clientId: string, principal: Principal): Permissions | undefined {
    return this.current.permissions(clientId, principal);
  }

  replace({ rules, ...options }: RuleSet): RulesChange {
    const next = compileRules(rules, options);
    const change = changeOf(this.current.rules, rules);
    this.current = next;
    return change;
  }
}

/** Compares by what rules say, not by where they stand. */
function changeOf(before: readonly Rule[] | undefined, after: readonly Rule[] | undefined): RulesChange {
  const gone = new Map<string, Rule[]>();
  for (const rule of before ?? []) {
    const same = gone.get(meaningOf(rule));
    if (same === undefined) gone.set(meaningOf(rule), [rule]);
    else same.push(rule);
  }
  const added = (after ?? []).filter((rule) => gone.get(meaningOf(rule))?.pop() === undefined);
  const shown = (rule: Rule): string => `${rule.place}: ${ruleText(rule)}`;
  return {
    added: added.map(shown),
    removed: [...gone.values()].flat().map(shown),
    unchanged: (after ?? []).length - added.length,
    hadRules: before !== undefined,
    hasRules: after !== undefined,
  };
}

/** The whole of a rule but its place; `ruleText` leaves out what is too long to read. */
function meaningOf({ place: _, topics, ...rule }: Rule): string {
  const plain = (_key: string, value: unknown): unknown => (value instanceof Set ? [...value] : value);
  return JSON.stringify({ ...rule, topics: topics.map(({ pieces }) => pieces) }, plain);
}
