import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PERMIT_ALL } from './memory/permit-all.ts';
import type { Directory } from './ports.ts';
import { World } from './testing/world.ts';

/** A Directory that grants a claim when a test says so, and notes what it was told. */
class LaterDirectory implements Directory {
  readonly notes: string[] = [];
  readonly #waiting: (() => void)[] = [];
  claim(clientId: string): Promise<void> {
    this.notes.push(`claim ${clientId}`);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
  release(clientId: string): void {
    this.notes.push(`release ${clientId}`);
  }
  /** Grants the oldest claim. */
  grant(): void {
    this.#waiting.shift()?.();
  }
}

test('gives a claim up that is granted after the connection broke', async () => {
  const directory = new LaterDirectory();
  const world = new World({ directory });
  const client = world.open();
  client.connect({ clientId: 'a' });
  client.break();
  assert.deepEqual(directory.notes, ['claim a']);
  directory.grant();
  await world.settle();
  assert.deepEqual(directory.notes, ['claim a', 'release a']);
  assert.equal(world.broker.sessionsById.size, 0);
});

test('keeps a claim that is granted after the connection broke where the broker has the session', async () => {
  const directory = new LaterDirectory();
  const world = new World({ directory });
  const options = { clientId: 'a', cleanStart: false, properties: { sessionExpiryInterval: 10 } };
  const first = world.open();
  first.connect(options);
  directory.grant();
  await world.settle();
  const second = world.open();
  second.connect(options);
  second.break();
  directory.grant();
  await world.settle();
  assert.deepEqual([directory.notes, first.isClosed], [['claim a', 'claim a'], false]);
  first.break();
  world.pass(11_000);
  assert.deepEqual(directory.notes, ['claim a', 'claim a', 'release a']);
});

test('gives a claim up where sessionsMax refuses the session', async () => {
  const directory = new LaterDirectory();
  const world = new World({ directory, limits: { sessionsMax: 1 } });
  for (const clientId of ['a', 'b']) {
    world.open().connect({ clientId });
    directory.grant();
    await world.settle();
  }
  assert.deepEqual(directory.notes, ['claim a', 'claim b', 'release b']);
});

test('asks once for the permissions of a CONNECT and its session, and again when a will is sent', () => {
  const asked: string[] = [];
  const world = new World({
    authorizer: {
      permissions: (clientId) => {
        asked.push(clientId);
        const verdict = (topic: string) => (topic === 'no' ? 0x87 : 0);
        return { ...PERMIT_ALL, mayPublish: verdict, mayLeaveWill: verdict };
      },
    },
  });
  const will = { topic: 'no', payload: Buffer.from(''), qos: 0 as const, retain: false, properties: {} };
  assert.equal(world.open().handshake({ clientId: 'a', will }).reasonCode, 0x87);
  const options = { cleanStart: false, properties: { sessionExpiryInterval: 10 }, will: { ...will, topic: 'yes' } };
  const first = world.connect('b', options);
  first.publish('no', { qos: 1 });
  assert.equal(first.take('puback').reasonCode, 0x87);
  world.connect('b', options);
  // The second CONNECT, and the will of the first.
  assert.deepEqual(asked, ['a', 'b', 'b', 'b']);
});

test('keeps a claim that another connection of the client waits for when the first one broke', async () => {
  const notes: string[] = [];
  const grants: (() => void)[] = [];
  const directory: Directory = {
    claim: (clientId) => {
      notes.push(`claim ${clientId}`);
      return new Promise((resolve) => grants.push(resolve));
    },
    release: (clientId) => notes.push(`release ${clientId}`),
  };
  const world = new World({ directory });
  const first = world.open();
  first.connect({ clientId: 'a' });
  first.break();
  const second = world.open();
  second.connect({ clientId: 'a' });
  for (const grant of grants) {
    grant();
    await world.settle();
  }
  second.take('connack');
  assert.deepEqual(notes, ['claim a', 'claim a']);
});
