import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crashRun } from './crash-run.ts';
import { NO_FAULTS } from './verdict.ts';

test('loses nothing that was acknowledged, repeats no QoS 2 message and keeps order over 10 kills under load', async () => {
  const result = await crashRun({
    kind: { name: 'dunlin', durability: 'durable' },
    kills: 10,
    messagesPerKill: 500,
    loadMs: [10, 400],
    random: Math.random,
  });
  assert.ok(result.acknowledged > 100, `only ${result.acknowledged} messages were acknowledged`);
  assert.deepEqual({ faults: result.faults, findings: result.findings }, { faults: NO_FAULTS, findings: [] });
});
