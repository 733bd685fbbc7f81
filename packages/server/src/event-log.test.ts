import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logEvent } from './event-log.ts';
import type { ServerEvent } from './events.ts';
import { Log } from './log.ts';
import type { LogLine } from './log-destination.ts';

function written(event: ServerEvent, level: 'info' | 'warn' = 'info'): Record<string, unknown>[] {
  let text = '';
  const clock = { nowMs: () => 0, steadyMs: () => 0, every: () => ({ cancel() {} }), endOfTurn() {} };
  const write = (lines: readonly LogLine[]): void => {
    for (const line of lines) text += `${line.text}\n`;
  };
  const log = new Log({ level, format: 'json', colour: false, clock, write });
  logEvent(log, event);
  log.flush();
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

test('logs an event at its level with all its fields', () => {
  assert.deepEqual(written({ name: 'sessionTakenOver', clientId: 'a', address: '127.0.0.1', newAddress: '::1' }), [
    {
      time: '1970-01-01T00:00:00.000Z',
      level: 'warn',
      event: 'sessionTakenOver',
      clientId: 'a',
      address: '127.0.0.1',
      newAddress: '::1',
    },
  ]);
});

test('names the Reason Code where the event gives no reason', () => {
  const fields = {
    name: 'publishRefused',
    clientId: 'a',
    username: 'u',
    topic: 't',
    reasonCode: 0x87,
    rule: 'rule 7',
  } as const;
  assert.match(String(written({ ...fields, reason: '' })[0].reason), /not authorized/i);
  assert.equal(written({ ...fields, reason: 'too long' })[0].reason, 'too long');
});

test('logs nothing below the level', () => {
  assert.deepEqual(written({ name: 'listening', listener: 'tcp', address: '127.0.0.1:1' }, 'warn'), []);
});

test('says what to do where somebody must do something', () => {
  const [line] = written({ name: 'storeNearlyFull', freeBytes: 1, storeFreeBytesMin: 2 });
  assert.deepEqual([line.freeBytes, line.storeFreeBytesMin], [1, 2]);
  assert.match(
    String(line.remedy),
    /^make room on the file system of the data directory .*, or lower storeFreeBytesMin$/,
  );
});
