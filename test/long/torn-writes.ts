/** Five hundred power cuts, five times; the short form of this is `test/crash/torn-writes.test.ts`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { missing } from '../../tools/prerequisites.ts';
import { lookAtPoints } from '../crash/torn-points.ts';

const POINTS = 500;

for (const seed of [1, 2, 3, 4, 5])
  test(`loses nothing that was acknowledged at ${POINTS} points, seed ${seed}`, { skip: missing('strace') }, () => {
    const seen = lookAtPoints({ durability: 'durable', rounds: 200, seed, points: POINTS });
    assert.equal(seen.points, POINTS);
    assert.ok(seen.harmed > POINTS / 4 && seen.acknowledgedMax > 150, JSON.stringify(seen));
  });
