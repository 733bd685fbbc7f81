import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '@dunlin/broker';
import fc from 'fast-check';
import { Log, type LogOptions } from './log.ts';
import type { LogLine } from './log-destination.ts';

interface Bench {
  readonly log: Log;
  /** Ends the turn and returns what was written since the last call. */
  readonly lines: () => string[];
  readonly advance: (ms: number) => void;
}

function bench(options: Partial<LogOptions> = {}): Bench {
  let nowMs = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
  let written = '';
  let ends: (() => void)[] = [];
  const timers = new Set<() => void>();
  const clock: Clock = {
    nowMs: () => nowMs,
    steadyMs: () => nowMs,
    every(_delayMs, run) {
      timers.add(run);
      return { cancel: () => void timers.delete(run) };
    },
    endOfTurn: (run) => void ends.push(run),
  };
  const write = (lines: readonly LogLine[]): void => {
    for (const line of lines) written += `${line.text}\n`;
  };
  return {
    log: new Log({ level: 'info', format: 'human', colour: false, clock, write, ...options }),
    lines() {
      for (const end of ends) end();
      ends = [];
      const lines = written.split('\n').slice(0, -1);
      written = '';
      return lines;
    },
    advance(ms) {
      nowMs += ms;
      for (const run of [...timers]) run();
    },
  };
}

test('writes a line for people: time, level, event, fields', () => {
  const { log, lines } = bench();
  log.log('info', 'clientConnected', { clientId: 'sensor-1', keepAlive: 60, username: undefined, reasonCode: 142 });
  const [line] = lines();
  assert.match(
    line,
    /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.678 info {2}client connected {5}clientId=sensor-1 keepAlive=60 reasonCode=0x8E$/,
  );
});

test('writes JSON, one object a line', () => {
  const { log, lines } = bench({ format: 'json' });
  log.log('warn', 'sessionTakenOver', { clientId: 'a', reasonCode: 142, username: undefined });
  assert.deepEqual(
    lines().map((line) => JSON.parse(line)),
    [{ time: '2026-01-02T03:04:05.678Z', level: 'warn', event: 'sessionTakenOver', clientId: 'a', reasonCode: 142 }],
  );
});

test('colours the level only where it is told to', () => {
  const coloured = bench({ colour: true });
  coloured.log.log('warn', 'draining');
  assert.ok(coloured.lines()[0].includes('\u001b[33mwarn'));
});

test('leaves out what is below its level', () => {
  const { log, lines } = bench({ level: 'warn' });
  log.log('info', 'clientConnected');
  log.log('error', 'storeFailed', { error: 'disk full' });
  assert.equal(lines().length, 1);
  assert.equal(log.writes('info'), false);
  assert.equal(log.writes('warn'), true);
});

test('shows hostile texts on one line, without characters that a terminal would obey', () => {
  const hostile = 'a\n2026-01-01 info  client connected\u001b[2J\u009b1m\u202e\u2028"';
  for (const format of ['human', 'json'] as const) {
    const { log, lines } = bench({ format });
    log.log('info', 'clientConnected', { clientId: hostile });
    const written = lines();
    assert.equal(written.length, 1);
    assert.doesNotMatch(written[0], /[\p{C}\p{Zl}]/u);
    if (format === 'json') assert.equal(JSON.parse(written[0]).clientId, hostile);
  }
});

test('writes one line without control characters for any text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.constantFrom('human' as const, 'json' as const), (text, format) => {
      const { log, lines } = bench({ format });
      log.log('info', 'clientConnected', { clientId: text });
      const written = lines();
      assert.equal(written.length, 1);
      assert.doesNotMatch(written[0], /[\p{Cc}\p{Cf}]/u);
    }),
  );
});

test('shortens long texts', () => {
  const { log, lines } = bench();
  log.log('info', 'clientConnected', { clientId: 'x'.repeat(65_535) });
  assert.ok(lines()[0].length < 450);
});

test('shortens by what is written: escaping must not make a line six times as long', () => {
  for (const format of ['human', 'json'] as const)
    for (const character of ['\u0000', '\u202e', '"', '\u{e0001}', '\ud800']) {
      const { log, lines } = bench({ format });
      log.log('info', 'clientConnected', { clientId: character.repeat(60_000) });
      const [line] = lines();
      assert.ok(line.length < 450, `${line.length} characters`);
      if (format === 'json') assert.match(JSON.parse(line).clientId, /… \(\d+ characters\)$/);
    }
});

test('writes the lines of a turn together', () => {
  let writes = 0;
  const { log, lines } = bench({ write: () => void writes++ });
  for (let line = 0; line < 10; line++) log.log('info', 'clientConnected');
  assert.equal(writes, 0);
  lines();
  assert.equal(writes, 1);
});

test('writes 50 lines of one event a second and counts the rest', () => {
  const { log, lines, advance } = bench();
  for (let line = 0; line < 80; line++) log.log('info', 'clientConnected');
  log.log('info', 'draining');
  assert.equal(lines().length, 51);
  advance(1_000);
  assert.match(lines()[0], /lines left out {7}of=clientConnected count=30$/);
  log.log('info', 'clientConnected');
  assert.equal(lines().length, 1);
  advance(1_000);
  assert.deepEqual(lines(), []);
});

test('writes 200 lines of all events a second besides the first 5 of each, counts the rest of each, and errors besides', () => {
  const { log, lines, advance } = bench();
  for (const event of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) for (let line = 0; line < 45; line++) log.log('info', event);
  log.log('error', 'storeFailed');
  const written = lines();
  assert.equal(written.length, 200 + 7 * 5 + 1);
  assert.match(written[235], /error store failed$/);
  advance(1_000);
  const told = lines();
  assert.match(told[0], /lines left out {7}of=f count=40$/);
  assert.match(told[1], /lines left out {7}of=g count=40$/);
  assert.equal(told.length, 2);
  log.log('info', 'g');
  assert.equal(lines().length, 1);
});

test('a storm of some events does not hide the few lines of another', () => {
  const { log, lines } = bench();
  for (const event of ['a', 'b', 'c', 'd', 'e', 'f']) for (let line = 0; line < 100; line++) log.log('warn', event);
  lines();
  for (let ban = 0; ban < 20; ban++) log.log('warn', 'addressBanned');
  log.log('warn', 'userAtAddressBanned');
  const written = lines();
  assert.equal(written.filter((line) => line.includes('address banned')).length, 5 + 1);
  assert.match(written[5], /user at address banned$/);
});

test('no field takes the place of time, level or event, and what is left out is told under its own name', () => {
  const { log, lines, advance } = bench({ format: 'json' });
  log.log('warn', 'draining', { event: 'forged', level: 'debug', time: 'never', clientId: 'a' });
  const own = { time: '2026-01-02T03:04:05.678Z', level: 'warn', event: 'draining' };
  assert.deepEqual(
    lines().map((line) => JSON.parse(line)),
    [{ ...own, clientId: 'a' }],
  );
  for (let line = 0; line < 51; line++) log.log('warn', 'connectRefused');
  lines();
  advance(1_000);
  assert.partialDeepStrictEqual(JSON.parse(lines()[0]), { event: 'linesLeftOut', of: 'connectRefused', count: 1 });
});
