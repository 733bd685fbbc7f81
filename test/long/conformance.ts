/** The conformance tests over every transport; `npm test` runs them over TCP alone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RUNS, runConformance, told } from '../conformance/run.ts';

for (const run of RUNS)
  test(`conforms over ${run.transport}, frames ${run.framing}`, async (context) => {
    const outcome = await runConformance(run);
    context.diagnostic(told(run, outcome));
    assert.equal(outcome.failed, 0, told(run, outcome));
    assert.ok(outcome.passed > 700, `only ${outcome.passed} tests have run`);
  });
