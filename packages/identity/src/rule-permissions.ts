/**
 * What one client may do, or all clients to whom the same rules apply.
 *
 * A rule that denies wins over every rule that allows, wherever the two stand; what no rule allows is denied. (Rules of
 * tier 1 are asked only where no rule of tier 0 speaks.) So the order of rules never matters, rules of several files,
 * roles and tokens can be put together, and a filter can be judged as a whole: it is granted where it lies wholly inside
 * an allowed filter and has no topic in common with a denied one.
 */
import type { Permissions, PermittedAction } from '@dunlin/broker';
import { type QoS, quoted, ReasonCode } from '@dunlin/protocol';
import { filterContains, filterLevels, filtersIntersect } from './filter-algebra.ts';
import { limitTexts, ruleText } from './rule.ts';
import { ASKED, type Entry, type RuleLayer } from './rule-layer.ts';

/** What becomes of a subscription that is wider than what is allowed: refused, or granted and checked at delivery. */
export type BroaderFilter = 'deny' | 'check';

export interface RulePermissionsOptions {
  readonly layers: readonly RuleLayer[];
  readonly broaderFilter: BroaderFilter;
  /** Topics whose decision is remembered, for publishing and for receiving each. */
  readonly topicsCachedMax: number;
  /** Why rules that were meant for the client do not count: shown where no rule allows something. */
  readonly notes: readonly string[];
}

const NO_TIER = 2;
/** Longer topics are decided anew each time: remembering them would let a client fill memory. */
const cachedCharactersMax = 256;
const notesShownMax = 3;

/** The highest QoS plus 1 that is allowed without RETAIN in two bits, and with RETAIN in the next two; 0 is denied. */
type Ceiling = number;

export class RulePermissions implements Permissions {
  readonly #layers: readonly RuleLayer[];
  readonly #broaderFilter: BroaderFilter;
  readonly #topicsCachedMax: number;
  readonly #notes: readonly string[];
  /** Made with the first decision: many clients only publish, or only subscribe. */
  #published: Map<string, Ceiling> | undefined = undefined;
  #received: Map<string, Ceiling> | undefined = undefined;

  constructor({ layers, broaderFilter, topicsCachedMax, notes }: RulePermissionsOptions) {
    this.#layers = layers;
    this.#broaderFilter = broaderFilter;
    this.#topicsCachedMax = topicsCachedMax;
    this.#notes = notes;
  }

