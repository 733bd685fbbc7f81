import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withCaller } from './caller-stack.ts';
import { connect } from './node.ts';

function failing(promise: Promise<unknown>): Promise<unknown> {
  return withCaller(failing, promise);
}
async function theApplication(promise: Promise<unknown>): Promise<void> {
  await failing(promise);
}
const late = () => new Promise((_, reject) => setImmediate(() => reject(new Error('late'))));

function linesWith(error: unknown, name: string): number {
  return String((error as Error).stack)
    .split('\n')
    .filter((line) => line.includes(name)).length;
}

test('the stack of what fails later ends with the frames of the call, which are not repeated', async () => {
  const error = await theApplication(late()).then(
    () => assert.fail(),
    (thrown: Error) => thrown,
  );
  assert.match(String(error.stack), /^Error: late\n/);
  assert.equal(linesWith(error, 'theApplication'), 1);
  assert.equal(linesWith(error, 'at failing'), 0);
  await assert.rejects(theApplication(Promise.reject(error)));
  assert.equal(linesWith(error, 'theApplication'), 1);
});

test('what is no error is let pass, and a value is', async () => {
  await assert.rejects(failing(Promise.reject('text')), (thrown) => thrown === 'text');
  assert.equal(await failing(Promise.resolve(5)), 5);
});

test('the error of connect names the place of the call, and no field that it does not have', async () => {
  const theCaller = async () => connect('mqtt://127.0.0.1:1', { reconnect: false });
  const error = await theCaller().catch((thrown) => thrown);
  assert.equal(linesWith(error, 'theCaller'), 1);
  assert.deepEqual(Object.keys(error).sort(), ['code', 'name']);
  assert.equal(error.reasonCode, undefined);
});
