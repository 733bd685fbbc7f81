import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiProblem, PROBLEMS, problemBody } from './problems.ts';

test('a problem is told as RFC 9457 has it, with its code and the id of the request', () => {
  const problem = new ApiProblem('key-missing', 'Cannot do this', [{ at: '/a', problem: 'must be there' }]);
  assert.deepEqual(problemBody(problem, 'r1'), {
    type: 'urn:dunlin:problem:key-missing',
    title: PROBLEMS['key-missing'].title,
    status: 401,
    detail: 'Cannot do this',
    code: 'key-missing',
    requestId: 'r1',
    errors: [{ at: '/a', problem: 'must be there' }],
  });
});
