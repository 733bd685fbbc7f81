/** Finds the rules that speak of a client without looking at all of them: files with a section for each device are long. */
import type { Principal } from '@dunlin/broker';
import { isWithinLevel } from './pasteable.ts';
import { appliesTo, type Rule } from './rule.ts';
import { hasVariables } from './topic-template.ts';

export class RuleIndex {
  readonly #rules: readonly Rule[];
  /** Numbers of rules under each name of one of their lists; a rule stands in one of the four. */
  readonly #byUser = new Map<string, number[]>();
  readonly #byClientId = new Map<string, number[]>();
  readonly #byGroup = new Map<string, number[]>();
  readonly #others: number[] = [];

  constructor(rules: readonly Rule[]) {
    this.#rules = rules;
    for (const [number, rule] of rules.entries()) this.#add(number, rule);
  }

  /**
   * Numbers of the rules that apply to a client, in their order. A rule for everybody is among them only where it has
   * variables.
   */
  find(clientId: string, principal: Principal): number[] {
    const found = new Set(this.#others);
    if (principal.username !== undefined) addAll(found, this.#byUser.get(principal.username));
    addAll(found, this.#byClientId.get(clientId));
    for (const group of principal.groups) addAll(found, this.#byGroup.get(group));
    const hasPlainNames =
      isWithinLevel(clientId) && (principal.username === undefined || isWithinLevel(principal.username));
    return [...found]
      .filter((number) => {
        const rule = this.#rules[number];
        return (hasPlainNames || !rule.needsPlainNames) && appliesTo(rule, clientId, principal);
      })
      .sort((one, other) => one - other);
  }

  #add(number: number, rule: Rule): void {
    if (isForEverybody(rule) && !rule.topics.some(hasVariables)) return;
    const lists = rule.subjects;
    const users = lists.find((subjects) => subjects.users !== undefined)?.users;
    const clientIds = lists.find((subjects) => subjects.clientIds !== undefined)?.clientIds;
    const groups = lists.find((subjects) => subjects.groups !== undefined)?.groups;
    if (users !== undefined) addUnder(this.#byUser, users, number);
    else if (clientIds !== undefined) addUnder(this.#byClientId, clientIds, number);
    else if (groups !== undefined) addUnder(this.#byGroup, groups, number);
    else this.#others.push(number);
  }
}

/** Whether a rule applies to every client there is. */
export function isForEverybody({ subjects, except, needsPlainNames }: Rule): boolean {
  return subjects.length === 0 && except.length === 0 && !needsPlainNames;
}

function addUnder(map: Map<string, number[]>, names: ReadonlySet<string>, number: number): void {
  for (const name of names) {
    const numbers = map.get(name);
    if (numbers === undefined) map.set(name, [number]);
    else numbers.push(number);
  }
}

function addAll(found: Set<number>, numbers: readonly number[] | undefined): void {
  for (const number of numbers ?? []) found.add(number);
}
