import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sharesOf } from './profile.ts';

test('shares the time that was not idle among functions by their own samples', () => {
  const frame = (functionName: string, url = '') => ({ functionName, url, lineNumber: 6 });
  const nodes = [
    { id: 1, callFrame: frame('(idle)') },
    { id: 2, callFrame: frame('match', 'file:///a/src/router.ts') },
    { id: 3, callFrame: frame('match', 'file:///a/src/router.ts') },
    { id: 4, callFrame: frame('(garbage collector)') },
  ];
  assert.deepEqual(sharesOf({ nodes, samples: [1, 2, 3, 4], timeDeltas: [900, 20, 40, 20] }), [
    { name: 'match src/router.ts:7', percent: 75 },
    { name: '(garbage collector)', percent: 25 },
  ]);
});
