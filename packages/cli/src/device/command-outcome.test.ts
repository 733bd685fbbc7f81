import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CommandAnswer } from './answers.ts';
import { commandReport, type Whereabouts } from './command-outcome.ts';

const NOW = Date.UTC(2026, 0, 2);

function command(said: Partial<CommandAnswer>): CommandAnswer {
  return {
    ...{ id: 'c-1', deviceId: 'cam-1', type: 'wake', state: 'queued', confirmed: false, attempts: 0, why: '' },
    ...{ awaitsAcknowledgement: false },
    ...{ requestedAtMs: NOW - 250, expiresAtMs: NOW + 60_000 },
    ...said,
  };
}

const ended = { endedAtMs: NOW };
const away: Whereabouts = { connected: false, session: 3 };
const here: Whereabouts = { connected: true, session: 3 };

test('everything that may become of a command has words of its own, and most an exit code of its own', () => {
  const cases: readonly [Partial<CommandAnswer>, Whereabouts, string, RegExp, number][] = [
    [
      { state: 'acknowledged', confirmed: true, ...ended },
      undefined,
      'acknowledged',
      /says that it was done, 250 ms after/,
      0,
    ],
    [{ state: 'sent', confirmed: true, ...ended }, undefined, 'confirmed', /answered with PUBACK, 250 ms after/, 0],
    [
      { state: 'sent' },
      undefined,
      'sent unconfirmed',
      /unconfirmed because the device subscribed at QoS 0.* UTC, in 60 s\./,
      0,
    ],
    [{ state: 'sent', awaitsAcknowledgement: true }, undefined, 'unanswered', /has not said so\. It has until/, 10],
    [{ state: 'sent', confirmed: true }, undefined, 'received', /has not said yet that it was done/, 11],
    [{}, away, 'queued', /^ {2}The device is not connected\. It goes out when/, 12],
    [{}, { connected: false, session: 0 }, 'queued', /, and never was\./, 12],
    [{}, here, 'queued', /The device is connected and has not got it yet/, 12],
    [{}, 'server-stopped', 'queued', /No server runs\./, 12],
    [{}, undefined, 'queued', /It goes out when the device is subscribed/, 12],
    [
      { state: 'expired', ...ended, why: 'it did not go out in time' },
      undefined,
      'expired',
      /It did not go out in time\./,
      13,
    ],
    [{ state: 'failed', ...ended, why: 'cancelled by local' }, undefined, 'failed', /Cancelled by local\./, 14],
    [{ state: 'failed', ...ended }, undefined, 'failed', /The server does not say why\./, 14],
  ];
  for (const [said, where, word, sentence, exitCode] of cases) {
    const report = commandReport(command(said), where, NOW);
    assert.deepEqual([report.word, report.exitCode], [word, exitCode]);
    const [first, second, third] = report.lines;
    assert.deepEqual([first, third], [`wake to cam-1: ${word}`, '  command c-1']);
    assert.match(second, sentence);
  }
});
