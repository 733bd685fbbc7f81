import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readServiceHeaders } from './service-headers.ts';
import { testFile } from './testing/tokens.ts';

test('headers come as they are given and from files, without the line break of an editor', (context) => {
  const headerFiles = { Authorization: testFile(context, 'token', 'Bearer a-token\r\n') };
  assert.deepEqual(readServiceHeaders({}), {});
  assert.deepEqual(readServiceHeaders({ headers: { 'X-A': 'b' }, headerFiles }), {
    'X-A': 'b',
    Authorization: 'Bearer a-token',
  });
});

test('a header that cannot be sent, or whose file cannot be read, is named without its value', (context) => {
  const cannot = 'a name and a value of one line are expected';
  const wrong = testFile(context, 'wrong', 'a-secret\nX-B: c');
  const problems: [Parameters<typeof readServiceHeaders>[0], string][] = [
    [{ headers: { 'X A': 'b' } }, `Cannot send the header "X A": ${cannot}`],
    [{ headers: { A: 'a-secret\r\nB: c' } }, `Cannot send the header "A": ${cannot}`],
    [{ headerFiles: { A: wrong } }, `Cannot send the header "A": ${cannot}`],
    [{ headerFiles: { A: 'none' } }, 'Cannot read the header "A" from "none": there is no such file'],
  ];
  for (const [headers, message] of problems) assert.throws(() => readServiceHeaders(headers), { message });
  const large = testFile(context, 'large', 'x'.repeat(16_385));
  assert.throws(() => readServiceHeaders({ headerFiles: { A: large } }), /it has 16385 bytes, at most 16384/);
});
