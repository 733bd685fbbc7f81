/** Amounts as people write them: `4MiB`, `10s`, `200_000`. */

const BYTES: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
};
const MILLISECONDS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const SECONDS: Readonly<Record<string, number>> = Object.fromEntries(
  Object.entries(MILLISECONDS).map(([suffix, factor]) => [suffix, factor / 1_000]),
);

/** Suffixes by unit, with their factor; other units (messages, levels) take a bare number. */
const SUFFIXES: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  bytes: BYTES,
  milliseconds: MILLISECONDS,
  seconds: SECONDS,
};

/**
 * The number of `unit`s a text stands for, or undefined where it is no whole number of them.
 *
 * A bare number is in the unit itself; digits may be grouped with `_`; a suffix may follow a blank and is read in any
 * case (B, kB, MB, GB, KiB, MiB, GiB for bytes; ms, s, min, h, d for times).
 */
export function parseAmount(text: string, unit: string): number | undefined {
  const match = /^(\d[\d_]*(?:\.\d+)?) ?([a-z]*)$/i.exec(text.trim());
  if (match === null) return undefined;
  const [, digits, suffix] = match;
  const factor = suffix === '' ? 1 : SUFFIXES[unit]?.[suffix.toLowerCase()];
  if (factor === undefined) return undefined;
  const amount = Number(digits.replaceAll('_', '')) * factor;
  // 0.1 s in milliseconds must not fail for the last binary digit.
  const whole = Math.round(amount);
  return Math.abs(amount - whole) < 1e-6 && Number.isSafeInteger(whole) ? whole : undefined;
}

const SHOWN: Readonly<Record<string, readonly (readonly [suffix: string, factor: number])[]>> = {
  bytes: [
    [' GiB', 1024 ** 3],
    [' MiB', 1024 ** 2],
    [' KiB', 1024],
    [' B', 1],
  ],
  milliseconds: [
    [' h', 3_600_000],
    [' min', 60_000],
    [' s', 1_000],
    [' ms', 1],
  ],
  seconds: [
    [' d', 86_400],
    [' h', 3_600],
    [' min', 60],
    [' s', 1],
  ],
};

/** An amount in the largest suffix that leaves it whole, without one for units that have none: `4 MiB`, `10 s`, `1000`. */
export function formatAmount(amount: number, unit: string): string {
  const [suffix, factor] = SHOWN[unit]?.find(([, size]) => amount >= size && amount % size === 0) ?? ['', 1];
  return `${amount / factor}${suffix}`;
}
