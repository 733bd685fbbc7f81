/** What `kill -9` cannot show: a power cut drops, reorders and tears what was written and not flushed. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { missing } from '../../tools/prerequisites.ts';
import { lookAtPoints } from './torn-points.ts';

/** More, or others, where these are set: `TORN_POINTS=500 TORN_SEED=7`. */
const POINTS = Number(process.env.TORN_POINTS ?? 100);
const SEED = Number(process.env.TORN_SEED ?? 1);

const options = { skip: missing('strace') };

test('keeps every acknowledged batch, and each as a whole, whatever a power cut leaves of the rest', options, () => {
  const seen = lookAtPoints({ durability: 'durable', rounds: 60, seed: SEED, points: POINTS });
  assert.equal(seen.points, POINTS);
  assert.ok(seen.harmed > POINTS / 4 && seen.acknowledgedMax > 30, JSON.stringify(seen));
});

test('finds what is lost where nothing is flushed', options, () => {
  const folder = mkdtempSync(join(tmpdir(), 'dunlin-torn-record-'));
  try {
    assert.throws(
      () => lookAtPoints({ durability: 'process', rounds: 20, seed: SEED, points: 20 }, folder),
      /^Error: seed \d+, point \d+: .*(?:acknowledged \d+, begun|damaged|SIGABRT|SIGBUS).*\nto look again: /s,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
