/** Checks of what the server does with messages: QoS, retained messages, Topic Aliases, expiry. */

import type { QoS } from '@dunlin/protocol';
import { type Check, no, type Outcome, unclear, YES } from './check.ts';
import type { Attempt } from './visit.ts';

const EXPIRES_S = 1;
const STAYS_S = 30;
/** Behind the end of `EXPIRES_S`, with a second in which a server may look. */
const EXPIRED_MS = 2200;
const ALIASES = 10;

function qosCheck(qos: QoS): Check {
  return {
    id: `qos-${qos}`,
    what: `QoS ${qos}`,
    stated: ({ maximumQoS = 2 }) => qos <= maximumQoS,
    find: async (attempt) => {
      const { conversation } = await attempt.connect();
      const topic = attempt.topic(`qos/${qos}`);
      const granted = await conversation.subscribe(topic, { qos });
      await conversation.publish(topic, 'x', { qos });
      const message = await conversation.message();
      if (message.qos === qos) return YES;
      return no(granted === qos ? `it came with QoS ${message.qos}` : `QoS ${granted} was granted`);
    },
  };
}

async function findRetained(attempt: Attempt): Promise<Outcome> {
  const { qos } = attempt;
  const topic = attempt.topic('retained');
  const { conversation: publisher } = await attempt.connect();
  attempt.retains(topic);
  await publisher.publish(topic, 'kept', { qos, retain: true });
  if (qos === 0) await publisher.ping();
  const [kept] = await newcomer(attempt, topic);
  if (kept === undefined) return no('what was retained did not come to a later subscription');
  if (!kept.retain) return no('it came without RETAIN');
  await publisher.publish(topic, '', { qos, retain: true });
  if (qos === 0) await publisher.ping();
  const [left] = await newcomer(attempt, topic);
  return left === undefined ? { tried: true, note: 'set, read and cleared' } : no('an empty message did not clear it');
}

async function newcomer(attempt: Attempt, filter: string) {
  const { conversation } = await attempt.connect();
  await conversation.subscribe(filter);
  const messages = await conversation.messages();
  await conversation.leave();
  return messages;
}

async function findAliasToServer(attempt: Attempt): Promise<Outcome> {
  const { conversation } = await attempt.connect();
  const topic = attempt.topic('alias');
  await conversation.subscribe(topic);
  const properties = { topicAlias: 1 };
  await conversation.publish(topic, '1', { qos: attempt.qos, properties });
  await conversation.publish('', '2', { qos: attempt.qos, properties });
  const messages = [await conversation.message(), await conversation.message()];
  return messages.every((message) => message.topic === topic) ? YES : no('the alias led to another topic');
}

async function findAliasFromServer(attempt: Attempt): Promise<Outcome> {
  const { conversation } = await attempt.connect({ properties: { topicAliasMaximum: ALIASES } });
  const topic = attempt.topic('alias');
  await conversation.subscribe(topic);
  for (const payload of ['1', '2', '3']) await conversation.publish(topic, payload, { qos: attempt.qos });
  const aliases: (number | undefined)[] = [];
  while (aliases.length < 3) aliases.push((await conversation.message()).properties.topicAlias);
  if (aliases.every((alias) => alias === undefined)) return no('it sends topics in full, which it may');
  return aliases.some((alias) => alias !== undefined && alias > ALIASES) ? no('it uses more than it was given') : YES;
}

async function findExpiry(attempt: Attempt): Promise<Outcome> {
  const topic = attempt.topic('expiry');
  const lasting = attempt.lasting(attempt.newClientId());
  const { conversation: before } = await attempt.connect(lasting);
  await before.subscribe(topic);
  await before.leave();
  const { conversation: publisher } = await attempt.connect();
  const expiring = (messageExpiryInterval: number) => ({ qos: attempt.qos, properties: { messageExpiryInterval } });
  await publisher.publish(topic, 'short', expiring(EXPIRES_S));
  await publisher.publish(topic, 'long', expiring(STAYS_S));
  await publisher.pause(EXPIRED_MS);
  const { conversation } = await attempt.connect({ ...lasting, cleanStart: false });
  const messages = await conversation.messages();
  const long = messages.find(({ payload }) => payload.length === 'long'.length);
  if (long === undefined) return unclear('the session did not keep the messages');
  if (messages.length > 1) return no(`a message of ${EXPIRES_S} s came ${EXPIRED_MS / 1000} s later`);
  const left = long.properties.messageExpiryInterval;
  return left !== undefined && left < STAYS_S
    ? { tried: true, note: `${STAYS_S} s were ${left} s when it came` }
    : { tried: true, note: `${left === undefined ? 'what is left is not told' : 'what is left is not counted down'}` };
}

/** The checks, in their order. */
export const MESSAGE_CHECKS: readonly Check[] = [
  qosCheck(0),
  qosCheck(1),
  qosCheck(2),
  {
    id: 'retained',
    what: 'retained messages',
    stated: ({ retainAvailable }) => retainAvailable !== 0,
    find: findRetained,
  },
  {
    id: 'topic-alias-to-server',
    what: 'Topic Aliases of clients',
    needs5: true,
    stated: ({ topicAliasMaximum = 0 }) => topicAliasMaximum,
    find: findAliasToServer,
  },
  { id: 'topic-alias-from-server', what: 'Topic Aliases of the server', needs5: true, find: findAliasFromServer },
  { id: 'message-expiry', what: 'Message Expiry Interval', needs5: true, find: findExpiry },
];
