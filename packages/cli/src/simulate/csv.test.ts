import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { csvRecords, csvRows } from './csv.ts';

test('fields in quotes may hold everything', () => {
  assert.deepEqual(csvRows('a,"b,""c""\nd"\r\n,\n1,2'), [
    ['a', 'b,"c"\nd'],
    ['', ''],
    ['1', '2'],
  ]);
});

test('what is written in quotes is read as it was', () => {
  const table = fc.array(fc.array(fc.string(), { minLength: 2, maxLength: 4 }), { maxLength: 5 });
  fc.assert(
    fc.property(table, (rows) => {
      const text = rows.map((row) => row.map((field) => `"${field.replaceAll('"', '""')}"`).join(',')).join('\n');
      assert.deepEqual(csvRows(text), rows);
    }),
  );
});

test('records have the names of the first row', () => {
  assert.deepEqual(csvRecords('\uFEFFid,token\nx,1\n\ny,2\n'), [
    { id: 'x', token: '1' },
    { id: 'y', token: '2' },
  ]);
});

test('faults are told by row, without a value', () => {
  assert.throws(() => csvRecords('id,token\nx,secret,1'), { message: 'row 1 has 3 fields, 2 are expected' });
  assert.throws(() => csvRecords('id\nse"cret'), { message: 'line 2 has a quote where none is expected' });
  assert.throws(() => csvRecords('id,my token\n'), { message: /letters, digits and _/ });
  assert.throws(() => csvRecords(''), { message: 'it is empty' });
});
