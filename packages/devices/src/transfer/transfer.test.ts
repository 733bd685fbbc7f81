import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PasswordVerifier } from '@dunlin/identity';
import fc from 'fast-check';
import { Tokens } from '../credentials/tokens.ts';
import { isAttributeValue } from '../registry/device-input.ts';
import { CAMERA_ATTRIBUTES, testRegistry } from '../testing/registry.ts';
import { deviceType } from '../testing/types.ts';
import { exportDevices, importDevices, type TransferFormat } from './transfer.ts';

const by = 'test';

function setUp() {
  const world = testRegistry();
  const tokens = new Tokens(world.parts, world.registry, new PasswordVerifier());
  const read = (format: TransferFormat, text: string | Uint8Array, isDryRun = false) =>
    importDevices(piecesOf(Buffer.from(text)), { format, registry: world.registry, tokens, by, isDryRun });
  const exported = async (format: TransferFormat) => {
    let text = '';
    for await (const piece of exportDevices(world.registry, format)) text += piece;
    return text;
  };
  return { ...world, tokens, read, exported };
}

async function* piecesOf(bytes: Uint8Array, length = 7): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

const CSV = [
  'id,type,attr.thing,attr.partner,attr.space,groups,token',
  'd1,camera,t1,p1,s1,g;h,9f1c7a52-6f0e-4f5c-9d4b-1f6f2b0c8a11',
  'd2,camera,"t,2",p1,s1,,',
].join('\r\n');

test('imports devices and their tokens from CSV, and the same again changes nothing', async () => {
  const { registry, tokens, read, parts } = setUp();
  assert.deepEqual(await read('csv', CSV), {
    added: 2,
    changed: 0,
    unchanged: 0,
    tokens: 1,
    weakTokens: 0,
    faulty: 0,
    faults: [],
  });
  const d1 = await registry.get('d1');
  assert.deepEqual([d1?.device.groups, (await registry.get('d2'))?.device.attributes.thing], [['g', 'h'], 't,2']);
  const verdict = await tokens.check(d1, Buffer.from('9f1c7a52-6f0e-4f5c-9d4b-1f6f2b0c8a11'));
  assert.equal(verdict.kind, 'right');
  const before = parts.events.length;
  assert.deepEqual(await read('csv', `\ufeff${CSV}\n`), {
    added: 0,
    changed: 0,
    unchanged: 2,
    tokens: 0,
    weakTokens: 0,
    faulty: 0,
    faults: [],
  });
  assert.equal(parts.events.length, before);
});

test('counts tokens below 16 bytes, and shows none of them', async () => {
  const { read } = setUp();
  const rows = ['short', 'é'.repeat(8), 'x'.repeat(15), 'x'.repeat(16)].map((token, n) => `d${n},lamp,${token}`);
  const text = ['id,type,token', ...rows].join('\n');
  const dry = await read('csv', text, true);
  assert.deepEqual([dry.tokens, dry.weakTokens, dry.faults], [0, 2, []]);
  const report = await read('csv', text);
  assert.deepEqual([report.tokens, report.weakTokens], [4, 2]);
  assert.equal((await read('csv', text)).weakTokens, 2);
  assert.equal(JSON.stringify(report).includes('short'), false);
});

test('changes what a file names and leaves the rest', async () => {
  const { registry, read } = setUp();
  await read('csv', CSV);
  const report = await read('json', '{"id":"d1","name":"Hall","attributes":{"room":"x"}}\n{"id":"d2"}\n');
  assert.deepEqual([report.changed, report.unchanged], [1, 1]);
  const device = (await registry.get('d1'))?.device;
  assert.deepEqual(
    [device?.name, device?.groups, device?.attributes],
    ['Hall', ['g', 'h'], { ...CAMERA_ATTRIBUTES, room: 'x' }],
  );
});

test('names every faulty line, and imports the others', async () => {
  const { registry, read } = setUp();
  const lines = [
    '{"id":"d1","type":"player"}',
    '{"id":"a/b","type":"player"}',
    '{"id":"d2","type":"none"}',
    'not json, token dt_secret',
    '[]',
    '',
    '{"id":"d3","type":"camera"}',
    '{"id":"d4","type":"player","token":7}',
    '{"id":"d5","type":"player"}',
  ];
  const { added, faulty, faults } = await read('json', lines.join('\n'));
  assert.deepEqual([added, faulty], [2, 6]);
  assert.deepEqual(
    faults.map(({ line }) => line),
    [2, 3, 4, 5, 7, 8],
  );
  for (const { problem } of faults) assert.match(problem, /expected/);
  assert.equal(JSON.stringify(faults).includes('dt_secret'), false);
  assert.deepEqual(
    (await registry.list()).devices.map(({ device }) => device.id),
    ['d1', 'd5'],
  );
  const csv = await read('csv', 'id,type\nd6,player\nd7\nd"8,player\nd9,player');
  assert.deepEqual([csv.added, csv.faults.map(({ line }) => line)], [2, [3, 4]]);
});

