import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecordedTerminal } from './contract/recorded-terminal.ts';
import { printOutcome } from './outcome.ts';

const hostile = 'a\u001b[2J\nb\u202e\u{e0041}';

test('no text moves the cursor, and a line stays one line', async () => {
  const terminal = new RecordedTerminal();
  assert.equal(await printOutcome({ json: {}, lines: [hostile], remarks: [hostile] }, false, terminal), 0);
  const shown = 'a\\u001b[2J\\u000ab\\u202e\\udb40\\udc41\n';
  assert.deepEqual([terminal.out, terminal.err], [shown, shown]);
});

test('JSON is one line, escaped, and the same value', async () => {
  const terminal = new RecordedTerminal();
  const exitCode = await printOutcome({ json: { hostile }, lines: ['x'], remarks: ['x'], exitCode: 4 }, true, terminal);
  assert.equal(exitCode, 4);
  assert.match(terminal.out, /^[ -~]+\n$/);
  assert.deepEqual([JSON.parse(terminal.out), terminal.err], [{ hostile }, '']);
});

test('what can be had once and was not taken is a failure that says what to do, whoever is to blame', async () => {
  for (const code of ['ENOSPC', 'EPIPE']) {
    const terminal = new RecordedTerminal();
    terminal.breakOutput(code);
    const secret = { json: {}, lines: ['secret'], remarks: ['Made.'], ifLost: 'Revoke it.' };
    const message = `Cannot write the output: write ${code}\nRevoke it.`;
    for (const isJson of [true, false])
      await assert.rejects(printOutcome(secret, isJson, terminal), { exitCode: 3, message });
    assert.equal(terminal.err, '');
  }
});
