/** Times as the flags of dunlin take them: a whole number and its unit. */

import { quoted } from '@dunlin/protocol';
import { usageError } from './exit-codes.ts';

const SECONDS: Readonly<Record<string, number>> = { s: 1, min: 60, h: 3_600, d: 86_400 };

/** The seconds of a text such as `90s`, `15min`, `1h` or `7d`, or a usage error which says from when to when. */
export function seconds(flag: string, text: string, least: string, most: string): number {
  const value = secondsOf(text);
  if (value >= secondsOf(least) && value <= secondsOf(most)) return value;
  throw usageError(`Cannot use ${flag} ${quoted(text)}: expected a time from ${least} to ${most}, such as 15min or 1h`);
}

/**
 * The moment, in milliseconds since 1970, of a text such as `1h` (ago), `2026-01-31` or `2026-01-31T08:00:00Z`, or a usage
 * error. Without a zone it is UTC, as in what is shown.
 */
export function moment(flag: string, text: string, nowMs: number): number {
  const ago = secondsOf(text) * 1_000;
  if (ago <= nowMs) return nowMs - ago;
  const [, date, time = 'T00:00:00', zone = 'Z'] = MOMENT.exec(text) ?? [];
  const atMs = Date.parse(`${date}${time.replace(' ', 'T')}${zone}`);
  if (atMs >= 0) return atMs;
  throw usageError(
    `Cannot use ${flag} ${quoted(text)}: expected how long ago, such as 15min or 7d, or a time such as 2026-01-31T08:00:00Z`,
  );
}

const MOMENT = /^(\d{4}-\d{2}-\d{2})([T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?)?(Z|[+-]\d{2}:\d{2})?$/;

function secondsOf(text: string): number {
  const [, digits, unit] = /^(\d+)(s|min|h|d)$/.exec(text) ?? [];
  return Number(digits) * SECONDS[unit];
}

const STEPS: readonly (readonly [unit: string, seconds: number])[] = [
  ['days', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
];

/** How far a moment is from now: `3 min ago`, `in 12 days`, `now`. Both wall clock. */
export function fromNow(atMs: number, nowMs: number): string {
  const far = Math.round(Math.abs(atMs - nowMs) / 1_000);
  // Two of the next smaller unit say more than one of this.
  const [unit, step] = STEPS.find(([, length]) => far >= 2 * length) ?? ['s', 1];
  const amount = `${Math.round(far / step)} ${unit}`;
  if (far === 0) return 'now';
  return atMs > nowMs ? `in ${amount}` : `${amount} ago`;
}

/** A moment and how far it is: `2026-01-02 03:04:05 UTC, in 12 days`. */
export function shownMoment(atMs: number, nowMs: number): string {
  const text = new Date(atMs).toISOString();
  return `${text.slice(0, 10)} ${text.slice(11, 19)} UTC, ${fromNow(atMs, nowMs)}`;
}
