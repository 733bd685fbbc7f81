/** A rule of what clients may do, and how it is shown. */

import type { Principal } from '@dunlin/broker';
import type { QoS } from '@dunlin/protocol';
import { quoted } from '@dunlin/protocol';
import type { TopicTemplate } from './topic-template.ts';

/** `subscribe` stands for receiving as well. A rule for `publish` is one for wills too; `will` is for wills alone. */
export type RuleAction = 'publish' | 'subscribe' | 'will';
export const RULE_ACTIONS: readonly RuleAction[] = ['publish', 'subscribe', 'will'];

/** Who is meant: one entry of every list that is given has to fit. */
export interface Subjects {
  readonly users?: ReadonlySet<string>;
  readonly groups?: ReadonlySet<string>;
  readonly clientIds?: ReadonlySet<string>;
  /** True: those without a user name; false: those with one. */
  readonly anonymous?: boolean;
}

/** A rule that was checked. */
export interface Rule {
  /** Where it stands, such as `rules[3] (rules.yaml:12)` or `acl:7`. */
  readonly place: string;
  readonly effect: 'allow' | 'deny';
  readonly actions: readonly RuleAction[];
  readonly topics: readonly TopicTemplate[];
  /** All of these have to fit; none: everybody. */
  readonly subjects: readonly Subjects[];
  /** Who fits one of these is not meant after all. */
  readonly except: readonly Subjects[];
  /** Highest QoS that an allowing rule allows. */
  readonly qosMax: QoS;
  /** Whether an allowing rule allows RETAIN. */
  readonly retain: boolean;
  /** Rules of tier 1 (the patterns of Mosquitto) are asked only where no rule of tier 0 says anything. */
  readonly tier: 0 | 1;
  /** Applies only to clients whose user name and Client Identifier can both be pasted, whether it pastes them or not. */
  readonly needsPlainNames: boolean;
}

/** Whether a rule speaks of a client. */
export function appliesTo({ subjects, except }: Rule, clientId: string, principal: Principal): boolean {
  for (const each of subjects) if (!fits(each, clientId, principal)) return false;
  return !except.some((each) => fits(each, clientId, principal));
}

function fits(subjects: Subjects, clientId: string, { username, groups }: Principal): boolean {
  if (subjects.users !== undefined && (username === undefined || !subjects.users.has(username))) return false;
  if (subjects.clientIds !== undefined && !subjects.clientIds.has(clientId)) return false;
  if (subjects.anonymous !== undefined && subjects.anonymous !== (username === undefined)) return false;
  return subjects.groups === undefined || groups.some((group) => subjects.groups?.has(group));
}

const topicsShownMax = 5;
const namesShownMax = 5;

/** A rule in one line, without its place: `allow publish to "a/#" for users ada`. */
export function ruleText(rule: Rule): string {
  const topics = listed(
    rule.topics.map(({ text }) => quoted(text)),
    topicsShownMax,
  );
  const subjects = rule.subjects.map(subjectsText).filter((text) => text !== '');
  return [
    `${rule.effect} ${rule.actions.join(', ')} ${rule.effect === 'allow' ? 'to' : 'of'} ${topics}`,
    ...limitTexts(rule),
    ...(subjects.length === 0 ? [] : [`for ${subjects.join(' and ')}`]),
    ...(rule.except.length === 0 ? [] : [`except ${rule.except.map(subjectsText).join(' or ')}`]),
  ].join(' ');
}

/** What an allowing rule does not allow. */
export function limitTexts({ qosMax, retain }: Rule): string[] {
  return [...(qosMax < 2 ? [`with QoS ${qosMax} at most`] : []), ...(retain ? [] : ['not retained'])];
}

function subjectsText({ users, groups, clientIds, anonymous }: Subjects): string {
  const parts: string[] = [];
  if (users !== undefined) parts.push(`users ${listed([...users], namesShownMax)}`);
  if (groups !== undefined) parts.push(`groups ${listed([...groups], namesShownMax)}`);
  if (clientIds !== undefined) parts.push(`client ids ${listed([...clientIds], namesShownMax)}`);
  if (anonymous !== undefined) parts.push(anonymous ? 'anonymous clients' : 'clients with a user name');
  return parts.join(' and ');
}

function listed(names: readonly string[], most: number): string {
  const rest = names.length - most;
  return rest <= 0 ? names.join(', ') : `${names.slice(0, most).join(', ')} and ${rest} more`;
}
