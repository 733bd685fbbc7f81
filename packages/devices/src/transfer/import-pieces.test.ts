import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { testRegistry } from '../testing/registry.ts';
import { importPieces } from './import-pieces.ts';
import { exportDevices, type ImportFault, importDevices, type TransferFormat } from './transfer.ts';

async function* bytesOf(text: string, length = 11): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

/** What importing it does, with the registry behind it. */
async function imported(format: TransferFormat, texts: AsyncIterable<{ text: string; lines?: readonly number[] }>) {
  const { registry } = testRegistry();
  const counts = { added: 0, changed: 0, unchanged: 0, faulty: 0 };
  const faults: ImportFault[] = [];
  for await (const { text, lines } of texts) {
    const report = await importDevices(bytesOf(text), {
      format,
      registry,
      tokens: undefined,
      by: 't',
      isDryRun: false,
    });
    for (const name of ['added', 'changed', 'unchanged', 'faulty'] as const) counts[name] += report[name];
    faults.push(...report.faults.map(({ line, problem }) => ({ line: lines?.[line - 1] ?? line, problem })));
  }
  let devices = '';
  for await (const text of exportDevices(registry, 'json')) devices += text.replace(/"\w+AtMs":\d+/g, '');
  return { counts, faults, devices };
}

async function* whole(text: string) {
  yield { text };
}

async function compare(format: TransferFormat, text: string, charactersMax: number): Promise<void> {
  const found: ImportFault[] = [];
  const pieces = async function* () {
    for await (const piece of importPieces(bytesOf(text), format, charactersMax)) {
      found.push(...piece.faults);
      if (piece.text !== '') yield piece;
    }
  };
  const once = await imported(format, whole(text));
  const parts = await imported(format, pieces());
  const inOrder = (faults: readonly ImportFault[]) =>
    faults.map(({ line, problem }) => `${line}: ${problem}`).sort((one, other) => (one < other ? -1 : 1));
  assert.deepEqual(inOrder([...parts.faults, ...found]), inOrder(once.faults));
  assert.deepEqual(
    { ...parts.counts, faulty: parts.counts.faulty + found.length, devices: parts.devices },
    { ...once.counts, devices: once.devices },
  );
}

const entry = fc.constantFrom(
  '{"id":"a","type":"player"}',
  '{"id":"b","type":"player","name":"x\\ny"}',
  '{"id":"b","type":"player",\n"name":"z"}',
  '{"id":"c/","type":"player"}',
  '{"__proto__":1,"id":"d","type":"player"}',
  '[1,2]',
  'null',
  '{',
  '"]"',
);

test('a file of JSON in pieces is imported as it is at once, faults with their lines', async () => {
  const list = fc.array(entry, { maxLength: 8 }).map((entries) => `\n[ ${entries.join(' ,\n\n')} ]\n`);
  const lines = fc.array(entry, { maxLength: 8 }).map((entries) => entries.join('\n'));
  const text = fc.oneof(list, lines);
  await fc.assert(
    fc.asyncProperty(text, fc.integer({ min: 1, max: 80 }), (given, max) => compare('json', given, max)),
    { numRuns: 300 },
  );
});

test('a file of CSV in pieces is imported as it is at once, faults with their lines', async () => {
  const row = fc.constantFrom(
    'a,player,one',
    '"b",player,"two\nlines"',
    'b,player,"say ""x"""',
    "c,player,'=1+1",
    '"\r"',
    'd,player',
    '"',
    '""',
    '',
    'e,"player"x,y',
  );
  const text = fc
    .tuple(
      fc.constantFrom('id,type,name', '"id",type,"name"'),
      fc.array(row, { maxLength: 8 }),
      fc.constantFrom('\n', '\r\n', '\r'),
    )
    .map(([header, rows, lineEnd]) => [header, ...rows].join(lineEnd));
  await fc.assert(
    fc.asyncProperty(text, fc.integer({ min: 1, max: 80 }), (given, max) => compare('csv', given, max)),
    { numRuns: 300 },
  );
});

test('no piece is much longer than it may be', async () => {
  const text = Array.from({ length: 500 }, (_, at) => `{"id":"d${at}","type":"player"}`).join('\n');
  let devices = 0;
  for await (const piece of importPieces(bytesOf(text, 1_000), 'json', 300)) {
    assert.ok(piece.text.length < 400);
    devices += JSON.parse(piece.text === '' ? '[]' : piece.text).length;
  }
  assert.equal(devices, 500);
});

test('a file of nothing but faults comes in pieces too', async () => {
  for (const [format, header, fault] of [
    ['json', '', 'x\n'],
    ['csv', 'id\n', 'a"b\n'],
  ] as const) {
    const found: number[] = [];
    for await (const { faults } of importPieces(bytesOf(header + fault.repeat(2_500), 1_000), format, 300)) {
      assert.ok(faults.length <= 1_000);
      found.push(...faults.map(({ line }) => line));
    }
    const first = header === '' ? 1 : 2;
    assert.deepEqual(
      found,
      Array.from({ length: 2_500 }, (_, at) => at + first),
    );
  }
});
