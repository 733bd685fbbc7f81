import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEVICE_CHECKS } from '@dunlin/devices';
import type { DeviceAnswer, RefusalAnswer, WhyAnswer } from './answers.ts';
import { whyOutcome } from './why-report.ts';

const NOW = Date.UTC(2026, 0, 2, 12);
const device = { id: 'cam-1', type: 'camera' } as DeviceAnswer;
const context = { device, isStopped: false, nowMs: NOW, shellWord: (text: string) => `'${text}'` };
const report: WhyAnswer = {
  deviceId: 'cam-1',
  isKnown: true,
  hindrances: [],
  tokens: [],
  certificates: [],
  refusals: [],
};

function refusal(check: string, said: Partial<RefusalAnswer> = {}): RefusalAnswer {
  return { check, clientId: 'c', firstAtMs: NOW - 60_000, lastAtMs: NOW - 30_000, count: 1, ...said };
}

test('the last refusal stands first, with what was found, who it was and what to do about it', () => {
  const refusals = [
    refusal('client-id', {
      detail: '{space} of the client id is "x"',
      address: '192.0.2.7',
      listener: 'tcp',
      count: 3,
    }),
    refusal('mystery'),
  ];
  const { lines, exitCode } = whyOutcome({ ...report, refusals }, context);
  assert.equal(exitCode, undefined);
  assert.deepEqual(lines, [
    'cam-1, of the type camera, can come in: nothing of what is stored keeps it out.',
    '',
    'It was last refused 2026-01-02 11:59:30 UTC, 30 s ago, and 3 times in all, first 60 s ago:',
    '    why     its Client Identifier is not one of this device (client-id)',
    '    found   {space} of the client id is "x"',
    '    client  "c" from 192.0.2.7 at tcp',
    "    remedy  set another one at the device, or correct its attributes: dunlin device change 'cam-1' --attribute NAME=VALUE",
    '',
    'Before that:',
    '  30 s ago:',
    '    why     the server refused it (mystery)',
    '    client  "c"',
    '',
    'What the server knows of it:',
    '  presence     it never connected',
    '  credentials  none',
  ]);
});

test('what keeps it out as things are stands first, and ends with 4', () => {
  const { lines, exitCode } = whyOutcome({ ...report, hindrances: ['the device is disabled'] }, context);
  assert.deepEqual(
    [exitCode, lines.slice(0, 2)],
    [4, ['cam-1, of the type camera, cannot come in as things are:', '  the device is disabled']],
  );
  const unknown = whyOutcome(
    { ...report, isKnown: false, hindrances: ['no device'] },
    { ...context, device: undefined },
  );
  assert.deepEqual(unknown.lines, [
    'cam-1 cannot come in: there is no such device.',
    '  no device',
    '',
    'It was not refused since the server started.',
  ]);
});

test('every check of devices has words for people', () => {
  for (const check of Object.keys(DEVICE_CHECKS)) {
    const { lines } = whyOutcome({ ...report, refusals: [refusal(check)] }, context);
    assert.ok(!lines.some((line) => line.includes('the server refused it')), check);
  }
});
