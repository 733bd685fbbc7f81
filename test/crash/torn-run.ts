/**
 * Opens a recorded store as a power cut would leave it, at random moments, in a process of its own: LMDB ends the process
 * where it meets a page that it cannot read.
 *
 *     node --conditions=@dunlin/source test/crash/torn-run.ts <record> <seed> <first point> [points]
 *
 * Each point follows from the record, the seed and its number alone. It says "point N" before each, and ends with a line
 * of JSON, what it saw, or with what is wrong and exit code 1.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLmdb } from '@dunlin/lmdb';
import { lastWholeRound } from '../../packages/lmdb/src/testing/rounds.ts';
import { SeededRandom } from '../simulation-harness/seeded-random.ts';
import { type Recording, readRecording, torn } from './torn-file.ts';

/** What the points of a run had in common, so that a test sees that they were some. */
export interface TornRunResult {
  points: number;
  /** Where something that was not flushed was missing or torn. */
  harmed: number;
  /** Where the last round begun was there, and not acknowledged yet. */
  ahead: number;
  /** Acknowledged rounds of the latest point. */
  acknowledgedMax: number;
}

async function lookAt(recording: Recording, seed: number, point: number, result: TornRunResult): Promise<void> {
  const random = new SeededRandom(seed * 1_000_003 + point);
  const { name, bytes, acknowledged, begun, harmed } = torn(recording, random.pick(recording.moments), random);
  const parent = mkdtempSync(join(tmpdir(), 'dunlin-torn-'));
  const directory = join(parent, 'data');
  try {
    mkdirSync(directory);
    writeFileSync(join(directory, name), bytes);
    const environment = await openLmdb({
      directory,
      durability: 'durable',
      mapBytes: 1024 ** 3,
      bootId: 'after the power cut',
    });
    try {
      const last = await lastWholeRound(environment, acknowledged, begun);
      if (last > acknowledged) result.ahead += 1;
    } finally {
      await environment.close();
    }
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
  result.points += 1;
  if (harmed > 0) result.harmed += 1;
  result.acknowledgedMax = Math.max(result.acknowledgedMax, acknowledged);
}

const [record, seed, first, points = '1'] = process.argv.slice(2);
const recording = await readRecording(record);
const result: TornRunResult = { points: 0, harmed: 0, ahead: 0, acknowledgedMax: 0 };
for (let point = Number(first); point < Number(first) + Number(points); point++) {
  console.log(`point ${point}`);
  await lookAt(recording, Number(seed), point, result);
}
console.log(JSON.stringify(result));
