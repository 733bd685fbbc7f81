/** Records a store under load and opens what power cuts at many moments would leave of it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { recordCommand } from './torn-file.ts';
import type { TornRunResult } from './torn-run.ts';

const LOAD = fileURLToPath(new URL('../../packages/lmdb/src/testing/crash-child.ts', import.meta.url));
const RUN = fileURLToPath(new URL('torn-run.ts', import.meta.url));
const NODE = [process.execPath, '--conditions=@dunlin/source'];
const OUTPUT_BYTES_MAX = 64 * 1024 ** 2;

export interface TornPoints {
  readonly durability: 'durable' | 'process';
  /** Batches that are committed while it is recorded. */
  readonly rounds: number;
  readonly seed: number;
  readonly points: number;
}

/**
 * Returns what all points saw. Where one finds the store damaged, something acknowledged missing or a batch in
 * part, it throws an error that names seed and point, and the command that looks at this point again: the record stays in
 * `folder`, which else is removed.
 */
export function lookAtPoints(
  { durability, rounds, seed, points }: TornPoints,
  folder = mkdtempSync(join(tmpdir(), 'dunlin-torn-record-')),
): TornRunResult {
  const log = join(folder, 'record');
  const load = [...NODE, LOAD, join(folder, 'data'), durability, '1', 'passing', String(rounds)];
  const [command, ...flags] = recordCommand(log, load);
  const { stdout: told, stderr } = spawnSync(command, flags, { encoding: 'utf8', maxBuffer: OUTPUT_BYTES_MAX });
  assert.ok(told.endsWith(`a${rounds}\n`), `the load ended early: ${told.slice(-100)} ${stderr}`);
  rmSync(join(folder, 'data'), { recursive: true });
  const [node, ...parameters] = [...NODE, RUN, log, String(seed)];
  const looked = spawnSync(node, [...parameters, '0', String(points)], {
    encoding: 'utf8',
    maxBuffer: OUTPUT_BYTES_MAX,
  });
  const lines = looked.stdout.trimEnd().split('\n');
  const [last] = lines.slice(-1);
  if (looked.status !== 0) {
    const point = last.replace('point ', '');
    const again = [node, ...parameters, point].join(' ');
    throw new Error(`seed ${seed}, point ${point}: ${looked.stderr || looked.signal}\nto look again: ${again}`);
  }
  rmSync(folder, { recursive: true });
  return JSON.parse(last);
}
