/** Date and time by the conversions of strftime(3), in English and the local time zone. */

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
const DAY_MS = 86_400_000;

/** A moment with nanoseconds: what a message was received at. */
export interface Moment {
  /** Milliseconds since 1970, whole. */
  readonly epochMs: number;
  /** Nanoseconds within the second, 0 to 999999999. */
  readonly nanoseconds: number;
}

/** The clock now, to the microsecond at best. */
export function momentNow(): Moment {
  const now = performance.timeOrigin + performance.now();
  const epochMs = Math.floor(now);
  return { epochMs, nanoseconds: (epochMs % 1000) * 1_000_000 + Math.floor((now - epochMs) * 1000) * 1000 };
}

/** Every conversion character with what it gives. */
const CONVERSIONS: Readonly<Record<string, (date: Date, moment: Moment) => string>> = {
  a: (date) => DAYS[date.getDay()].slice(0, 3),
  A: (date) => DAYS[date.getDay()],
  b: (date) => MONTHS[date.getMonth()].slice(0, 3),
  B: (date) => MONTHS[date.getMonth()],
  c: (date, moment) => strftime('a b e H:M:S Y', date, moment),
  C: (date) => two(Math.floor(date.getFullYear() / 100)),
  d: (date) => two(date.getDate()),
  D: (date, moment) => strftime('m/d/y', date, moment),
  e: (date) => blank(date.getDate()),
  F: (date, moment) => strftime('Y-m-d', date, moment),
  g: (date) => two(isoWeek(date).year % 100),
  G: (date) => String(isoWeek(date).year),
  h: (date) => MONTHS[date.getMonth()].slice(0, 3),
  H: (date) => two(date.getHours()),
  I: (date) => two(twelve(date)),
  j: (date) => String(dayOfYear(date) + 1).padStart(3, '0'),
  k: (date) => blank(date.getHours()),
  l: (date) => blank(twelve(date)),
  m: (date) => two(date.getMonth() + 1),
  M: (date) => two(date.getMinutes()),
  n: () => '\n',
  N: (_date, moment) => String(moment.nanoseconds).padStart(9, '0'),
  p: (date) => (date.getHours() < 12 ? 'AM' : 'PM'),
  P: (date) => (date.getHours() < 12 ? 'am' : 'pm'),
  r: (date, moment) => strftime('I:M:S p', date, moment),
  R: (date, moment) => strftime('H:M', date, moment),
  s: (_date, moment) => String(Math.floor(moment.epochMs / 1000)),
  S: (date) => two(date.getSeconds()),
  t: () => '\t',
  T: (date, moment) => strftime('H:M:S', date, moment),
  u: (date) => String(date.getDay() || 7),
  U: (date) => two(Math.floor((dayOfYear(date) + 7 - date.getDay()) / 7)),
  V: (date) => two(isoWeek(date).week),
  w: (date) => String(date.getDay()),
  W: (date) => two(Math.floor((dayOfYear(date) + 7 - ((date.getDay() + 6) % 7)) / 7)),
  x: (date, moment) => strftime('m/d/y', date, moment),
  X: (date, moment) => strftime('H:M:S', date, moment),
  y: (date) => two(date.getFullYear() % 100),
  Y: (date) => String(date.getFullYear()),
  z: zoneOffset,
  Z: (date) => zoneName(date),
};

/** True when `conversion` is one of them. */
export function isConversion(conversion: string): boolean {
  return Object.hasOwn(CONVERSIONS, conversion);
}

/** What one conversion character gives for a moment. The caller asked `isConversion` before. */
export function convert(conversion: string, moment: Moment): string {
  return CONVERSIONS[conversion](new Date(moment.epochMs), moment);
}

/** ISO 8601 with the offset, such as `2016-08-10T09:47:38+0100`. */
export function isoTime(moment: Moment): string {
  const date = new Date(moment.epochMs);
  return `${strftime('Y-m-d', date, moment)}T${strftime('H:M:Sz', date, moment)}`;
}

/** ISO 8601 with microseconds and the offset, such as `2020-05-06T22:12:00.000000+0100`. */
export function isoTimeMicroseconds(moment: Moment): string {
  const date = new Date(moment.epochMs);
  const microseconds = String(Math.floor(moment.nanoseconds / 1000)).padStart(6, '0');
  return `${strftime('Y-m-d', date, moment)}T${strftime('H:M:S', date, moment)}.${microseconds}${zoneOffset(date)}`;
}

/** Replaces each letter of the pattern, which is why patterns here hold no other letters. */
function strftime(pattern: string, date: Date, moment: Moment): string {
  return pattern.replace(/[a-zA-Z]/g, (letter) => CONVERSIONS[letter](date, moment));
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

function blank(value: number): string {
  return String(value).padStart(2, ' ');
}

function twelve(date: Date): number {
  return date.getHours() % 12 || 12;
}

/** 0 for the first of January; by calendar dates, so that a change of the clock does not matter. */
function dayOfYear(date: Date): number {
  const year = date.getFullYear();
  return Math.round((Date.UTC(year, date.getMonth(), date.getDate()) - Date.UTC(year, 0, 1)) / DAY_MS);
}

/** The ISO 8601 week: it belongs to the year of its Thursday. */
function isoWeek(date: Date): { year: number; week: number } {
  const toThursday = 4 - (date.getDay() || 7);
  const thursday = new Date(Date.UTC(date.getFullYear(), date.getMonth(), date.getDate() + toThursday));
  const year = thursday.getUTCFullYear();
  return { year, week: Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / DAY_MS / 7) + 1 };
}

function zoneOffset(date: Date): string {
  const minutes = -date.getTimezoneOffset();
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}${two(size % 60)}`;
}

function zoneName(date: Date): string {
  const parts = new Intl.DateTimeFormat('en-US', { timeZoneName: 'short' }).formatToParts(date);
  return parts.find((part) => part.type === 'timeZoneName')?.value ?? zoneOffset(date);
}