  mayPublish(topic: string, qos: QoS, retain: boolean): number {
    this.#published ??= new Map();
    return isWithin(this.#cached(this.#published, topic, ASKED.publish), qos, retain)
      ? ReasonCode.success
      : ReasonCode.notAuthorized;
  }

  mayLeaveWill(topic: string, qos: QoS, retain: boolean): number {
    return isWithin(this.#ceiling(topic, ASKED.will), qos, retain) ? ReasonCode.success : ReasonCode.notAuthorized;
  }

  maySubscribe(filter: string, qos: QoS): number {
    const whole = this.#inside(filter);
    if (whole.length > 0) return Math.min(qos, Math.max(...whole.map((entry) => entry.qosMax)));
    if (this.#broaderFilter === 'deny') return ReasonCode.notAuthorized;
    const overlapping = this.#overlapping(filter);
    if (overlapping.length === 0) return ReasonCode.notAuthorized;
    // The lowest of them, so that no message leaves above what its own rule allows.
    return Math.min(qos, ...overlapping.map((entry) => entry.qosMax));
  }

  mayReceiveAll(filter: string): boolean {
    return this.#inside(filter).length > 0;
  }

  mayReceive(topic: string): boolean {
    this.#received ??= new Map();
    return this.#cached(this.#received, topic, ASKED.subscribe) !== 0;
  }

  explain(action: PermittedAction, name: string, qos: QoS, retain: boolean): string {
    if (action === 'subscribe') return this.#explainFilter(name);
    const asked = action === 'receive' ? ASKED.subscribe : ASKED[action];
    const found = this.#matching(name, asked);
    const denyTier = denyingTier(found);
    const allowing = found.filter((entry) => !entry.isDeny && entry.tier < denyTier);
    const wide = allowing.find((entry) => asked === ASKED.subscribe || allows(entry, qos, retain));
    if (wide !== undefined) return sentence(wide);
    const narrow = allowing[0];
    if (narrow !== undefined) return `${sentence(narrow)}: only ${limitTexts(narrow.rule).join(' and ')}`;
    const denying = found.find((entry) => entry.isDeny && entry.tier === denyTier);
    return denying === undefined ? this.#nothingAllows(action, name) : sentence(denying);
  }

  #explainFilter(filter: string): string {
    const whole = this.#inside(filter)[0];
    if (whole !== undefined) return sentence(whole);
    const levels = filterLevels(filter);
    const isChecked = this.#broaderFilter === 'check';
    const overlapping = this.#overlapping(filter)[0];
    const denying = this.#subscribing().find((entry) => entry.isDeny && filtersIntersect(entry.levels, levels));
    if (isChecked && overlapping !== undefined)
      return `${sentence(overlapping)}: ${quoted(filter)} is wider, each message is checked`;
    if (denying !== undefined) return sentence(denying);
    if (overlapping !== undefined) return `${sentence(overlapping)}: ${quoted(filter)} is wider`;
    return this.#nothingAllows('subscribe', filter);
  }

  #nothingAllows(action: PermittedAction, name: string): string {
    const why = this.#notes.slice(0, notesShownMax).map((note) => `; ${note}`);
    return `no rule allows ${action} ${action === 'subscribe' ? 'to' : 'of'} ${quoted(name)}${why.join('')}`;
  }

  #cached(cache: Map<string, Ceiling>, topic: string, asked: number): Ceiling {
    const known = cache.get(topic);
    if (known !== undefined) return known;
    const ceiling = this.#ceiling(topic, asked);
    if (topic.length > cachedCharactersMax) return ceiling;
    if (cache.size >= this.#topicsCachedMax) cache.clear();
    cache.set(topic, ceiling);
    return ceiling;
  }

  #ceiling(topic: string, asked: number): Ceiling {
    const found = this.#matching(topic, asked);
    const denyTier = denyingTier(found);
    let plain = 0;
    let retained = 0;
    for (const { isDeny, tier, qosMax, retain } of found) {
      if (isDeny || tier >= denyTier) continue;
      plain = Math.max(plain, qosMax + 1);
      if (retain) retained = Math.max(retained, qosMax + 1);
    }
    return plain | (retained << 2);
  }

  #matching(topic: string, asked: number): Entry[] {
    const found: Entry[] = [];
    for (const layer of this.#layers) layer.collect(topic, found);
    return found.every((entry) => entry.asked & asked) ? found : found.filter((entry) => entry.asked & asked);
  }

  #subscribing(): Entry[] {
    return this.#layers.flatMap(({ entries }) => entries.filter((entry) => entry.asked & ASKED.subscribe));
  }

  /** What allows all that a filter matches. */
  #inside(filter: string): Entry[] {
    const levels = filterLevels(filter);
    const entries = this.#subscribing();
    const denyTier = denyingTier(entries, (entry) => filtersIntersect(entry.levels, levels));
    return entries.filter((entry) => !entry.isDeny && entry.tier < denyTier && filterContains(entry.levels, levels));
  }

  /** What allows some of what a filter matches. */
  #overlapping(filter: string): Entry[] {
    const levels = filterLevels(filter);
    const entries = this.#subscribing();
    const denyTier = denyingTier(entries, (entry) => filterContains(entry.levels, levels));
    return entries.filter((entry) => !entry.isDeny && entry.tier < denyTier && filtersIntersect(entry.levels, levels));
  }
}

/** The first tier in which something denies; allowing rules below it count. */
function denyingTier(entries: readonly Entry[], fits?: (entry: Entry) => boolean): number {
  let lowest = NO_TIER;
  for (const entry of entries)
    if (entry.isDeny && entry.tier < lowest && (fits === undefined || fits(entry))) lowest = entry.tier;
  return lowest;
}

function isWithin(ceiling: Ceiling, qos: QoS, retain: boolean): boolean {
  return (retain ? ceiling >> 2 : ceiling & 3) > qos;
}

function allows({ qosMax, retain }: Entry, qos: QoS, isRetained: boolean): boolean {
  return qos <= qosMax && (retain || !isRetained);
}

function sentence({ rule, filter }: Entry): string {
  const isWritten = rule.topics.some(({ text }) => text === filter);
  return `${rule.place}: ${ruleText(rule)}${isWritten ? '' : `, here ${quoted(filter)}`}`;
}
