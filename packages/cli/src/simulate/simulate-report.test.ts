import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newFleetCounts } from './device.ts';
import { simulationText } from './simulate-report.ts';

test('the table is quiet and aligned', () => {
  const cameras = { ...newFleetCounts('cameras', 2000), connects: 2012, drops: 12, published: 12_345, received: 7 };
  const text = simulationText({
    script: 'fleet.yaml',
    url: 'mqtt://localhost:1883',
    seed: '42',
    speed: 60,
    seconds: 12.34,
    fleets: [cameras, newFleetCounts('hub', 1)],
    acknowledgedIn: { p50: 120, p90: 450, p99: 12_000, 'p99.9': 15_000, max: 1_500_000 },
    errors: [{ error: 'timed-out', count: 3 }],
  });
  assert.equal(
    text,
    `dunlin simulate fleet.yaml: 12.3 s at speed 60, seed 42, mqtt://localhost:1883

         devices  connects  drops  published  skipped  received  answered
cameras    2,000     2,012     12     12,345        0         7         0
hub            1         0      0          0        0         0         0

                    p50     p90      p99    p99.9     max
acknowledged in  120 µs  450 µs  12.0 ms  15.0 ms  1.50 s

errors
timed-out  3
`,
  );
});
