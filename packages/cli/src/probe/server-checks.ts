/** Checks of the server itself: what it says of itself, why it refuses, how clients may prove who they are. */

import { randomBytes } from 'node:crypto';
import { describeReason } from '@dunlin/client';
import type { ClientPacket, ConnackPacket, PublishPacket } from '@dunlin/protocol';
import { type Check, no, type Outcome, unclear } from './check.ts';
import type { Attempt } from './visit.ts';

const TOPIC_ALIAS_LIMIT = 65_535;
const SYS_WAIT_MS = 1000;
const AUTHENTICATION_METHOD = 'SCRAM-SHA-256';

async function findSys(attempt: Attempt): Promise<Outcome> {
  const { conversation } = await attempt.connect();
  await conversation.subscribe('$SYS/#', { qos: 0 });
  await conversation.pause(SYS_WAIT_MS);
  const messages = await conversation.messages();
  if (messages.length === 0) return no('nothing came');
  const version = messages.find(({ topic }) => topic.endsWith('/version'));
  return { tried: true, note: version === undefined ? `${messages.length} topics` : textOf(version) };
}

function textOf({ payload }: PublishPacket): string {
  return Buffer.from(payload).toString();
}

/** Mistakes that end the connection: a Topic Alias above the maximum [MQTT-3.2.2-17], a second CONNECT [MQTT-3.1.0-2]. */
async function findReasons(attempt: Attempt): Promise<Outcome> {
  const { topicAliasMaximum = 0 } = attempt.connack.properties;
  const mistakes: ClientPacket[] = [attempt.connectPacket(attempt.version, {})];
  if (topicAliasMaximum < TOPIC_ALIAS_LIMIT) mistakes.unshift(aliased(attempt.topic('alias'), topicAliasMaximum + 1));
  for (const mistake of mistakes) {
    const { conversation } = await attempt.connect();
    conversation.send(mistake);
    await conversation.endedWithin(attempt.visit.timeoutMs / mistakes.length);
    const { disconnect } = conversation;
    if (disconnect === undefined) continue;
    const { reasonString } = disconnect.properties;
    const words = reasonString === undefined ? 'no Reason String' : `Reason String: ${reasonString}`;
    return { tried: true, note: `${describeReason(disconnect.reasonCode, disconnect)}; ${words}` };
  }
  return no('it closes without DISCONNECT');
}

function aliased(topic: string, topicAlias: number): PublishPacket {
  const payload = new Uint8Array(0);
  return {
    type: 'publish',
    dup: false,
    qos: 0,
    retain: false,
    topic,
    packetId: 0,
    properties: { topicAlias },
    payload,
  };
}

async function findResponseInformation(attempt: Attempt): Promise<Outcome> {
  const { connack } = await attempt.connect({ properties: { requestResponseInformation: 1 } });
  const { responseInformation } = connack.properties;
  return responseInformation === undefined
    ? no('not given when asked for')
    : { tried: true, note: responseInformation };
}

async function findAuthentication(attempt: Attempt): Promise<Outcome> {
  const conversation = await attempt.open();
  const user = (attempt.visit.username ?? 'probe').replace(/[=,]/g, (sign) => (sign === '=' ? '=3D' : '=2C'));
  const authenticationData = Buffer.from(`n,,n=${user},r=${randomBytes(18).toString('base64')}`);
  const properties = { authenticationMethod: AUTHENTICATION_METHOD, authenticationData };
  conversation.send(attempt.connectPacket(attempt.version, { properties }));
  const answer = await Promise.race([
    conversation.packet('connack', 'CONNECT'),
    conversation.packet('auth', 'CONNECT').catch(() => new Promise<never>(() => {})),
  ]);
  if (answer.type === 'auth') return { tried: true, note: AUTHENTICATION_METHOD };
  return refusedMethod(answer);
}

function refusedMethod(connack: ConnackPacket): Outcome {
  const note = `${AUTHENTICATION_METHOD}: ${describeReason(connack.reasonCode, connack)}`;
  if (connack.reasonCode === 0) return no(`${AUTHENTICATION_METHOD}: accepted without asking`);
  return connack.reasonCode === 0x8c ? no(note) : unclear(note);
}

/** The checks, in their order. */
export const SERVER_CHECKS: readonly Check[] = [
  { id: 'sys', what: '$SYS topics', find: findSys },
  { id: 'disconnect-reasons', what: 'says why it disconnects', needs5: true, find: findReasons },
  {
    id: 'response-information',
    what: 'Response Information',
    needs5: true,
    find: findResponseInformation,
  },
  { id: 'enhanced-authentication', what: 'enhanced authentication', needs5: true, find: findAuthentication },
];
