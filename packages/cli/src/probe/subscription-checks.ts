/** Checks of subscriptions: wildcards, shared ones, identifiers and the options of MQTT 5.0. */

import { type Check, no, type Outcome, unclear, YES } from './check.ts';
import type { Attempt } from './visit.ts';

const SHARED_MESSAGES = 20;
const IDENTIFIER = 4711;

async function findPlus(attempt: Attempt): Promise<Outcome> {
  const { conversation } = await attempt.connect();
  await conversation.subscribe(attempt.topic('plus/+/end'));
  await conversation.publish(attempt.topic('plus/one/two/end'), 'no', { qos: attempt.qos });
  await conversation.publish(attempt.topic('plus/one/end'), 'yes', { qos: attempt.qos });
  const messages = await conversation.messages();
  if (messages.length === 0) return no('it is taken as a name, not as a wildcard');
  return messages.length === 1 ? YES : no('it takes more than one level');
}

async function findHash(attempt: Attempt): Promise<Outcome> {
  const { conversation } = await attempt.connect();
  await conversation.subscribe(attempt.topic('hash/#'));
  for (const name of ['hash', 'hash/a', 'hash/a/b']) {
    await conversation.publish(attempt.topic(name), name, { qos: attempt.qos });
  }
  const topics = (await conversation.messages()).map(({ topic }) => topic);
  if (!topics.includes(attempt.topic('hash/a/b'))) return no('it is taken as a name, not as a wildcard');
  return topics.length === 3 ? YES : no('it leaves out the level above');
}

async function findShared(attempt: Attempt): Promise<Outcome> {
  const topic = attempt.topic('shared');
  const members = [(await attempt.connect()).conversation, (await attempt.connect()).conversation];
  for (const member of members) await member.subscribe(`$share/probe/${topic}`);
  const { conversation: publisher } = await attempt.connect();
  for (let sent = 0; sent < SHARED_MESSAGES; sent++) {
    await publisher.publish(topic, String(sent), { qos: attempt.qos });
  }
  const [first, second] = (await Promise.all(members.map((member) => member.messages()))).map(({ length }) => length);
  const parts = `${SHARED_MESSAGES} messages, ${first} and ${second} to two members`;
  if (first + second === SHARED_MESSAGES) return { tried: true, note: parts };
  if (first + second === 0) return no('$share is taken as the name of a topic: nothing came');
  return no(`not shared: ${parts}`);
}

async function findIdentifiers(attempt: Attempt): Promise<Outcome> {
  const { conversation } = await attempt.connect();
  const topic = attempt.topic('identified');
  await conversation.subscribe(topic, {}, { subscriptionIdentifiers: [IDENTIFIER] });
  await conversation.publish(topic, 'x', { qos: attempt.qos });
  const { properties } = await conversation.message();
  return properties.subscriptionIdentifiers?.includes(IDENTIFIER) ? YES : no('messages come without');
}

async function findNoLocal(attempt: Attempt): Promise<Outcome> {
  const { conversation } = await attempt.connect();
  const { conversation: other } = await attempt.connect();
  const topic = attempt.topic('local');
  await conversation.subscribe(topic, { noLocal: true });
  await conversation.publish(topic, 'own', { qos: attempt.qos });
  await other.publish(topic, 'other', { qos: attempt.qos });
  const payloads = (await conversation.messages()).map(({ payload }) => String(Buffer.from(payload)));
  if (payloads.includes('own')) return no('the own message came back');
  return payloads.includes('other') ? YES : unclear('the message of another client did not come either');
}

async function findRetainAsPublished(attempt: Attempt): Promise<Outcome> {
  const { conversation } = await attempt.connect();
  const topic = attempt.topic('as-published');
  await conversation.subscribe(topic, { retainAsPublished: true });
  attempt.retains(topic);
  await conversation.publish(topic, 'x', { qos: attempt.qos, retain: true });
  return (await conversation.message()).retain ? YES : no('RETAIN is cleared all the same');
}

async function findRetainHandling(attempt: Attempt): Promise<Outcome> {
  const { conversation } = await attempt.connect();
  const topic = attempt.topic('handling');
  attempt.retains(topic);
  await conversation.publish(topic, 'x', { qos: attempt.qos, retain: true });
  const counts: number[] = [];
  // 2: never. 1: only with the subscription that was new. 0: always. The first subscription is that of 2.
  for (const retainHandling of [2, 1, 0] as const) {
    await conversation.subscribe(topic, { retainHandling });
    counts.push((await conversation.messages()).length);
  }
  const { conversation: later } = await attempt.connect();
  await later.subscribe(topic, { retainHandling: 1 });
  counts.push((await later.messages()).length);
  const names = ['2 sends it', '1 sends it again', '0 does not send it again', '1 does not send it at first'];
  const wrong = names.filter((_, at) => counts[at] > 0 !== at > 1);
  return wrong.length === 0 ? YES : no(wrong.join(', '));
}

/** The checks, in their order. */
export const SUBSCRIPTION_CHECKS: readonly Check[] = [
  {
    id: 'wildcard-plus',
    what: 'wildcard +',
    stated: ({ wildcardSubscriptionAvailable }) => wildcardSubscriptionAvailable !== 0,
    find: findPlus,
  },
  {
    id: 'wildcard-hash',
    what: 'wildcard #',
    stated: ({ wildcardSubscriptionAvailable }) => wildcardSubscriptionAvailable !== 0,
    find: findHash,
  },
  {
    id: 'shared-subscriptions',
    what: 'shared subscriptions',
    stated: ({ sharedSubscriptionAvailable }) => sharedSubscriptionAvailable !== 0,
    find: findShared,
  },
  {
    id: 'subscription-identifiers',
    what: 'Subscription Identifiers',
    needs5: true,
    stated: ({ subscriptionIdentifierAvailable }) => subscriptionIdentifierAvailable !== 0,
    find: findIdentifiers,
  },
  { id: 'no-local', what: 'No Local', needs5: true, find: findNoLocal },
  { id: 'retain-as-published', what: 'Retain As Published', needs5: true, find: findRetainAsPublished },
  { id: 'retain-handling', what: 'Retain Handling', needs5: true, find: findRetainHandling },
];
