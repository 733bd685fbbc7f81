/** Faults put into the service one at a time: the simulation has to catch each of them. */
import { CommandChanges } from '../../packages/devices/src/commands/command-changes.ts';
import { CommandSender } from '../../packages/devices/src/commands/command-sender.ts';
import { CommandWaits } from '../../packages/devices/src/commands/command-waits.ts';
import { Lane } from '../../packages/devices/src/commands/lane.ts';
import { OpenCounts } from '../../packages/devices/src/commands/open-counts.ts';
import { Connections } from '../../packages/devices/src/presence/connections.ts';
import { Presence } from '../../packages/devices/src/presence/presence.ts';
import { type Fault, replace } from '../simulation-harness/mutation.ts';
import { Disk } from './disk.ts';
import type { InvariantName } from './invariants.ts';

export type Mutation = Fault<InvariantName>;

/** Turns what happens to commands into something else. */
function changeEvents(make: (event: { readonly kind: string }) => object): () => void {
  return replace(
    CommandChanges.prototype,
    'apply',
    (original) =>
      function (id, event) {
        return original.call(this, id, make(event));
      },
  );
}

export const MUTATIONS: readonly Mutation[] = [
  {
    title: 'the disk is not waited for',
    caughtBy: ['not-lost', 'one-end'],
    damage: () =>
      replace(
        Disk.prototype,
        'open',
        (original) =>
          function () {
            const tables = original.call(this);
            return {
              table: (definition: object) => {
                const table = tables.table(definition);
                const put = async (...parameters: unknown[]) => {
                  void table.put(...parameters);
                  return 1;
                };
                return { ...table, put };
              },
            };
          },
      ),
  },
  {
    title: 'a command that is about to end still goes out',
    caughtBy: ['not-after-end', 'reaches-its-device'],
    damage: () => replace(CommandSender.prototype, 'ending', () => () => {}),
  },
  {
    title: 'nothing gives way to what is requested later',
    caughtBy: ['superseded'],
    damage: () => changeEvents((event) => (event.kind === 'superseded' ? { kind: 'looked-at' } : event)),
  },
  {
    title: 'what is going out gives way to what is requested later',
    caughtBy: ['superseded'],
    damage: () => replace(CommandSender.prototype, 'isOnItsWay', () => () => false),
  },
  {
    title: 'all commands of a type go out at once',
    caughtBy: ['one-at-a-time', 'order'],
    damage: () =>
      replace(
        Lane.prototype,
        'add',
        (original) =>
          function (found) {
            original.call(
              this,
              found.map((each: { readonly id: string }) => ({ ...each, type: each.id })),
            );
          },
      ),
  },
  {
    title: 'what was written goes out again at once',
    caughtBy: ['once-a-connection'],
    damage: () =>
      replace(
        Lane.prototype,
        'settle',
        (original) =>
          function (entry) {
            original.call(this, entry, 'waiting');
          },
      ),
  },
  {
    title: 'the newest command goes first',
    caughtBy: ['order'],
    damage: () =>
      replace(
        Lane.prototype,
        'add',
        (original) =>
          function (found) {
            original.call(
              this,
              found.map((each: { readonly order: number }) => ({ ...each, order: -each.order })),
            );
          },
      ),
  },
  {
    title: 'what is written counts as confirmed',
    caughtBy: ['true-confirmation'],
    damage: () => changeEvents((event) => (event.kind === 'delivered' ? { ...event, confirmed: true } : event)),
  },
  {
    title: 'what is delivered counts as acknowledged',
    caughtBy: ['true-acknowledgement', 'reaches-its-device'],
    damage: () => changeEvents((event) => (event.kind === 'delivered' ? { kind: 'acknowledged' } : event)),
  },
  {
    title: 'what a device says is confirmed before it is stored',
    caughtBy: ['heard-is-kept'],
    damage: () =>
      replace(
        CommandChanges.prototype,
        'apply',
        (original) =>
          function (id, event) {
            const applied = original.call(this, id, event);
            return event.kind === 'acknowledged' || event.kind === 'failed' ? Promise.resolve() : applied;
          },
      ),
  },
  {
    title: 'nobody looks whether the time is over',
    caughtBy: ['ends', 'in-time'],
    damage: () =>
      replace(
        CommandChanges.prototype,
        'apply',
        (original) =>
          function (id, event) {
            return event.kind === 'looked-at' ? Promise.resolve() : original.call(this, id, event);
          },
      ),
  },
  {
    title: 'a command that ends is still counted',
    caughtBy: ['counts', 'reaches-its-device'],
    damage: () => replace(OpenCounts.prototype, 'remove', () => () => {}),
  },
  {
    title: 'nobody who waits is told',
    caughtBy: ['waits'],
    damage: () => replace(CommandWaits.prototype, 'tell', () => () => {}),
  },
  {
    title: 'the late end of a connection that was taken over counts',
    caughtBy: ['presence-true', 'reaches-its-device', 'presence-order'],
    damage: () =>
      replace(
        Connections.prototype,
        'take',
        (original) =>
          function (event) {
            const [there] = [...this.of(event.deviceId)];
            if (event.kind !== 'disconnected' || there === undefined) return original.call(this, event);
            return original.call(this, { ...event, connection: there.connection });
          },
      ),
  },
  {
    title: 'nobody puts right what a crash left of presence',
    caughtBy: ['presence-true'],
    damage: () => replace(Presence.prototype, 'correct', () => async () => 0),
  },
];
