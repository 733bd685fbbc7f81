/** What `npm test -- --times` prints: how long the test processes took. */
import { relative } from 'node:path';

/** What one test process took; `cpuMs` without the processes that it started. */
export interface TestTime {
  /** Absolute path of the test file, or of the module of a group. */
  readonly file: string;
  readonly wallMs: number;
  readonly cpuMs: number;
}

const SHOWN = 25;

/** The slowest processes of a run, slowest first, and the totals; `lines` holds a `TestTime` as JSON on each line. */
export function timesTable(lines: string, root: string, tookMs: number): string {
  const times = lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line): TestTime => JSON.parse(line));
  const slowest = times.toSorted((one, other) => other.wallMs - one.wallMs).slice(0, SHOWN);
  const row = (wallMs: number, cpuMs: number, name: string): string =>
    `${(wallMs / 1000).toFixed(1).padStart(7)} ${(cpuMs / 1000).toFixed(1).padStart(7)}  ${name}`;
  const total = (pick: (time: TestTime) => number): number => times.reduce((sum, time) => sum + pick(time), 0);
  return [
    ' wall s   CPU s  process',
    ...slowest.map(({ file, wallMs, cpuMs }) => row(wallMs, cpuMs, relative(root, file))),
    row(
      total(({ wallMs }) => wallMs),
      total(({ cpuMs }) => cpuMs),
      `all ${times.length}, in ${(tookMs / 1000).toFixed(0)} s`,
    ),
  ].join('\n');
}