test('says in a dry run what would be done, and does nothing', async () => {
  const { registry, read } = setUp();
  await registry.add({ id: 'd1', type: 'player' }, by);
  const text = JSON.stringify([
    { id: 'd1', name: 'x' },
    { id: 'd1' },
    { id: 'd2', type: 'lamp', token: 'x' },
    { id: '' },
    { id: 'd3', type: 'lamp', token: '' },
  ]);
  const report = await read('json', text, true);
  assert.deepEqual([report.added, report.changed, report.unchanged, report.tokens, report.faulty], [1, 1, 1, 0, 2]);
  assert.equal((await registry.get('d1'))?.device.name, '');
  assert.equal(await registry.get('d2'), undefined);
});

test('leaves out an entry whose token its type does not take, dry or not', async () => {
  for (const isDryRun of [true, false]) {
    const { registry, read } = setUp();
    await registry.add({ id: 'd1', type: 'player' }, by);
    const text = JSON.stringify([
      { id: 'd1', name: 'x', token: 'y'.repeat(40) },
      { id: 'd2', type: 'player', token: 'y'.repeat(40) },
    ]);
    const { faulty, faults, added, changed } = await read('json', text, isDryRun);
    assert.deepEqual([faulty, added, changed], [2, 0, 0]);
    assert.match(faults[0].problem, /the type "player" come in with certificates only; a certificate is expected/);
    assert.equal(await registry.get('d2'), undefined);
  }
});

test('takes an id that comes twice one after the other', async () => {
  const { registry, read } = setUp();
  const lines = Array.from({ length: 600 }, (_, n) =>
    JSON.stringify({ id: `d${n % 3}`, type: 'player', name: `${n}` }),
  );
  const report = await read('json', lines.join('\n'));
  assert.deepEqual([report.added, report.changed, report.faulty], [3, 597, 0]);
  assert.deepEqual(
    (await registry.list()).devices.map(({ device }) => device.name),
    ['597', '598', '599'],
  );
});

test('ends with what is no fault of the file', async () => {
  const { parts, read } = setUp();
  const table = parts.tables.table({ name: 'devices', indexes: {} });
  table.put = async () => assert.fail('no room');
  const lines = Array.from({ length: 300 }, (_, n) => `{"id":"d${n}","type":"player"}`).join('\n');
  await assert.rejects(read('json', lines), { message: 'no room' });
});

test('leaves nothing under way where it ends early', async () => {
  const { parts, registry } = setUp();
  const table = parts.tables.table<never>({ name: 'devices', indexes: {} });
  const put = table.put.bind(table);
  let underWay = 0;
  table.put = async (...write) => {
    underWay += 1;
    await new Promise(setImmediate);
    underWay -= 1;
    return put(...write);
  };
  const lines = Array.from({ length: 10 }, (_, n) => `{"id":"d${n}","type":"player"}\n`).join('');
  async function* source() {
    yield Buffer.from(lines);
    assert.notEqual(underWay, 0);
    yield Uint8Array.of(0xff);
  }
  await assert.rejects(importDevices(source(), { format: 'json', registry, tokens: undefined, by, isDryRun: false }), {
    code: 'invalid',
  });
  assert.equal(underWay, 0);
});

test('refuses a file that is none', async () => {
  const { read } = setUp();
  await assert.rejects(read('json', Uint8Array.of(0x5b, 0xff)), { code: 'invalid' });
  await assert.rejects(read('csv', 'name,type\nx,player'), { code: 'invalid' });
  assert.deepEqual((await read('csv', '')).faulty, 0);
  const bounded = await read('json', 'x\n'.repeat(1_500));
  assert.deepEqual([bounded.faulty, bounded.faults.length], [1_500, 1_000]);
});

test('imports what it exported into an equal registry, as JSON and as CSV', async () => {
  const text = fc.string({
    unit: fc.constantFrom('a', 'é', '"', ',', '=', "'", ';', ' ', '-'),
    minLength: 1,
    maxLength: 6,
  });
  const input = fc.record({
    name: fc.oneof(fc.constant(''), text),
    attributes: fc.dictionary(fc.constantFrom('a', 'b', 'constructor'), text.filter(isAttributeValue)),
    groups: fc.uniqueArray(fc.constantFrom('g', '=h', '-i'), { maxLength: 3 }),
    enabled: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(input, { maxLength: 5 }), fc.constantFrom('json', 'csv'), async (inputs, format) => {
      const [one, other] = [setUp(), setUp()];
      for (const world of [one, other]) world.types.prepareReplace([deviceType({ name: 'any' })])();
      for (const [n, each] of inputs.entries())
        await one.registry.add(
          { id: `=d${n}`, type: 'any', ...each, ...(n % 2 && { owner: 'ada', authority: 'acme' }) },
          by,
        );
      const file = await one.exported(format as TransferFormat);
      assert.equal((await other.read(format as TransferFormat, file)).faulty, 0, file);
      const list = async ({ registry }: typeof one) => (await registry.list()).devices.map(({ device }) => device);
      assert.deepEqual(await list(other), await list(one));
    }),
    { numRuns: 60 },
  );
});
