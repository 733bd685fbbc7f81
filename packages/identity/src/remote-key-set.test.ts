import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { MethodEvent } from './method-events.ts';
import { type RemoteKeySetOptions, remoteKeySet } from './remote-key-set.ts';
import { TestClock } from './testing/clock.ts';
import { testJwk, testKeys } from './testing/tokens.ts';
import { sendJson, type TestWeb, testWeb } from './testing/web.ts';

const one = testJwk(testKeys('ES256'), 'one');
const good: TestWeb['answer'] = (_, response) => sendJson(response, 200, { keys: [one] });
const down: TestWeb['answer'] = (_, response) => sendJson(response, 503, {});

async function world(context: TestContext, more: Partial<RemoteKeySetOptions> = {}) {
  const web = await testWeb(context, good);
  const clock = new TestClock();
  const told: MethodEvent[] = [];
  const options = { keySetUrl: web.url, maxAgeMs: 60_000, cooldownMs: 10_000, staleMaxMs: 600_000, ...more };
  const set = remoteKeySet(options, 'tokens', clock, (event) => told.push(event));
  context.after(() => set.close());
  return { web, clock, told, options, set, names: () => told.map(({ name }) => name) };
}

test('keys are fetched once and kept for their age', async (context) => {
  const { web, clock, set } = await world(context);
  assert.equal(web.requests, 0);
  const [first, second] = await Promise.all([set.current(false), set.current(false)]);
  assert.equal(first, second);
  clock.pass(59_999);
  assert.equal(await set.current(false), first);
  assert.equal(web.requests, 1);
  clock.pass(1);
  assert.notEqual(await set.current(false), first);
  assert.equal(web.requests, 2);
});

test('a key that is missing is fetched for, but not more often than the cooldown lets', async (context) => {
  const { web, clock, set } = await world(context);
  await set.current(false);
  for (let time = 0; time < 5; time++) await set.current(true);
  assert.equal(web.requests, 1);
  clock.pass(10_000);
  await set.current(true);
  assert.equal(web.requests, 2);
});

test('while no keys can be fetched the last good ones are used until they are too old', async (context) => {
  const { web, clock, set, told, names } = await world(context);
  const first = await set.current(false);
  web.answer = down;
  clock.pass(60_000);
  assert.equal(await set.current(false), first);
  assert.deepEqual(told, [
    {
      name: 'keysUnavailable',
      method: 'tokens',
      source: web.url,
      error: 'Cannot read the key set: status 200 is expected, 503 was found',
      stale: true,
    },
  ]);
  await set.current(false);
  assert.equal(web.requests, 2);
  clock.pass(540_000);
  await assert.rejects(set.current(false), /keys are expected there/);
  web.answer = good;
  clock.pass(10_000);
  await set.current(false);
  assert.deepEqual(names(), ['keysUnavailable', 'keysAvailable']);
});

test('without any keys everything is refused, and the service is asked again after the cooldown', async (context) => {
  const { web, clock, set } = await world(context);
  web.answer = down;
  await assert.rejects(set.current(false), /keys are expected there/);
  await assert.rejects(set.current(true), /keys are expected there/);
  assert.equal(web.requests, 1);
  web.answer = good;
  clock.pass(10_000);
  await set.current(false);
});

test('keys that are too old by themselves are fetched again, whatever their age may be', async (context) => {
  const { web, clock, set } = await world(context, { maxAgeMs: 60_000, staleMaxMs: 20_000 });
  await set.current(false);
  clock.pass(20_000);
  await set.current(false);
  assert.equal(web.requests, 2);
});

test('a reload in an outage keeps what was fetched, for the time that it says', async (context) => {
  const { web, clock, options, set, names } = await world(context, { staleMaxMs: 60_000 });
  assert.equal(set.last, undefined);
  const first = await set.current(false);
  assert.equal(set.last, first);
  web.answer = down;
  clock.pass(60_000);
  await assert.rejects(set.current(false), /keys are expected there/);
  set.prepareReload({ ...options, staleMaxMs: 120_000 })();
  assert.equal(await set.current(false), first);
  web.answer = good;
  clock.pass(10_000);
  await set.current(false);
  assert.deepEqual(names(), ['keysUnavailable', 'keysAvailable']);
});

test('what is no key set is not taken for one', async (context) => {
  const { web, set, told } = await world(context, { cooldownMs: 0 });
  for (const body of ['', '[]', '{"keys": {}}', '{"keys": ["x"]}', '<html>']) {
    web.answer = (_, response) => response.end(body);
    await assert.rejects(set.current(false), /keys are expected there/, body);
  }
  assert.equal(told.length, 1);
});

test('keys over plain HTTP are fetched from this machine only', () => {
  const make = () => remoteKeySet({ keySetUrl: 'http://keys.example/' }, 'tokens', new TestClock(), () => {});
  assert.throws(make, /https: for what is not on this machine is expected/);
});
