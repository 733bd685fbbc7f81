import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MqttError } from './errors.ts';
import { operation, type Settle } from './operation.ts';
import { VirtualEnvironment } from './testing/virtual-environment.ts';

const environment = new VirtualEnvironment();

const code = (expected: string) => (error: unknown) => error instanceof MqttError && error.code === expected;
const nothing = (): void => {};

test('an operation settles as it is told', async () => {
  for (const bounds of [{}, { timeoutMs: 60_000, signal: new AbortController().signal }]) {
    const resolved = operation<number>(environment, 'Cannot', bounds, (settle) => {
      settle.resolve(5);
      return nothing;
    });
    assert.equal(await resolved, 5);
    const rejected = operation<number>(environment, 'Cannot', bounds, (settle) => {
      settle.reject(new Error('no'));
      return nothing;
    });
    await assert.rejects(rejected, /no/);
    const thrown = operation<number>(environment, 'Cannot', bounds, () => {
      throw new Error('thrown');
    });
    await assert.rejects(thrown, /thrown/);
  }
});

test('a bound that comes first rejects, cancels, and makes the answer count for nothing', async () => {
  let cancelled = 0;
  let late: Settle<number> | undefined;
  const start = (settle: Settle<number>) => {
    late = settle;
    return () => {
      cancelled += 1;
    };
  };
  const timedOut = assert.rejects(operation(environment, 'Cannot wait', { timeoutMs: 1 }, start), code('timed-out'));
  await environment.advance(1);
  await timedOut;
  late?.resolve(1);
  const controller = new AbortController();
  const aborted = operation(environment, 'Cannot wait', { signal: controller.signal }, start);
  controller.abort(new Error('why'));
  await assert.rejects(aborted, (error: MqttError) => code('aborted')(error) && String(error.cause) === 'Error: why');
  late?.reject(new Error('late'));
  assert.equal(cancelled, 2);
});

test('an aborted signal starts nothing', async () => {
  let isStarted = false;
  const never = operation<void>(environment, 'Cannot', { signal: AbortSignal.abort() }, () => {
    isStarted = true;
    return nothing;
  });
  await assert.rejects(never, code('aborted'));
  assert.equal(isStarted, false);
});
