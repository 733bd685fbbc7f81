import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type SearchQuery, searchDevices } from './device-search.ts';
import { PRESENCE_TABLE, type PresenceRecord } from './presence/presence-table.ts';
import { CAMERA_ATTRIBUTES, testRegistry } from './testing/registry.ts';

const COUNT = 20_000;

const { registry, parts } = testRegistry();
const table = parts.tables.table(PRESENCE_TABLE);
const presence = {
  get: async (id: string) => table.get(id)?.value,
  list: async ({ limit, cursor }: { limit: number; cursor?: string }) =>
    table.scan({ index: 'connected', exact: 'connected', limit, ...(cursor !== undefined && { cursor }) }),
};

function record(deviceId: string, connected: boolean): PresenceRecord {
  return {
    ...{ deviceId, connected, session: 1, clientId: deviceId, address: '', listener: '', protocolVersion: 5 },
    ...{ reason: '', connectedAtMs: 1, disconnectedAtMs: connected ? undefined : 2, lastSeenAtMs: 2, topic: undefined },
  };
}

/** Every 3rd never came, every 3rd is connected, every 3rd was. */
for (let n = 0; n < COUNT; n++) {
  const id = `d${String(n).padStart(5, '0')}`;
  await registry.add(
    {
      ...{ id, type: n % 2 === 0 ? 'camera' : 'player', groups: n % 5 === 0 ? ['g'] : [], enabled: n % 7 !== 0 },
      attributes: { ...CAMERA_ATTRIBUTES, space: String(n % 400) },
      ...(n % 11 === 0 && { owner: 'ada' }),
    },
    'a',
  );
  if (n % 3 !== 0) await table.put(id, record(id, n % 3 === 1));
}

async function numbersOf(query: SearchQuery): Promise<number[]> {
  const numbers: number[] = [];
  let cursor: string | undefined;
  do {
    const page = await searchDevices(
      { ...query, ...(cursor !== undefined && { cursor }) },
      { registry, presence, clock: parts.clock },
    );
    for (const { device, presence: found } of page.devices) {
      const n = Number(device.id.slice(1));
      numbers.push(n);
      if (query.connected !== undefined) assert.equal(found?.connected, [undefined, true, false][n % 3]);
    }
    cursor = page.cursor;
  } while (cursor !== undefined);
  return numbers.sort((one, other) => one - other);
}

const all = Array.from({ length: COUNT }, (_, n) => n);

test('of 20,000 devices it finds those that a plain filter finds, whatever is asked for together', async () => {
  const query = fc.record(
    {
      connected: fc.boolean(),
      type: fc.constantFrom('camera', 'player'),
      group: fc.constant('g'),
      owner: fc.constant('ada'),
      attribute: fc.constantFrom('space=12', 'space=399', 'space=400'),
      prefix: fc.constantFrom('d0', 'd19', 'x'),
      enabled: fc.boolean(),
    },
    { requiredKeys: ['connected'] },
  );
  await fc.assert(
    fc.asyncProperty(query, async (asked) => {
      const expected = all.filter(
        (n) =>
          (n % 3 === 1) === asked.connected &&
          (asked.type === undefined || (asked.type === 'camera') === (n % 2 === 0)) &&
          (asked.group === undefined || n % 5 === 0) &&
          (asked.owner === undefined || n % 11 === 0) &&
          (asked.attribute === undefined || asked.attribute === `space=${n % 400}`) &&
          (asked.enabled === undefined || asked.enabled === (n % 7 !== 0)) &&
          `d${String(n).padStart(5, '0')}`.startsWith(asked.prefix ?? ''),
      );
      assert.deepEqual(await numbersOf({ ...asked, limit: 1_000 }), expected);
    }),
    { numRuns: 30 },
  );
});

test('a search that finds few in many says where it ended early, and one that knows that there is none does not', async () => {
  const ask = (query: SearchQuery) => searchDevices(query, { registry, presence, clock: parts.clock });
  assert.deepEqual(await ask({ connected: true, group: 'none' }), {
    devices: [],
    cursor: undefined,
    endedEarly: false,
  });
  for (const query of [{ connected: false, prefix: 'd' }, { connected: true, prefix: 'd' }, { connected: true }]) {
    const { devices, cursor, endedEarly } = await ask({ ...query, type: 'nothing' });
    assert.deepEqual([devices, endedEarly, cursor !== undefined], [[], true, true]);
  }
});

test('without a word about connections it is the list of the registry, without presence', async () => {
  const { devices } = await searchDevices(
    { attribute: 'space=12', limit: 5 },
    { registry, presence, clock: parts.clock },
  );
  assert.equal(devices.length, 5);
  assert.ok(devices.every((one) => !('presence' in one)));
});

test('a cursor is good for the search that it came from alone', async () => {
  const ask = (query: SearchQuery) => searchDevices({ ...query, limit: 1 }, { registry, presence, clock: parts.clock });
  const { cursor = '' } = await ask({ connected: true });
  await assert.rejects(ask({ connected: false, cursor }), { code: 'cursor-invalid' });
  await assert.rejects(ask({ connected: true, owner: 'ada', cursor }), { code: 'cursor-invalid' });
});
