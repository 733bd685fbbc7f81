/**
 * What is left where the service cannot be opened, or cannot have its broker: each thing that can fail does, in turn. And what is
 * left of a device that was removed.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryTable, type Table, type TableDefinition } from '@dunlin/broker';
import { PasswordVerifier } from '@dunlin/identity';
import { openAuthority } from './authority/testing/fleet.ts';
import type { Tables } from './ports.ts';
import { DeviceTypes } from './registry/types.ts';
import { DeviceService } from './service.ts';
import { TestClock } from './testing/clock.ts';
import { MemoryBroker } from './testing/memory-broker.ts';
import { CAMERA, deviceType } from './testing/types.ts';

/** It says what it has done. */
const LAMP = deviceType({
  name: 'lamp',
  commands: {
    light: {
      topic: 'lamps/{deviceId}',
      payload: { id: '{commandId}' },
      inputSchema: undefined,
      ttlS: 60,
      qos: 1,
      acknowledgement: { topic: 'lamps/{deviceId}/done', id: '/id', failure: undefined },
    },
  },
});

class Refused extends Error {}

/** Steps that may fail, of which the one with the number `failing` does; 0: none. */
class Steps {
  failing = 0;
  taken = 0;

  take(): void {
    this.taken += 1;
    if (this.taken === this.failing) throw new Refused('no');
  }
}

/** Counts tables that are open, and who watches them. */
class CountingTables implements Tables {
  readonly #steps: Steps;
  open = 0;
  watchers = 0;

  constructor(steps: Steps) {
    this.#steps = steps;
  }

  table<T>(definition: TableDefinition<T>): Table<T> {
    this.#steps.take();
    const inner = new MemoryTable(definition);
    const watching = new Set<object>();
    let isOpen = true;
    this.open += 1;
    return {
      get: (key) => inner.get(key),
      put: (...write) => inner.put(...write),
      delete: (...write) => inner.delete(...write),
      scan: async (scan) => {
        this.#steps.take();
        return inner.scan(scan);
      },
      watch: (...watched) => {
        const watcher = {};
        watching.add(watcher);
        this.watchers += 1;
        const end = inner.watch(...watched);
        return () => {
          if (watching.delete(watcher)) this.watchers -= 1;
          end();
        };
      },
      close: async () => {
        if (!isOpen) return;
        isOpen = false;
        this.open -= 1;
        this.watchers -= watching.size;
        watching.clear();
      },
    };
  }
}

/** Its thing is to be its own. */
const DOORBELL = deviceType({
  name: 'doorbell',
  requiredAttributes: ['thing'],
  rules: [{ allow: ['publish', 'subscribe'], topics: 'things/{attr.thing}/#' }],
});

function world() {
  const steps = new Steps();
  const tables = new CountingTables(steps);
  const clock = new TestClock();
  const broker = new MemoryBroker();
  const subscribe = broker.subscribe.bind(broker);
  broker.subscribe = (...wanted) => {
    steps.take();
    return subscribe(...wanted);
  };
  const open = (types = new DeviceTypes([CAMERA, LAMP])) =>
    DeviceService.open({
      ...{ tables, clock, tell: () => {}, verifier: new PasswordVerifier(), authority: openAuthority(), types },
    });
  const left = () => ({
    tables: tables.open,
    watchers: tables.watchers,
    timers: clock.timers,
    takers: broker.takers.size,
  });
  return { steps, broker, open, left };
}

const NOTHING = { tables: 0, watchers: 0, timers: 0, takers: 0 };

test('where attaching the broker fails at any step, all is as it was before, and it can be tried again', async () => {
  let failures = 0;
  for (let failing = 1; ; failing++) {
    const { steps, broker, open, left } = world();
    const service = await open();
    const before = left();
    steps.taken = 0;
    steps.failing = failing;
    const isDone = await service.attach(broker).then(
      () => true,
      (error) => {
        assert.ok(error instanceof Refused);
        return false;
      },
    );
    if (!isDone) {
      failures += 1;
      assert.deepEqual(left(), before, `at step ${failing}`);
      assert.throws(() => service.commands, /a broker is expected/);
      await service.attach(broker);
    }
    assert.notEqual(left().takers, 0);
    await service.close();
    assert.deepEqual(left(), NOTHING, `closed after step ${failing}`);
    if (isDone) break;
  }
  // Tables of presence, commands and batches, what the two last have, and acknowledgements.
  assert.ok(failures >= 6, `${failures} steps`);
});

test('where the service cannot be opened, nothing is left open', async () => {
  const { steps, open } = world();
  await (await open()).close();
  const count = steps.taken;
  assert.ok(count >= 6, `${count} steps`);
  for (let failing = 1; failing <= count; failing++) {
    const { steps: failingSteps, open: openFailing, left } = world();
    failingSteps.failing = failing;
    await assert.rejects(openFailing(), Refused);
    assert.deepEqual(left(), NOTHING, `at step ${failing}`);
  }
});

test('what is retained on topics of a unique attribute goes with the device, unless another one has had the same before', async () => {
  const { broker, open } = world();
  const types = new DeviceTypes([DOORBELL]);
  const service = await open(types);
  await service.attach(broker);
  const { registry } = service;
  for (const [id, thing] of [
    ['d1', 'door'],
    ['d2', 'door'],
    ['d3', 'gate'],
  ])
    await registry.add({ id, type: 'doorbell', attributes: { thing } }, 'test');
  types.prepareReplace([{ ...DOORBELL, uniqueAttributes: ['thing'] }])();
  for (const topic of ['things/door/state', 'things/gate/state']) broker.retained.set(topic, 'on');
  await registry.remove('d3', { by: 'test' });
  await registry.remove('d1', { by: 'test' });
  assert.deepEqual([...broker.retained.keys()], ['things/door/state']);
  await registry.remove('d2', { by: 'test' });
  assert.deepEqual([...broker.retained.keys()], []);
  await service.close();
});
