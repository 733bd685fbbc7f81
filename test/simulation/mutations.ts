/** Faults to put into a broker, each of which some named invariant must catch. */
import type { Broker, StoredEntry, StoredSession } from '@dunlin/broker';
import { ReceiverFlow, SenderFlow } from '@dunlin/protocol';
import { Connection } from '../../packages/broker/src/connection.ts';
import type { Entry } from '../../packages/broker/src/entry.ts';
import { Message } from '../../packages/broker/src/message.ts';
import { Pressure } from '../../packages/broker/src/pressure.ts';
import { Queue } from '../../packages/broker/src/queue.ts';
import { OpenReceipts, WrittenReceipts } from '../../packages/broker/src/receipt.ts';
import type { Remains } from '../../packages/broker/src/remains.ts';
import { RetainedMessages } from '../../packages/broker/src/retained.ts';
import { Session } from '../../packages/broker/src/session.ts';
import { type Fault, replace } from '../simulation-harness/mutation.ts';
import type { InvariantName } from './invariants.ts';

export interface Mutation extends Fault<InvariantName> {
  /** Puts the fault into each broker of a world. */
  readonly damageEach?: (broker: Broker) => void;
  readonly hasLyingStore?: boolean;
  readonly hasForgetfulStore?: boolean;
  /** How often the broker ends without a word; by default as the seed says. */
  readonly crashes?: number;
}

type ParametersOf<F> = F extends (...parameters: infer P) => unknown ? P : never;
/** What a method does, free of its object. */
type Body<T, F> = (this: T, ...parameters: ParametersOf<F>) => unknown;

/** Calls `fault` instead of the true method every `nth` time. */
function everyNth<T extends object, K extends keyof T & string>(
  prototype: T,
  name: K,
  nth: number,
  fault: (this: T, original: Body<T, T[K]>, parameters: ParametersOf<T[K]>) => unknown,
): () => void {
  let count = 0;
  return replace(
    prototype,
    name,
    (original) =>
      function (...parameters) {
        count += 1;
        return count % nth === 0
          ? fault.call(this, original, parameters as ParametersOf<T[K]>)
          : original.apply(this, parameters);
      },
  );
}

/** In worlds for faults that only a crash shows. */
const CRASHES = 6;

