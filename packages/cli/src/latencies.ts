/** How long things took, in a line. */

/** Milliseconds by their quality; `q` of 0.99 is the time that 99 of 100 were within. */
export function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * q) - 1)];
}

/** The same in whole microseconds, with how many there were; nothing else where there was none. */
export function latencyResult(timesMs: readonly number[]): Readonly<Record<string, number>> {
  if (timesMs.length === 0) return { answers: 0 };
  const sorted = [...timesMs].sort((a, b) => a - b).map((ms) => Math.round(ms * 1000));
  return {
    answers: sorted.length,
    min: sorted[0],
    median: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
    max: sorted[sorted.length - 1],
  };
}

/** Such as `min 0.41 ms, median 0.52 ms, p99 1.20 ms, max 3.81 ms`. `timesMs` is not empty. */
export function latencySummary(timesMs: readonly number[]): string {
  const sorted = [...timesMs].sort((a, b) => a - b);
  const parts: [string, number][] = [
    ['min', sorted[0]],
    ['median', quantile(sorted, 0.5)],
    ['p99', quantile(sorted, 0.99)],
    ['max', sorted[sorted.length - 1]],
  ];
  return parts.map(([name, ms]) => `${name} ${milliseconds(ms)}`).join(', ');
}

/** Such as `0.41 ms`. */
export function milliseconds(ms: number): string {
  return `${ms.toFixed(2)} ms`;
}
