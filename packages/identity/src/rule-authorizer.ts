/**
 * The Authorizer made of rules. What a client may do is put together once, when it connects, from up to three layers of
 * filters: those for everybody, those for all to whom the same rules apply, and those with its own values or of its own
 * credential. The first two are shared, so that thousands of like clients cost the memory of one.
 */
import type { Authorizer, Permissions, Principal } from '@dunlin/broker';
import type { Rule } from './rule.ts';
import { isForEverybody, RuleIndex } from './rule-index.ts';
import { readRuleList } from './rule-input.ts';
import { type Entry, filledEntries, fixedEntries, RuleLayer, type Skipped, skippedText } from './rule-layer.ts';
import { type BroaderFilter, RulePermissions } from './rule-permissions.ts';
import type { Client } from './topic-template.ts';

/** A rule that does not apply to a client as it was meant, because of a value that cannot be put into a filter. */
export interface SkippedRule {
  /** Of the rule. */
  readonly place: string;
  readonly variable: string;
  /** Who was the first with such a value. */
  readonly clientId: string;
}

export interface CompileOptions {
  /** What becomes of a subscription that is wider than what is allowed. Default `deny`. */
  readonly broaderFilter?: BroaderFilter;
  /** Told once for each rule and variable, for at most 1000 of them. */
  readonly onSkippedRule?: (skipped: SkippedRule) => void;
}

/** The form of rules in `Principal.claims`; they count for the session of that credential alone. */
export interface RuleClaims {
  readonly rules: readonly {
    readonly action: 'allow' | 'deny';
    readonly to: readonly ('publish' | 'subscribe' | 'will')[];
    readonly topics: readonly string[];
    /** Of an allowing rule. Default 2. */
    readonly qosMax?: 0 | 1 | 2;
    /** Of an allowing rule. Default true. */
    readonly retain?: boolean;
  }[];
}

export interface RuleAuthorizer extends Authorizer {
  /** Undefined where there are none: then only credentials that carry rules are limited. */
  readonly rules: readonly Rule[] | undefined;
}

/** Sets of rules whose permissions are kept for the next client of the kind. */
const sharedSetsMax = 1_000;
/** Many clients say many topics, one client few. */
const sharedTopicsCachedMax = 1_024;
const ownTopicsCachedMax = 64;
const toldMax = 1_000;
/** Rules that one credential may carry. */
export const CLAIM_RULES_MAX = 100;

/**
 * Makes an Authorizer. With rules, what none of them allows is denied; without (`undefined`) everything is allowed, save
 * to credentials that carry rules themselves. Rules of a credential are added to the others: what either allows is
 * allowed, unless either denies it.
 */
export function compileRules(rules: readonly Rule[] | undefined, options: CompileOptions = {}): RuleAuthorizer {
  return new CompiledRules(rules, options);
}

/** The part of several clients' permissions that is the same. */
interface SharedSet {
  readonly layers: readonly RuleLayer[];
  readonly permissions: RulePermissions;
}

class CompiledRules implements RuleAuthorizer {
  readonly rules: readonly Rule[] | undefined;
  readonly #broaderFilter: BroaderFilter;
  readonly #onSkippedRule: CompileOptions['onSkippedRule'];
  readonly #index: RuleIndex;
  readonly #everybody: RuleLayer;
  /** By the numbers of the rules in it. */
  readonly #shared = new Map<string, SharedSet>();
  readonly #told = new Set<string>();

  constructor(rules: readonly Rule[] | undefined, { broaderFilter = 'deny', onSkippedRule }: CompileOptions) {
    this.rules = rules;
    this.#broaderFilter = broaderFilter;
    this.#onSkippedRule = onSkippedRule;
    this.#index = new RuleIndex(rules ?? []);
    this.#everybody = new RuleLayer((rules ?? []).filter(isForEverybody).flatMap(fixedEntries));
  }

  permissions(clientId: string, principal: Principal): Permissions | undefined {
    const claimed = claimedRules(principal.claims);
    if (typeof claimed === 'string') return this.#permissions([], [claimed]);
    if (claimed === undefined && this.rules === undefined) return undefined;
    const rules = this.rules ?? [];
    const numbers = this.#index.find(clientId, principal);
    const shared = this.#sharedSet(numbers.filter((number) => !isForEverybody(rules[number])));
    const applying = [...numbers.map((number) => rules[number]), ...(claimed ?? [])];
    const { entries, notes } = this.#ownEntries(applying, { clientId, principal });
    const own = [...entries, ...(claimed ?? []).flatMap(fixedEntries)];
    if (own.length === 0 && notes.length === 0) return shared.permissions;
    return this.#permissions([...shared.layers, new RuleLayer(own)], notes);
  }

  #sharedSet(numbers: readonly number[]): SharedSet {
    const key = numbers.join();
    const known = this.#shared.get(key);
    if (known !== undefined) return known;
    const own = new RuleLayer(numbers.flatMap((number) => fixedEntries((this.rules as readonly Rule[])[number])));
    const layers = [this.#everybody, own].filter(({ entries }) => entries.length > 0);
    const made = { layers, permissions: this.#permissions(layers, [], sharedTopicsCachedMax) };
    if (this.#shared.size >= sharedSetsMax) this.#shared.clear();
    this.#shared.set(key, made);
    return made;
  }

  #ownEntries(rules: readonly Rule[], client: Client): { entries: Entry[]; notes: string[] } {
    const notes: string[] = [];
    const entries = rules.flatMap((rule) =>
      filledEntries(rule, client, (skipped) => {
        notes.push(skippedText(skipped));
        this.#tell(skipped, client.clientId);
      }),
    );
    return { entries, notes };
  }

  #permissions(layers: readonly RuleLayer[], notes: readonly string[], topicsCachedMax = ownTopicsCachedMax) {
    return new RulePermissions({ layers, notes, topicsCachedMax, broaderFilter: this.#broaderFilter });
  }

  #tell({ rule, variable, value }: Skipped, clientId: string): void {
    // A client that lacks a value is nothing strange, one with a value like "a/#" is.
    if (value === undefined || this.#onSkippedRule === undefined) return;
    const key = `${rule.place} ${variable}`;
    if (this.#told.has(key) || this.#told.size >= toldMax) return;
    this.#told.add(key);
    this.#onSkippedRule({ place: rule.place, variable, clientId });
  }
}

/** The rules of a credential, or why they cannot be read: then nothing is allowed, since one of them may have denied. */
function claimedRules(claims: unknown): readonly Rule[] | string | undefined {
  if (claims === undefined || claims === null) return undefined;
  const given = (claims as Partial<RuleClaims>).rules;
  if (given === undefined) return undefined;
  try {
    if (!Array.isArray(given) || given.length > CLAIM_RULES_MAX)
      return `the rules of the credential are no list of ${CLAIM_RULES_MAX} at most`;
    return readRuleList(given.map(asRuleInput), 'claims.rules');
  } catch (error) {
    return `the rules of the credential cannot be read: ${(error as Error).message.split('\n', 1)[0]}`;
  }
}

/** `{ action: allow, to: […], … }` as `{ allow: […], … }`. */
function asRuleInput(claim: unknown): unknown {
  if (typeof claim !== 'object' || claim === null) return claim;
  const { action, to, ...rest } = claim as Record<string, unknown>;
  if (action !== 'allow' && action !== 'deny') throw new Error('its action is neither "allow" nor "deny"');
  return { [action]: to, ...rest };
}
