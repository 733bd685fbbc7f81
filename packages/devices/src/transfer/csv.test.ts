import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CsvReader, csvLine } from './csv.ts';

function read(...pieces: string[]) {
  const reader = new CsvReader();
  return [...pieces.flatMap((piece) => reader.push(piece)), ...reader.end()];
}

test('reads back what it wrote, in pieces of any length', () => {
  const rows = fc.array(
    fc.array(fc.string({ unit: fc.constantFrom('a', '"', ',', '\r', '\n', '=', "'", ' ', 'é') }), {
      minLength: 1,
      maxLength: 4,
    }),
  );
  fc.assert(
    fc.property(rows, fc.integer({ min: 1, max: 7 }), (fields, length) => {
      // A record of one empty field is an empty line.
      const written = fields.filter((row) => row.length > 1 || row[0] !== '');
      const text = written.map(csvLine).join('');
      const pieces = Array.from({ length: Math.ceil(text.length / length) }, (_, n) =>
        text.slice(n * length, (n + 1) * length),
      );
      assert.deepEqual(
        read(...pieces).map((record) => record.problem ?? record.fields),
        written,
      );
    }),
  );
});

test('counts lines, whatever they end in, also those within quotation marks', () => {
  const records = read('a,b\r\n\r\n"c\nd",e\rf,g\n\nh,i');
  assert.deepEqual(records, [
    { line: 1, fields: ['a', 'b'] },
    { line: 3, fields: ['c\nd', 'e'] },
    { line: 5, fields: ['f', 'g'] },
    { line: 7, fields: ['h', 'i'] },
  ]);
});

test('names the line of a fault and goes on behind it', () => {
  const problems = read('a\nb"c,d\n"e"f,g\nh\n"i\nj').map((record) => [record.line, record.problem]);
  assert.deepEqual(problems, [
    [1, undefined],
    [2, 'a field with quotation marks is expected within quotation marks'],
    [3, 'a comma is expected behind a closing quotation mark'],
    [4, undefined],
    [5, 'its quotation mark is not closed'],
  ]);
});

test('bounds a record', () => {
  const [long, next] = read(`${'x'.repeat(300_000)}\n`, 'a');
  assert.match(long.problem ?? '', /more than 262144 characters/);
  assert.deepEqual(next, { line: 2, fields: ['a'] });
  assert.match(read(','.repeat(2_000))[0].problem ?? '', /more than 1000 fields/);
});

test('writes nothing that a spreadsheet computes', () => {
  for (const text of ['=1+1', '+1', '-1', '@SUM(A1)', "'x", '\tx']) {
    assert.ok(csvLine([text]).startsWith("'"), text);
    assert.deepEqual(read(csvLine([text])), [{ line: 1, fields: [text] }]);
  }
});
