import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecordedTerminal } from './contract/recorded-terminal.ts';
import { printOutcome } from './outcome.ts';

const hostile = 'a\u001b[2J\nb\u202e\u{e0041}';

test('no text moves the cursor, and a line stays one line', () => {
  const terminal = new RecordedTerminal();
  assert.equal(printOutcome({ json: {}, lines: [hostile], remarks: [hostile] }, false, terminal), 0);
  const shown = 'a\\u001b[2J\\u000ab\\u202e\\udb40\\udc41\n';
  assert.deepEqual([terminal.out, terminal.err], [shown, shown]);
});

test('JSON is one line, escaped, and the same value', () => {
  const terminal = new RecordedTerminal();
  const exitCode = printOutcome({ json: { hostile }, lines: ['x'], remarks: ['x'], exitCode: 4 }, true, terminal);
  assert.equal(exitCode, 4);
  assert.match(terminal.out, /^[ -~]+\n$/);
  assert.deepEqual([JSON.parse(terminal.out), terminal.err], [{ hostile }, '']);
});
