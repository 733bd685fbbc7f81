/** Checks of what outlives a connection: sessions, wills, identifiers; and of Keep Alive, which ends one. */

import { type Check, no, type Outcome, unclear, YES } from './check.ts';
import type { Attempt } from './visit.ts';

const SESSION_S = 1;
/** Behind the end of `SESSION_S`, with the time in which a server may look. */
const SESSION_OVER_MS = 3500;
const WILL_DELAY_S = 2;
/** A will that comes sooner was not delayed, whatever the clocks round. */
const WILL_DELAYED_MS = 1000;
const KEEP_ALIVE_S = 1;
/** Left for the rest of a check. */
const RESERVE_MS = 500;

async function findResumption(attempt: Attempt): Promise<Outcome> {
  const topic = attempt.topic('session');
  const lasting = attempt.lasting(attempt.newClientId());
  const { conversation: before } = await attempt.connect(lasting);
  await before.subscribe(topic);
  await before.leave();
  const { conversation: publisher } = await attempt.connect();
  await publisher.publish(topic, 'missed', { qos: attempt.qos });
  const { conversation, connack } = await attempt.connect({ ...lasting, cleanStart: false });
  const messages = await conversation.messages();
  if (attempt.version !== 3 && !connack.sessionPresent) return no('it was gone');
  if (attempt.qos === 0) return YES;
  if (messages.length === 1) return { tried: true, note: 'with the QoS 1 message that came while the client was away' };
  return no(`it was there, with ${messages.length} of 1 messages that came while the client was away`);
}

async function findSessionEnd(attempt: Attempt): Promise<Outcome> {
  const clientId = attempt.newClientId();
  const { conversation: before } = await attempt.connect({
    ...attempt.lasting(clientId),
    properties: { sessionExpiryInterval: SESSION_S },
  });
  await before.leave();
  await before.pause(SESSION_OVER_MS);
  const { connack } = await attempt.connect({ clientId, cleanStart: false });
  if (!connack.sessionPresent) return YES;
  return no(`a session of ${SESSION_S} s was there after ${SESSION_OVER_MS / 1000} s`);
}

/** Settles with the milliseconds from the loss of a client to its will. */
async function willAfterMs(attempt: Attempt, name: string, willDelayInterval?: number): Promise<number> {
  const topic = attempt.topic(name);
  const { conversation: watcher } = await attempt.connect();
  await watcher.subscribe(topic);
  const properties = willDelayInterval === undefined ? {} : { willDelayInterval };
  const will = { topic, payload: Buffer.from('lost'), qos: attempt.qos, retain: false, properties };
  // A delayed will does not wait longer than the session.
  const connecting = willDelayInterval === undefined ? {} : attempt.lasting(attempt.newClientId());
  const { conversation: lost } = await attempt.connect({ ...connecting, will });
  const cutMs = performance.now();
  lost.cut();
  await watcher.message('waiting for the will');
  return performance.now() - cutMs;
}

async function findWillDelay(attempt: Attempt): Promise<Outcome> {
  const ms = await willAfterMs(attempt, 'will-delay', WILL_DELAY_S);
  const note = `asked for ${WILL_DELAY_S} s, it came after ${seconds(ms)}`;
  return { tried: ms >= WILL_DELAYED_MS, note };
}

async function findKeepAlive(attempt: Attempt): Promise<Outcome> {
  const { conversation, connack } = await attempt.connect({ keepAlive: KEEP_ALIVE_S });
  const { serverKeepAlive } = connack.properties;
  const startMs = performance.now();
  const isEnded = await conversation.endedWithin(attempt.visit.timeoutMs - RESERVE_MS);
  const passed = seconds(performance.now() - startMs);
  if (isEnded) return { tried: true, note: `a silent client with ${KEEP_ALIVE_S} s was closed after ${passed}` };
  return serverKeepAlive === undefined
    ? no(`a silent client with ${KEEP_ALIVE_S} s was there after ${passed}`)
    : unclear(`the server asks for ${serverKeepAlive} s, longer than this check`);
}

async function findAssignedId(attempt: Attempt): Promise<Outcome> {
  const { connack } = await attempt.connect({ clientId: '' });
  const { assignedClientIdentifier } = connack.properties;
  return assignedClientIdentifier === undefined
    ? no('accepted without telling one')
    : { tried: true, note: assignedClientIdentifier };
}

async function findEmptyId(attempt: Attempt): Promise<Outcome> {
  await attempt.connect({ version: 4, clientId: '' });
  const kept = await attempt.connect({ version: 4, clientId: '', cleanStart: false }).catch(() => undefined);
  return kept === undefined ? YES : { tried: true, note: 'also with Clean Session 0, which [MQTT-3.1.3-8] forbids' };
}

/** Such as `1.6 s`. */
function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

/** The checks, in their order. */
export const SESSION_CHECKS: readonly Check[] = [
  { id: 'session', what: 'session goes on', find: findResumption },
  {
    id: 'session-expiry',
    what: 'Session Expiry Interval',
    needs5: true,
    stated: ({ sessionExpiryInterval }) => sessionExpiryInterval,
    find: findSessionEnd,
  },
  {
    id: 'will',
    what: 'will',
    find: async (attempt) => {
      await willAfterMs(attempt, 'will');
      return YES;
    },
  },
  { id: 'will-delay', what: 'Will Delay Interval', needs5: true, find: findWillDelay },
  {
    id: 'keep-alive',
    what: 'Keep Alive is enforced',
    stated: ({ serverKeepAlive }) => serverKeepAlive,
    find: findKeepAlive,
  },
  { id: 'assigned-client-id', what: 'assigns a Client Identifier', needs5: true, find: findAssignedId },
  { id: 'empty-client-id', what: 'empty Identifier (MQTT 3.1.1)', find: findEmptyId },
];
