/**
 * What the server itself says to one client and follows: whether each receipt settles, once, and with the truth.
 *
 * The truth is the oracle's account of the same delivery, looked at when the breath is over in which the receipt settled.
 */
import { type Broker, type DeliveryOutcome, Receipt } from '@dunlin/broker';
import type { QoS } from '@dunlin/protocol';
import type { SeededRandom } from '../simulation-harness/seeded-random.ts';
import type { VirtualTime } from '../simulation-harness/virtual-time.ts';
import { type ClientName, type Expectation, keyOf, sayMessage, sizeOf } from './expectation.ts';
import type { BrokerJudge } from './invariants.ts';
import type { Oracle } from './oracle.ts';
import type { OracleSession } from './oracle-session.ts';
import { TOPICS } from './script.ts';

/** What the followed messages need of their world. */
export interface Followed {
  readonly oracle: Oracle;
  readonly judge: BrokerJudge;
  readonly time: VirtualTime;
  /** Undefined while none runs. */
  readonly runningBroker: Broker | undefined;
  /** Whether limits are so low that messages are dropped for them. */
  readonly isTight: boolean;
  readonly isStopping: boolean;
  /** Whether what the broker writes to the link goes nowhere. */
  isLinkBroken(link: number): boolean;
  tell(text: string): void;
}

interface FollowedMessage {
  readonly text: string;
  readonly session: OracleSession | undefined;
  /** Undefined where the client ought not to get it. */
  readonly expectation: Expectation | undefined;
  /** That had the session when it was said. */
  readonly link: number;
  /** The client may get a copy through a shared subscription too, and nobody can tell which is which. */
  readonly isAmbiguous: boolean;
  outcome: DeliveryOutcome | undefined;
}

/** As the oracle names the broker itself. */
const BROKER: ClientName = { text: '' };

export class FollowedMessages {
  readonly #world: Followed;
  readonly #random: SeededRandom;
  readonly #open = new Set<FollowedMessage>();
  /** Settled in this breath. */
  #settled: FollowedMessage[] = [];
  #count = 0;

  constructor(world: Followed, random: SeededRandom) {
    this.#world = world;
    this.#random = random;
  }

  /** From now on until the time, to one of the clients each. */
  begin(clientIds: () => readonly string[], paceMs: number, untilMs: number): void {
    const { time } = this.#world;
    time.after(this.#random.wait(paceMs), () => {
      if (time.nowMs() >= untilMs) return;
      const broker = this.#world.runningBroker;
      const known = clientIds();
      if (broker !== undefined && known.length > 0) this.#publish(broker, this.#random.pick(known));
      this.begin(clientIds, paceMs, untilMs);
    });
  }

  /** The process of the broker has ended: nobody tells how it went on. */
  crashed(): void {
    this.#open.clear();
    this.#settled = [];
  }

  /** A breath of the broker is over. */
  afterEach(): void {
    if (this.#settled.length === 0) return;
    for (const message of this.#settled) this.#judge(message);
    this.#settled = [];
  }

  /** All have gone, or the broker has stopped. */
  checkNoneOpen(): void {
    for (const { text } of this.#open) this.#world.judge.broken('receipts', `the receipt of ${text} does not settle`);
  }

  #publish(broker: Broker, clientId: string): void {
    const random = this.#random;
    const { oracle, judge } = this.#world;
    this.#count += 1;
    const payload = Buffer.from(`f${this.#count}:${'f'.repeat(random.below(100))}`);
    const topic = random.pick(TOPICS);
    const qos = random.below(3) as QoS;
    const properties = random.chance(0.3) ? { messageExpiryInterval: random.pick([1, 2, 5]) } : {};
    const said = oracle.say(topic, payload, qos, false, BROKER, properties);
    const session = oracle.sessions.get(clientId);
    oracle.publish(said, clientId);
    const key = keyOf(topic, payload);
    const message: FollowedMessage = {
      text: `${sayMessage(said)} followed to "${clientId}"`,
      session,
      expectation: session?.expected.get(key)?.[0],
      link: session?.link ?? 0,
      isAmbiguous: oracle.groups.of(key).some(({ members }) => members.has(session as object)),
      outcome: undefined,
    };
    this.#world.tell(message.text);
    this.#open.add(message);
    const receipt = new Receipt(clientId);
    const settle = receipt.settle.bind(receipt);
    receipt.settle = (outcome) => {
      judge.check(message.outcome === undefined, 'receipts', () => `the receipt of ${message.text} settles twice`);
      message.outcome = outcome;
      this.#open.delete(message);
      this.#settled.push(message);
      settle(outcome);
    };
    void broker.publish(topic, payload, { qos, properties, receipt });
  }

  #judge(message: FollowedMessage): void {
    const { expectation, outcome, text } = message;
    this.#world.tell(`${text}: ${outcome}`);
    const isTrue =
      expectation === undefined || outcome === 'not-subscribed'
        ? expectation === undefined && outcome === 'not-subscribed'
        : this.#isTrue(message, expectation, outcome as DeliveryOutcome);
    this.#world.judge.check(
      isTrue,
      'receipts',
      () => `the receipt of ${text} says ${outcome}, where its delivery is ${expectation?.state ?? 'not due'}`,
    );
  }

  #isTrue(message: FollowedMessage, expectation: Expectation, outcome: DeliveryOutcome): boolean {
    const { qos, state } = expectation;
    const { link, isAmbiguous } = message;
    switch (outcome) {
      case 'acknowledged':
        return qos > 0 && (isAmbiguous || state === 'done');
      case 'written':
        return qos === 0 && (isAmbiguous || state === 'done' || this.#world.isLinkBroken(link));
      case 'refused':
        return (this.#world.isTight || qos === 0) && (isAmbiguous || state === 'due');
      case 'lost':
        return (isAmbiguous || state !== 'done') && this.#mayBeLost(message, expectation);
      case 'not-subscribed':
        return false;
    }
  }

  #mayBeLost({ session, link }: FollowedMessage, { said, qos, identifiers }: Expectation): boolean {
    const { isTight, isStopping, time } = this.#world;
    if (session === undefined || session.hasEnded || isStopping || isTight) return true;
    if (qos === 0 && session.link !== link) return true;
    if (said.expiresAtMs !== undefined && said.expiresAtMs <= time.nowMs()) return true;
    return sizeOf(said) + 8 * identifiers.length > session.smallestPacket;
  }
}
