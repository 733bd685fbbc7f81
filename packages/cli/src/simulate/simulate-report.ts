/** What a simulation did: as an object, as a table, and in one line while it runs. */

import type { TalliedError } from '../error-tally.ts';
import { PERCENTILES, type Percentiles } from '../histogram.ts';
import { alignedRows, shownCount, shownTime } from '../quantities.ts';
import type { FleetCounts } from './device.ts';
import type { Simulation } from './simulation.ts';

/** What a fleet has done, when all its devices have left. */
export type FleetTotals = Omit<FleetCounts, 'connected'>;

/** The result, as `--json` prints it. Times in microseconds. */
export interface SimulationResult {
  readonly script: string;
  readonly url: string;
  readonly seed: string;
  readonly speed: number;
  /** Real ones. */
  readonly seconds: number;
  readonly fleets: readonly FleetTotals[];
  readonly acknowledgedIn?: Percentiles;
  readonly errors: readonly TalliedError[];
}

/** The result as text, ready to print. */
export function simulationText({ script, url, seed, speed, seconds, ...result }: SimulationResult): string {
  const { fleets, acknowledgedIn, errors } = result;
  const pace = speed === 1 ? '' : ` at speed ${speed}`;
  const head = `dunlin simulate ${script}: ${seconds.toFixed(1)} s${pace}, seed ${seed}, ${url}`;
  const columns: [string, (fleet: FleetTotals) => number][] = [
    ['devices', ({ devices }) => devices],
    ['connects', ({ connects }) => connects],
    ['drops', ({ drops }) => drops],
    ['published', ({ published }) => published],
    ['skipped', ({ skipped }) => skipped],
    ['received', ({ received }) => received],
    ['answered', ({ answered }) => answered],
  ];
  const rows = fleets.map((fleet) => [fleet.name, ...columns.map(([, value]) => shownCount(value(fleet)))]);
  const parts = [[head], alignedRows([['', ...columns.map(([name]) => name)], ...rows])];
  if (acknowledgedIn !== undefined) {
    const times = [...PERCENTILES.map(([name]) => shownTime(acknowledgedIn[name])), shownTime(acknowledgedIn.max)];
    const names = [...PERCENTILES.map(([name]) => name), 'max'];
    parts.push(
      alignedRows([
        ['', ...names],
        ['acknowledged in', ...times],
      ]),
    );
  }
  if (errors.length > 0) {
    parts.push(['errors', ...alignedRows(errors.map(({ error, count }) => [error, shownCount(count)]))]);
  }
  return parts.map((lines) => `${lines.join('\n')}\n`).join('\n');
}

/** Lines about a simulation while it goes on, each with the rates since the one before. */
export class SimulationView {
  readonly #simulation: Simulation;
  readonly #durationMs: number;
  #before = { published: 0, received: 0, atS: 0 };

  constructor(simulation: Simulation, durationMs: number) {
    this.#simulation = simulation;
    this.#durationMs = durationMs;
  }

  /** Such as `12 of 60 s · cameras 20 of 20 · published 12.0/s · received 1.00/s · errors 1`. */
  line(): string {
    const { fleets, errors, seconds } = this.#simulation;
    const sum = (name: 'published' | 'received'): number => fleets.reduce((total, fleet) => total + fleet[name], 0);
    const now = { published: sum('published'), received: sum('received'), atS: seconds };
    const before = this.#before;
    this.#before = now;
    const rate = (name: 'published' | 'received'): string => {
      const elapsed = now.atS - before.atS;
      return `${name} ${shownCount(elapsed > 0 ? (now[name] - before[name]) / elapsed : 0)}/s`;
    };
    return [
      `${Math.floor(seconds)} of ${this.#durationMs / 1000} s`,
      ...fleets.map(({ name, connected, devices }) => `${name} ${shownCount(connected)} of ${shownCount(devices)}`),
      rate('published'),
      rate('received'),
      ...(errors.total > 0 ? [`errors ${shownCount(errors.total)}`] : []),
    ].join(' · ');
  }
}
