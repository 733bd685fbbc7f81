import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiProblem } from './problems.ts';
import { Strangers } from './strangers.ts';
import { StandingClock } from './testing/host.ts';

const WRONG = new ApiProblem('key-refused', 'Cannot let this API key in');
const codeOf = (problem: unknown): string | undefined => (problem instanceof ApiProblem ? problem.code : undefined);

function start(delayMs: number, strangerRequestsPerSecondMax = 100) {
  const ends: (() => void)[] = [];
  const strangers = new Strangers({
    clock: new StandingClock(),
    guard: { failedElsewhere: () => delayMs },
    limits: { strangerRequestsPerSecondMax, requestsMax: 8 },
    began: (_work, end) => void ends.push(end),
  });
  return { strangers, ends };
}

test('all addresses of one host have one rate', () => {
  const { strangers } = start(0, 2);
  const taken = ['2001:db8::1', '2001:db8::2', '2001:db8:0:0:ffff::3', '2001:db8:0:1::1', '192.0.2.1', ''];
  assert.deepEqual(
    taken.map((address) => codeOf(strangers.take(address))),
    [undefined, undefined, 'too-many-requests', undefined, undefined, undefined],
  );
});

test('wrong keys wait for their answer, a quarter of all requests at the most; others are answered at once', async () => {
  const { strangers, ends } = start(3_600_000);
  const refusal = (error: unknown) => strangers.refusal(error, '192.0.2.1', 'web');
  const waiting = [refusal(WRONG), refusal(WRONG)];
  assert.equal(codeOf(await refusal(WRONG)), 'too-many-requests');
  const missing = new ApiProblem('key-missing', 'Cannot do this without an API key');
  assert.equal(await refusal(missing), missing);
  for (const end of ends.splice(0)) end();
  assert.deepEqual(await Promise.all(waiting), [WRONG, WRONG]);
  const next = refusal(WRONG);
  assert.equal(ends.length, 1);
  ends[0]();
  assert.equal(await next, WRONG);
});

test('half of all requests may be of strangers at once, so that there is room for callers', () => {
  const { strangers } = start(0);
  const left: (() => void)[] = [];
  const enter = (address = '192.0.2.1') => codeOf(strangers.enter(address, (over) => left.push(over)));
  assert.deepEqual(
    [1, 2, 3, 4, 5].map(() => enter()),
    [undefined, undefined, undefined, undefined, 'too-busy'],
  );
  assert.equal(enter('192.0.2.2'), 'too-busy');
  left.pop()?.();
  assert.deepEqual([enter(), enter()], [undefined, 'too-busy']);
});

test('a request over its rate takes no place', () => {
  const { strangers } = start(0, 1);
  const enter = (address: string) => codeOf(strangers.enter(address, () => {}));
  assert.deepEqual(Array.from({ length: 6 }, () => enter('192.0.2.1')).slice(0, 2), [undefined, 'too-many-requests']);
  assert.equal(enter('192.0.2.2'), undefined);
});
