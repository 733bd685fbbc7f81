/** Faults to put into the client, each of which some named invariant must catch. */
import { Connection } from '../../packages/client/src/connection.ts';
import { Link } from '../../packages/client/src/link.ts';
import { Outbox } from '../../packages/client/src/outbox.ts';
import { OutboxKeeper } from '../../packages/client/src/outbox-keeper.ts';
import { Receiving } from '../../packages/client/src/receiving.ts';
import { Routes } from '../../packages/client/src/routes.ts';
import { type Fault, replace } from '../simulation-harness/mutation.ts';
import type { InvariantName } from './invariants.ts';
import { ProcessEnvironment } from './process-environment.ts';

export type Mutation = Fault<InvariantName>;

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
