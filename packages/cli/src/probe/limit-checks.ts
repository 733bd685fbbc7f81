/** Checks of how much the server takes: payloads, topics, open messages. */

import { type Check, no, type Outcome, unclear, YES } from './check.ts';
import type { Conversation } from './conversation.ts';
import { type Largest, largest } from './largest.ts';
import { Obstacle } from './obstacle.ts';
import type { Attempt } from './visit.ts';

const TOPIC_BYTES_MAX = 65_535;
/** Reason Codes of what is too much, as the checks here try; others say that this client may not. */
const TOO_MUCH: ReadonlySet<number> = new Set([0x80, 0x81, 0x82, 0x83, 0x8f, 0x90, 0x95, 0x97]);
/** No more QoS 2 messages are opened. */
const OPEN_MAX = 100;
const CLIENT_RECEIVE_MAXIMUM = 2;
const MARK = 'mark';

/** Publishes and waits for it on a connection that is made anew when the server has closed the one before. */
class RoundTrips {
  readonly #attempt: Attempt;
  #conversation: Conversation | undefined;

  constructor(attempt: Attempt) {
    this.#attempt = attempt;
  }

  /** True where the message comes back. False where it is too much; throws where that is not why. */
  async works(topic: string, payload: string | Uint8Array): Promise<boolean> {
    const { qos, signal } = this.#attempt;
    const mark = this.#attempt.topic(MARK);
    try {
      const conversation = await this.#open(mark);
      if (topic !== mark) await conversation.subscribe(topic);
      await conversation.publish(topic, payload, { qos });
      // A server may acknowledge and drop it: then only the mark behind it comes.
      await conversation.publish(mark, MARK, { qos });
      const first = await conversation.message();
      if (isMark(first.payload)) return false;
      await conversation.message();
      return true;
    } catch (error) {
      const isOver = this.#conversation?.ended !== undefined;
      if (isOver) this.#conversation = undefined;
      if (signal.aborted || !(error instanceof Obstacle)) throw error;
      if (error.reasonCode === undefined ? isOver : TOO_MUCH.has(error.reasonCode)) return false;
      throw error;
    }
  }

  async #open(mark: string): Promise<Conversation> {
    if (this.#conversation?.ended !== undefined) this.#conversation = undefined;
    if (this.#conversation === undefined) {
      const { conversation } = await this.#attempt.connect();
      await conversation.subscribe(mark);
      this.#conversation = conversation;
    }
    return this.#conversation;
  }
}

function isMark(payload: Uint8Array): boolean {
  return payload.length === MARK.length && String(Buffer.from(payload)) === MARK;
}

async function findPayload(attempt: Attempt): Promise<Outcome> {
  const { payloadMax } = attempt.visit;
  const { maximumPacketSize = Number.POSITIVE_INFINITY } = attempt.connack.properties;
  const mark = attempt.topic(MARK);
  const trips = new RoundTrips(attempt);
  // Fixed header, topic, Packet Identifier, Property Length.
  const high = Math.min(payloadMax, maximumPacketSize - (5 + 2 + mark.length + 2 + 1));
  const found = await largest(MARK.length + 1, high, (bytes) => trips.works(mark, new Uint8Array(bytes)));
  if (found.isExact) return { tried: found.value, note: 'bytes; more is not delivered' };
  if (found.value < high) return { tried: found.value, note: 'bytes at least; the time was over' };
  const bound = high < payloadMax ? 'all that the stated packet size leaves' : 'no more was tried (--payload-max)';
  return { tried: found.value, note: `bytes at least: ${bound}` };
}

async function findLevels(attempt: Attempt): Promise<Outcome> {
  const base = attempt.topic('levels');
  const baseLevels = base.split('/').length;
  const high = baseLevels + Math.floor((TOPIC_BYTES_MAX - base.length) / 2);
  const trips = new RoundTrips(attempt);
  const found = await largest(baseLevels + 1, high, (levels) =>
    trips.works(base + '/a'.repeat(levels - baseLevels), 'levels'),
  );
  return sized(found, high);
}

async function findTopicBytes(attempt: Attempt): Promise<Outcome> {
  const base = `${attempt.topic('length')}/`;
  const trips = new RoundTrips(attempt);
  const found = await largest(base.length + 1, TOPIC_BYTES_MAX, (bytes) =>
    trips.works(base + 'a'.repeat(bytes - base.length), 'bytes'),
  );
  return sized(found, TOPIC_BYTES_MAX);
}

function sized({ value, isExact }: Largest, high: number): Outcome {
  if (isExact) return { tried: value };
  return { tried: value, note: value === high ? 'all that a topic can have' : 'at least; the time was over' };
}

async function findReceiveMaximum(attempt: Attempt): Promise<Outcome> {
  const { receiveMaximum = 65_535 } = attempt.connack.properties;
  const { conversation } = await attempt.connect();
  const topic = attempt.topic('open');
  const high = Math.min(receiveMaximum, OPEN_MAX);
  const open: number[] = [];
  while (open.length < high) {
    try {
      open.push(await conversation.publishOpen(topic));
    } catch (error) {
      if (open.length === 0 || !(error instanceof Obstacle)) throw error;
      return { tried: open.length, note: `then ${error.message}` };
    }
  }
  for (const packetId of open) await conversation.release(packetId);
  return { tried: high, note: high < receiveMaximum ? 'at least; no more was tried' : 'QoS 2 messages open at once' };
}

async function findClientReceiveMaximum(attempt: Attempt): Promise<Outcome> {
  const { conversation } = await attempt.connect({ properties: { receiveMaximum: CLIENT_RECEIVE_MAXIMUM } });
  const topic = attempt.topic('window');
  await conversation.subscribe(topic);
  conversation.isAcknowledging = false;
  const { conversation: publisher } = await attempt.connect();
  for (let sent = 0; sent < CLIENT_RECEIVE_MAXIMUM + 3; sent++) await publisher.publish(topic, 'x');
  const { length } = await conversation.messages();
  if (length === 0) return unclear('nothing came');
  return length <= CLIENT_RECEIVE_MAXIMUM ? YES : no(`asked for ${CLIENT_RECEIVE_MAXIMUM}, ${length} came at once`);
}

/** The checks, in their order. */
export const LIMIT_CHECKS: readonly Check[] = [
  {
    id: 'payload',
    what: 'largest payload',
    stated: ({ maximumPacketSize }) => maximumPacketSize,
    find: findPayload,
  },
  { id: 'topic-length', what: 'longest topic, bytes', find: findTopicBytes },
  { id: 'topic-levels', what: 'most topic levels', find: findLevels },
  {
    id: 'receive-maximum',
    what: 'Receive Maximum of the server',
    needs5: true,
    stated: ({ receiveMaximum = 65_535 }) => receiveMaximum,
    find: findReceiveMaximum,
  },
  {
    id: 'client-receive-maximum',
    what: 'Receive Maximum of clients',
    needs5: true,
    find: findClientReceiveMaximum,
  },
];