export const MUTATIONS: readonly Mutation[] = [
  {
    title: 'a session loses every 50th message of QoS 1',
    caughtBy: ['acknowledged-arrives', 'receipts'],
    damage: () =>
      everyNth(Session.prototype, 'deliver', 50, function (original, parameters) {
        return parameters[0].qos === 1 ? undefined : original.apply(this, parameters);
      }),
  },
  {
    title: 'a session delivers every 50th message twice',
    caughtBy: ['exactly-once'],
    damage: () =>
      everyNth(Session.prototype, 'deliver', 50, function (original, parameters) {
        original.apply(this, parameters);
        return original.apply(this, parameters);
      }),
  },
  {
    title: 'the receiver forgets every 10th identifier of QoS 2',
    caughtBy: ['exactly-once', 'answers-in-order', 'only-what-was-asked', 'acknowledged-arrives', 'rest'],
    damage: () => everyNth(ReceiverFlow.prototype, 'has', 10, () => false),
  },
  {
    title: 'the sender forgets every 10th PUBREC and sends the message again',
    caughtBy: ['exactly-once', 'answers-in-order', 'rest', 'acknowledged-arrives'],
    damage: () => everyNth(SenderFlow.prototype, 'pubrec', 10, () => 'unknown'),
  },
  {
    title: 'no PUBREL is sent again when a session goes on',
    caughtBy: ['rest', 'acknowledged-arrives', 'answers-in-order', 'exactly-once'],
    damage: () => replace(Connection.prototype, 'sendPubrel', () => () => {}),
  },
  {
    title: 'the window is never full',
    caughtBy: ['receive-maximum', 'packet-identifiers', 'order', 'no-internal-error'],
    damage: () => replace(SenderFlow.prototype, 'hasQuota', () => () => true),
  },
  {
    title: 'expiry is not looked at',
    caughtBy: ['expiry'],
    damage: () => replace(Message.prototype, 'isExpired', () => () => false),
  },
  {
    title: 'every 30th entry is put before the others in the queue',
    caughtBy: ['order', 'exactly-once', 'no-internal-error'],
    damage: () =>
      everyNth(Queue.prototype, 'push', 30, function (_original, [entry]) {
        return this.putBack([entry]);
      }),
  },
  {
    title: 'bytes that leave the queue stay counted',
    caughtBy: ['held-bytes'],
    damage: () => everyNth(Pressure.prototype, 'release', 97, () => undefined),
  },
  {
    title: 'an empty retained message deletes nothing',
    caughtBy: ['retained', 'only-what-was-asked'],
    damage: () => replace(RetainedMessages.prototype, 'delete', () => () => true),
  },
  {
    title: 'delayed wills and ends of sessions are forgotten',
    caughtBy: ['wills', 'session-expiry'],
    damageEach: (broker) => {
      broker.sessionDeadlines.watch = () => {};
    },
  },
  {
    title: 'every 20th answer to QoS 1 and 2 is left out',
    caughtBy: ['answers-in-order', 'rest'],
    damage: () => everyNth(Connection.prototype, 'acknowledge', 20, () => undefined),
  },
  {
    title: 'QoS 2 is answered before what it writes is durable',
    caughtBy: ['durable-first'],
    damage: () =>
      replace(
        Connection.prototype,
        'acknowledge',
        (original) =>
          function (header, packetId, reasonCode, _ticket, then) {
            return original.call(this, header, packetId, reasonCode, 0, then);
          },
      ),
  },
  {
    title: 'the store says yes before it has written',
    caughtBy: ['durable-first'],
    hasLyingStore: true,
  },
  {
    title: 'the RETAIN flag is always 0',
    caughtBy: ['only-what-was-asked', 'exactly-once'],
    damage: () =>
      replace(
        Connection.prototype,
        'sendAcknowledged',
        (original) =>
          function (message, qos, packetId, _retain, dup, identifiers) {
            return original.call(this, message, qos, packetId, false, dup, identifiers);
          },
      ),
  },
  {
    title: 'every 200th delivery throws',
    caughtBy: ['no-internal-error'],
    damage: () =>
      everyNth(Session.prototype, 'deliver', 200, () => {
        throw new Error('a fault put in on purpose');
      }),
  },
  {
    title: 'the store forgets at a crash what it has said yes to',
    caughtBy: ['survival', 'wills', 'acknowledged-arrives'],
    hasForgetfulStore: true,
    crashes: CRASHES,
  },
  {
    title: 'a new broker forgets the received identifiers of QoS 2',
    caughtBy: ['exactly-once', 'only-what-was-asked', 'survival', 'answers-in-order'],
    crashes: CRASHES,
    damageEach: (broker) => forgetOnStart(broker, (session) => ({ ...session, received: [] })),
  },
  {
    title: 'a new broker forgets that messages were received',
    caughtBy: ['exactly-once'],
    crashes: CRASHES,
    damageEach: ({ store }) => {
      const queue = store.queue.bind(store);
      const unreleased = (entries: readonly StoredEntry[]) => entries.map((entry) => ({ ...entry, released: false }));
      store.queue = (session, after, limit) => {
        const entries = queue(session, after, limit);
        return entries instanceof Promise ? entries.then(unreleased) : unreleased(entries);
      };
    },
  },
  {
    title: 'a new broker gives numbers of sessions again',
    caughtBy: ['survival', 'session-present', 'wills', 'no-internal-error', 'acknowledged-arrives'],
    crashes: CRASHES,
    damageEach: (broker) => {
      let number = 0;
      broker.newSessionNumber = () => {
        number += 1;
        return number;
      };
    },
  },
  {
    title: 'a new broker does not publish wills',
    caughtBy: ['wills'],
    crashes: CRASHES,
    damageEach: (broker) => forgetOnStart(broker, (session) => ({ ...session, will: undefined })),
  },
  {
    title: 'every 5th receipt of a session is forgotten when its delivery is over',
    caughtBy: ['receipts'],
    damage: () => everyNth(OpenReceipts.prototype, 'settle', 5, () => true),
  },
  {
    title: 'a receipt says acknowledged when the message is sent',
    caughtBy: ['receipts'],
    damage: () =>
      replace(OpenReceipts.prototype, 'add', () => (_position, receipt) => {
        receipt.settle('acknowledged');
      }),
  },
  {
    title: 'a receipt says written before the socket has the message',
    caughtBy: ['receipts'],
    damage: () =>
      replace(WrittenReceipts.prototype, 'add', () => (receipt) => {
        receipt.settle('written');
      }),
  },
  {
    title: 'a receipt says lost when the connection ends, though the session goes on',
    caughtBy: ['receipts'],
    damage: () =>
      replace(
        Session.prototype,
        'detach',
        (original) =>
          function () {
            this.receipts?.lose();
            return original.call(this);
          },
      ),
  },
  {
    title: 'receipts of sessions that have ended stay open',
    caughtBy: ['receipts'],
    damage: () => replace(OpenReceipts.prototype, 'lose', () => () => {}),
  },
  {
    title: 'a new broker begins the positions of each queue anew',
    caughtBy: ['no-internal-error', 'packet-identifiers', 'exactly-once'],
    crashes: CRASHES,
    damageEach: (broker) =>
      forgetOnStart(broker, ({ record, queue, ...rest }) => ({
        ...rest,
        record: { ...record, sentUpTo: 0 },
        queue: { ...queue, lastPosition: 0 },
      })),
  },
  {
    title: 'a new broker does not know what was perhaps sent',
    caughtBy: ['packet-identifiers', 'exactly-once'],
    crashes: CRASHES,
    damageEach: (broker) =>
      forgetOnStart(broker, ({ record, ...rest }) => ({ ...rest, record: { ...record, sentUpTo: 0 } })),
  },
  {
    title: 'a new broker hands on what was perhaps sent at QoS 2',
    caughtBy: ['exactly-once', 'only-what-was-asked', 'acknowledged-arrives'],
    crashes: CRASHES,
    firstSeed: 230,
    damage: () => {
      const unsent = (entry: Entry | undefined) => entry && ({ ...entry, sent: 'never' } as const);
      let isEnding = false;
      const whole = replace(
        Queue.prototype,
        'waiting',
        (original) =>
          function* () {
            for (const entry of original.call(this) as Generator<Entry>) yield isEnding ? unsent(entry) : entry;
          },
      );
      const paged = replace(
        Session.prototype,
        'end',
        (original) =>
          function () {
            isEnding = true;
            const remains = original.call(this) as Remains;
            isEnding = false;
            const { rest } = remains;
            const peek = rest?.peek.bind(rest);
            if (rest !== undefined) rest.peek = () => unsent(peek?.());
            return remains;
          },
      );
      return () => {
        whole();
        paged();
      };
    },
  },
];

/** A broker that takes up less of each session than its store has. */
function forgetOnStart({ store }: Broker, change: (session: StoredSession) => StoredSession): void {
  const sessions = store.sessions.bind(store);
  store.sessions = async function* () {
    for await (const session of sessions()) yield change(session);
  };
}
