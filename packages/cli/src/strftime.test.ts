import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { convert, isConversion, isoTime, isoTimeMicroseconds, momentNow } from './strftime.ts';

const letters = 'aAbBcCdDeFgGhHIjklmMnpPrRsStTuUVwWxXyYz';
/** Around turns of years, weeks, days, hours and a leap day. */
const seconds = [
  0, 951_782_399, 951_868_800, 1_104_537_599, 1_104_537_600, 1_230_768_000, 1_262_304_000, 1_293_839_999, 1_325_376_000,
  1_456_704_000, 1_483_228_799, 1_600_000_000, 1_609_459_200, 1_735_689_599, 1_795_225_498, 4_102_444_799,
];

test('every conversion gives what date(1) gives', () => {
  for (const second of seconds) {
    const format = [...letters].map((letter) => `%${letter}`).join('|');
    const found = spawnSync('date', ['-d', `@${second}`, `+${format}`], {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C' },
    });
    assert.equal(found.status, 0, found.stderr);
    const ours = [...letters].map((letter) => convert(letter, { epochMs: second * 1000, nanoseconds: 0 })).join('|');
    assert.equal(`${ours}\n`, found.stdout);
  }
});

test('@N is the nanoseconds, nine digits', () => {
  assert.equal(convert('N', { epochMs: 1000, nanoseconds: 5000 }), '000005000');
  assert.equal(isConversion('N') && isConversion('Y'), true);
  assert.equal(isConversion('q') || isConversion('') || isConversion('toString'), false);
});

test('ISO times have the offset of the time zone', () => {
  const moment = { epochMs: 1_588_803_120_250, nanoseconds: 250_125_000 };
  assert.match(isoTime(moment), /^2020-05-0[67]T\d\d:\d\d:00[+-]\d{4}$/);
  assert.match(isoTimeMicroseconds(moment), /^2020-05-0[67]T\d\d:\d\d:00\.250125[+-]\d{4}$/);
});

test('now is now, and its parts agree', () => {
  const before = Date.now();
  const { epochMs, nanoseconds } = momentNow();
  assert.ok(Math.abs(epochMs - before) < 60_000);
  assert.equal(Math.floor(nanoseconds / 1_000_000), epochMs % 1000);
});
