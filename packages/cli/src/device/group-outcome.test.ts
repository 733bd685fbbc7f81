import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BatchAnswer, CommandAnswer } from './answers.ts';
import { BatchTally, groupReport, tallyText } from './group-outcome.ts';

const BATCH: BatchAnswer = {
  ...{ id: 'b-1', group: 'hall', type: 'wake', state: 'done', requested: 0, refused: 0, refusals: [] },
};

function tallyOf(...commands: Partial<CommandAnswer>[]): BatchTally {
  const tally = new BatchTally();
  for (const said of commands)
    tally.add({
      ...{ id: 'c', deviceId: 'd', type: 'wake', state: 'queued', confirmed: false, awaitsAcknowledgement: false },
      ...{ attempts: 0, requestedAtMs: 0, expiresAtMs: 1, why: '' },
      ...said,
    });
  return tally;
}

const ended = { endedAtMs: 1 };
const CONFIRMED = { state: 'sent', confirmed: true, ...ended } as const;
const UNCONFIRMED = { state: 'sent' } as const;

test('a summary counts what became of each, and ends with the worst of it', () => {
  const cases: [Partial<CommandAnswer>[], string, number][] = [
    [[CONFIRMED, { state: 'acknowledged', ...ended }, CONFIRMED], '1 acknowledged, 2 confirmed', 0],
    [[CONFIRMED, UNCONFIRMED], '1 confirmed, 1 sent unconfirmed', 0],
    [[CONFIRMED, { ...UNCONFIRMED, awaitsAcknowledgement: true }], '1 confirmed, 1 unanswered', 10],
    [[CONFIRMED, { state: 'sent', confirmed: true }], '1 confirmed, 1 received', 11],
    [[{}, UNCONFIRMED], '1 sent unconfirmed, 1 queued', 12],
    [[{}, { state: 'expired', ...ended }], '1 queued, 1 expired', 13],
    [
      [
        { state: 'expired', ...ended },
        { state: 'failed', ...ended },
      ],
      '1 expired, 1 failed',
      14,
    ],
  ];
  for (const [commands, text, code] of cases) {
    const batch = { ...BATCH, requested: commands.length };
    const { lines, exitCode } = groupReport(batch, tallyOf(...commands), 'followed');
    assert.deepEqual([lines, exitCode], [[`wake to hall: ${commands.length} asked, ${text}`, '  batch b-1'], code]);
  }
});

test('members that took no command are named, the first of them, and are a failure', () => {
  const refusals = [{ deviceId: 'd1', code: 'device-disabled' }];
  const { lines, exitCode } = groupReport({ ...BATCH, refused: 3, refusals }, tallyOf(), 'followed');
  assert.deepEqual(lines, [
    'wake to hall: 0 asked, 3 refused',
    '  d1: refused (device-disabled)',
    '  and 2 more',
    '  batch b-1',
  ]);
  assert.equal(exitCode, 14);
});

test('one that was cancelled says so, and who does not wait has the batch', () => {
  const cancelled = groupReport({ ...BATCH, state: 'cancelled', requested: 1 }, tallyOf(CONFIRMED), 'followed');
  assert.deepEqual(
    [cancelled.lines[1], cancelled.exitCode],
    ['  It is cancelled: the rest of the group is not asked.', 14],
  );
  const begun = groupReport({ ...BATCH, state: 'running' }, tallyOf(), 'no-wait');
  assert.deepEqual([begun.lines, begun.exitCode], [['wake to hall: begun', '  batch b-1'], undefined]);
  const stopped = groupReport({ ...BATCH, state: 'running' }, tallyOf(), 'server-stopped');
  assert.deepEqual([stopped.lines[0], stopped.exitCode], ['wake to hall: queued', 12]);
});

test('while it goes on the line says so far, and what may still come is open', () => {
  const tally = tallyOf({}, CONFIRMED, UNCONFIRMED);
  assert.equal(
    tallyText({ ...BATCH, state: 'running', requested: 3 }, tally),
    '3 asked so far, 1 confirmed, 1 sent unconfirmed, 1 queued',
  );
  assert.equal(tally.open, 1);
  const copy = tally.copy();
  assert.deepEqual([copy.open, copy.of('queued')], [1, 1]);
});
