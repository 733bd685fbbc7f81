/** Faults to put into the client, each of which some named invariant must catch. */
import { Connection } from '../../packages/client/src/connection.ts';
import { Link } from '../../packages/client/src/link.ts';
import { Outbox } from '../../packages/client/src/outbox.ts';
import { OutboxKeeper } from '../../packages/client/src/outbox-keeper.ts';
import { Receiving } from '../../packages/client/src/receiving.ts';
import { Routes } from '../../packages/client/src/routes.ts';
import type { InvariantName } from './invariants.ts';
import { ProcessEnvironment } from './process-environment.ts';

export interface Mutation {
  /** What the broken client does. */
  readonly title: string;
  /** Any of these catches it: which one does so first depends on the world. */
  readonly caughtBy: readonly InvariantName[];
  /** Puts the fault in; returns what takes it out. */
  readonly damage: () => () => void;
}

// biome-ignore lint/suspicious/noExplicitAny: methods of any class are replaced.
type Method = (this: any, ...parameters: any[]) => any;

/** Replaces a method of a class. `make` gets the true one, to be called on the same object. */
function replace<T extends object>(
  prototype: T,
  name: keyof T & string,
  make: (original: Method) => Method,
): () => void {
  const original = prototype[name] as Method;
  Object.assign(prototype, { [name]: make(original) });
  return () => {
    Object.assign(prototype, { [name]: original });
  };
}

export const MUTATIONS: readonly Mutation[] = [
  {
    title: 'PUBACK is not listened to',
    caughtBy: ['settles', 'receive-maximum', 'resend'],
    damage: () => replace(Outbox.prototype, 'puback', () => () => {}),
  },
  {
    title: 'every connection is taken for a new session',
    caughtBy: ['resend', 'packet-identifiers', 'exactly-once', 'acknowledged-arrives', 'order'],
    damage: () =>
      replace(
        Outbox.prototype,
        'begin',
        (original) =>
          function (link) {
            return original.call(this, link, false);
          },
      ),
  },
  {
    title: 'a repeat has no DUP',
    caughtBy: ['resend'],
    damage: () =>
      replace(
        Link.prototype,
        'publish',
        (original) =>
          function (request, packetId) {
            return original.call(this, request, packetId, false);
          },
      ),
  },
  {
    title: 'a QoS 2 message that comes again is a new one',
    caughtBy: ['exactly-once', 'acknowledgements-in-order'],
    damage: () =>
      replace(
        Receiving.prototype,
        'publish',
        (original) =>
          function (packet) {
            this.flows.delete(packet.packetId);
            original.call(this, packet);
          },
      ),
  },
  {
    title: 'the store is not waited for',
    caughtBy: ['durability'],
    damage: () =>
      replace(
        OutboxKeeper.prototype,
        'put',
        (original) =>
          function (record, then) {
            original.call(this, record);
            then?.();
          },
      ),
  },
  {
    title: 'subscriptions are not made again in a new session',
    caughtBy: ['works-again'],
    damage: () => replace(Routes.prototype, 'groups', () => () => []),
  },
  {
    title: 'PUBREL goes unanswered',
    caughtBy: ['settles', 'acknowledgements-in-order'],
    damage: () => replace(Receiving.prototype, 'pubrel', () => () => {}),
  },
  {
    title: 'the waits between attempts have no bound',
    caughtBy: ['back-off'],
    damage: () =>
      replace(
        ProcessEnvironment.prototype,
        'random',
        (original) =>
          function () {
            return original.call(this) * 10;
          },
      ),
  },
  {
    title: 'a connection that is given up is left open',
    caughtBy: ['nothing-left', 'one-connection'],
    damage: () => replace(Connection.prototype, 'destroy', () => () => {}),
  },
];
