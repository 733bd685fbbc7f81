/** Filters of rules, found by the topics they match: one part of what a client may do, which many clients may share. */
import { FilterTrie, type QoS, quoted } from '@dunlin/protocol';
import { filterLevels } from './filter-algebra.ts';
import type { Rule, RuleAction } from './rule.ts';
import { type Client, fillTemplate, hasVariables, type TopicTemplate } from './topic-template.ts';

/** What is asked of rules, as bits. */
export const ASKED = { publish: 1, subscribe: 2, will: 4 } as const satisfies Record<RuleAction, number>;

/** One filter of one rule, for one client or for many. */
export interface Entry {
  readonly rule: Rule;
  readonly filter: string;
  readonly levels: readonly string[];
  readonly isDeny: boolean;
  /** Bits of `ASKED`. */
  readonly asked: number;
  readonly tier: number;
  readonly qosMax: QoS;
  readonly retain: boolean;
}

/** A filter that a client's value could not be put into. */
export interface Skipped {
  readonly rule: Rule;
  readonly topic: TopicTemplate;
  readonly variable: string;
  /** Undefined: the client has none. */
  readonly value: string | undefined;
}

export class RuleLayer {
  readonly entries: readonly Entry[];
  readonly #trie = new FilterTrie<Entry>();

  constructor(entries: readonly Entry[]) {
    this.entries = entries;
    for (const entry of entries) this.#trie.add(entry.filter, entry);
  }

  /** Appends the entries whose filter matches a Topic Name. */
  collect(topic: string, into: Entry[]): void {
    this.#trie.collect(topic, into);
  }
}

/** The filters of a rule that are the same for everybody. */
export function fixedEntries(rule: Rule): Entry[] {
  return rule.topics.filter((topic) => !hasVariables(topic)).map(({ text }) => entryOf(rule, text));
}

/** The filters of a rule that depend on the client; those that cannot be filled in are handed to `skip`. */
export function filledEntries(rule: Rule, client: Client, skip: (skipped: Skipped) => void): Entry[] {
  return rule.topics.flatMap((topic) => {
    if (!hasVariables(topic)) return [];
    const filled = fillTemplate(topic, client, rule.effect);
    if ('filter' in filled) return [entryOf(rule, filled.filter)];
    const { variable, value, before } = filled;
    skip({ rule, topic, variable, value });
    // What was to be denied cannot be said exactly: then everything from that level on is. A client without the value
    // has nothing there that could be denied.
    if (rule.effect !== 'deny' || value === undefined) return [];
    return [entryOf(rule, `${before.slice(0, before.lastIndexOf('/') + 1)}#`)];
  });
}

/** Why a rule does not count for a client as it was meant. */
export function skippedText({ rule, topic, variable, value }: Skipped): string {
  const found = value === undefined ? 'the client has none' : `${quoted(value)} cannot be put into a filter`;
  return `${rule.place} does not count with ${quoted(topic.text)}: {${variable}} is needed, and ${found}`;
}

function entryOf(rule: Rule, filter: string): Entry {
  let asked = 0;
  for (const action of rule.actions) asked |= ASKED[action];
  if (asked & ASKED.publish) asked |= ASKED.will;
  const { tier, qosMax, retain } = rule;
  return { rule, filter, levels: filterLevels(filter), isDeny: rule.effect === 'deny', asked, tier, qosMax, retain };
}
