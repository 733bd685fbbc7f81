import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type AuthenticationRequest,
  type AuthenticationResult,
  type Clock,
  NOBODY,
  type Principal,
} from '@dunlin/broker';
import { type AuthenticatorChain, authenticatorChain } from './chain.ts';
import { clientIdRules } from './client-id-rules.ts';
import type { Method } from './method.ts';
import type { MethodEvent } from './method-events.ts';
import { TestClock } from './testing/clock.ts';
import { brief, testRequest } from './testing/request.ts';

const accept = (name: string, more: Partial<Principal> = {}): AuthenticationResult => ({
  kind: 'accept',
  principal: { ...NOBODY, username: name, identity: name, ...more },
});
const refuse: AuthenticationResult = { kind: 'refuse', reasonCode: 0x86, check: 'password' };
const method = (name: string, authenticate: Method['authenticate'], more: Partial<Method> = {}): Method => ({
  name,
  authenticate,
  ...more,
});
const chainOf = (methods: readonly Method[], more: { clock?: Clock; tell?: (event: MethodEvent) => void } = {}) =>
  authenticatorChain({ clock: new TestClock(), methods, ...more });
const admit = async (chain: AuthenticatorChain, request: AuthenticationRequest): Promise<Principal> => {
  const answer = await chain.authenticate(request);
  assert(answer.kind === 'accept', brief(answer));
  return answer.principal;
};
const briefly = (refusal: ReturnType<AuthenticatorChain['review']>) => brief(refusal);
/** A method of enhanced authentication: one challenge, then accepts whose name is in the second step. */
const twoSteps = (name: string, mechanism: string): Method =>
  method(
    name,
    ({ data, state }) =>
      state === undefined ? { kind: 'challenge', data, state: `${name}:1` } : accept(`${state}:${Buffer.from(data!)}`),
    { authenticationMethods: [mechanism] },
  );

test('the first answer wins, be it a refusal', async () => {
  const asked: string[] = [];
  const says = (name: string, answer: AuthenticationResult | undefined, late = false) =>
    method(name, () => {
      asked.push(name);
      return late ? Promise.resolve(answer) : answer;
    });
  const shown = testRequest({ username: 'ada', password: 'x' });
  const chain = chainOf([
    says('a', undefined),
    says('b', undefined, true),
    says('c', refuse),
    says('d', accept('ada')),
  ]);
  assert.equal(brief(await chain.authenticate(shown)), 'refuse 0x86 password');
  assert.deepEqual(asked.splice(0), ['a', 'b', 'c']);
  assert.equal(
    brief(await chainOf([says('b', undefined, true), says('d', accept('ada'))]).authenticate(shown)),
    'accept ada',
  );
  assert.deepEqual(asked, ['b', 'd']);
});

test('nothing has to be waited for where every method answers at once', () => {
  const answer = chainOf([method('a', () => undefined), method('b', () => accept('ada'))]).authenticate(testRequest());
  assert(!(answer instanceof Promise));
});

test('nobody who is unknown comes in, and the check says whether anything was shown', async () => {
  const chain = chainOf([method('a', () => undefined)]);
  const answerTo = async (request: AuthenticationRequest) => brief(await chain.authenticate(request));
  assert.equal(await answerTo(testRequest()), 'refuse 0x87 no-credentials');
  assert.equal(await answerTo(testRequest({ username: '', password: '' })), 'refuse 0x87 no-credentials');
  assert.equal(await answerTo(testRequest({ username: 'ada' })), 'refuse 0x86 unknown-user');
  assert.equal(await answerTo(testRequest({ password: 'x' })), 'refuse 0x86 unknown-user');
  const certificates = [new Uint8Array(1)];
  const withCertificate = testRequest({}, { peer: { address: '192.0.2.7', port: 1, certificates } });
  assert.equal(await answerTo(withCertificate), 'refuse 0x86 unknown-user');
  assert.equal(brief(await chainOf([]).authenticate(testRequest())), 'refuse 0x87 no-credentials');
});

test('a method that throws or rejects is a refusal and an event, and the next is not asked', async () => {
  for (const failing of [
    () => {
      throw new Error('the disk is gone');
    },
    () => Promise.reject(new Error('the disk is gone')),
  ]) {
    const told: MethodEvent[] = [];
    const chain = chainOf([method('a', failing), method('b', () => accept('ada'))], {
      tell: (event) => told.push(event),
    });
    assert.equal(brief(await chain.authenticate(testRequest())), 'refuse 0x88 method-failed');
    assert.deepEqual(told, [
      { name: 'methodFailed', method: 'a', listener: 'test', clientId: 'c1', error: 'Error: the disk is gone' },
    ]);
  }
});

test('a method that does not answer in time is a refusal, and what it says later counts for nothing', async () => {
  const clock = new TestClock();
  const told: MethodEvent[] = [];
  const late = Promise.withResolvers<AuthenticationResult>();
  const chain = authenticatorChain({
    clock,
    methods: [method('a', () => late.promise), method('b', () => accept('ada'))],
    methodTimeoutMs: 500,
    tell: (event) => told.push(event),
  });
  const answer = chain.authenticate(testRequest());
  clock.pass(500);
  assert.equal(brief(await answer), 'refuse 0x88 method-failed');
  late.resolve(accept('ada'));
  assert.equal(clock.timers, 0);
  assert.equal(told.length, 1);
});

test('an answer in time leaves no timer behind', async () => {
  const clock = new TestClock();
  const chain = chainOf([method('a', async () => accept('ada'))], { clock });
  await chain.authenticate(testRequest());
  assert.equal(clock.timers, 0);
});

test('an Authentication Method goes to who handles it, and its exchange stays there [MQTT-4.12.0-1]', async () => {
  const chain = chainOf([
    method('anyone', () => accept('anyone')),
    twoSteps('a', 'SCRAM-SHA-1'),
    twoSteps('b', 'SCRAM-SHA-256'),
  ]);
  assert.equal(chain.supports('SCRAM-SHA-256'), true);
  assert.equal(chain.supports('PLAIN'), false);
  const shown = { authenticationMethod: 'SCRAM-SHA-256' };
  const first = await chain.authenticate(testRequest(shown, { data: Buffer.from('x') }));
  assert(first.kind === 'challenge');
  const second = await chain.authenticate(testRequest(shown, { data: Buffer.from('ada'), state: first.state }));
  assert.equal(brief(second), 'accept b:1:ada');
});

test('where no method handles the Authentication Method nobody is asked', async () => {
  const chain = chainOf([method('anyone', () => accept('anyone'))]);
  const answer = await chain.authenticate(testRequest({ authenticationMethod: 'X' }));
  assert.equal(brief(answer), 'refuse 0x86 unknown-user');
});

test('a challenge to a client that named no Authentication Method is a failure of the method', async () => {
  const chain = chainOf([method('a', () => ({ kind: 'challenge', data: undefined, state: 1 }))]);
  assert.equal(brief(await chain.authenticate(testRequest({ username: 'u' }))), 'refuse 0x88 method-failed');
});

test('a re-authentication goes to the method that let the client in and may not change the identity', async () => {
  const seen: (Principal | undefined)[] = [];
  const scram = (name: string) =>
    method(
      name,
      ({ data, current }) => {
        seen.push(current);
        return Buffer.from(data!).toString().startsWith(name) ? accept(Buffer.from(data!).toString()) : undefined;
      },
      { authenticationMethods: ['S'] },
    );
  const chain = chainOf([scram('a'), scram('b')]);
  const step = (data: string, current?: Principal) =>
    chain.authenticate(testRequest({ authenticationMethod: 'S' }, { data: Buffer.from(data), current }));
  const first = await step('b1');
  assert(first.kind === 'accept');
  assert.equal(brief(await step('b1', first.principal)), 'accept b1');
  assert.equal(seen.at(-1)?.identity, 'b1');
  assert.equal(brief(await step('b2', first.principal)), 'refuse 0x87 identity-changed');
  assert.equal(brief(await step('a1', first.principal)), 'refuse 0x86 unknown-user');
});

test('a re-authentication in several steps may not change the identity either', async () => {
  const chain = chainOf([twoSteps('a', 'S')]);
  const shown = { authenticationMethod: 'S' };
  const login = async (name: string, current: Principal | undefined) => {
    const first = await chain.authenticate(testRequest(shown, { data: Buffer.from('x'), current }));
    assert(first.kind === 'challenge');
    return chain.authenticate(testRequest(shown, { data: Buffer.from(name), state: first.state, current }));
  };
  const before = await login('ada', undefined);
  assert(before.kind === 'accept');
  assert.equal(brief(await login('ada', before.principal)), 'accept a:1:ada');
  assert.equal(brief(await login('bob', before.principal)), 'refuse 0x87 identity-changed');
});

test('a review goes to the method that let the client in, with the principal that it made', async () => {
  const made = accept('ada');
  const gone: AuthenticationResult = { kind: 'refuse', reasonCode: 0x87, check: 'user-disabled' };
  const chain = chainOf([
    method('a', () => undefined, { review: () => assert.fail('it let nobody in') }),
    method('b', () => made, {
      review: (principal) => (made.kind === 'accept' && principal === made.principal ? gone : undefined),
    }),
  ]);
  const principal = await admit(chain, testRequest());
  assert.equal(briefly(chain.review(principal, 'c1')), 'refuse 0x87 user-disabled');
  assert.equal(briefly(chain.review({ ...principal }, 'c1')), 'refuse 0x87 method-removed');
});

test('who was let in stays while that method is there, and not for another one of its name', async () => {
  const a = method('a', () => accept('ada'));
  const chain = chainOf([a]);
  const principal = await admit(chain, testRequest());
  assert.equal(chain.review(principal, 'c1'), undefined);
  chain.replace([method('z', () => undefined), a]);
  assert.equal(chain.review(principal, 'c1'), undefined);
  chain.replace([method('a', () => accept('ada'))]);
  assert.equal(briefly(chain.review(principal, 'c1')), 'refuse 0x87 method-removed');
  const again = testRequest({ authenticationMethod: 'S' }, { current: principal });
  assert.equal(brief(await chain.authenticate(again)), 'refuse 0x87 method-removed');
});

test('an exchange under way with a method that was replaced is refused, however it is under way', async () => {
  const late = Promise.withResolvers<AuthenticationResult>();
  const steps = twoSteps('b', 'S');
  const chain = chainOf([method('a', () => late.promise), steps]);
  const shown = { authenticationMethod: 'S' };
  const waiting = chain.authenticate(testRequest());
  const first = await chain.authenticate(testRequest(shown, { data: Buffer.from('x') }));
  assert(first.kind === 'challenge');
  chain.replace([method('a', () => accept('new')), twoSteps('b', 'S')]);
  late.resolve(accept('old'));
  assert.equal(brief(await waiting), 'refuse 0x87 method-removed');
  const second = await chain.authenticate(testRequest(shown, { data: Buffer.from('ada'), state: first.state }));
  assert.equal(brief(second), 'refuse 0x87 method-removed');
  assert.equal(brief(await chain.authenticate(testRequest())), 'accept new');
});

test('two methods of one name are refused and change nothing', async () => {
  const a = method('a', () => accept('ada'));
  const chain = chainOf([a]);
  assert.throws(() => chain.replace([a, a]), /Cannot use two methods called "a"/);
  assert.equal(brief(await chain.authenticate(testRequest())), 'accept ada');
});

test('client id rules judge whom a method accepted, and their fields become attributes', async () => {
  const rules = clientIdRules([
    { template: '{site}-{device}', patterns: { site: 'no-dash' }, equals: { device: '{username}' } },
  ]);
  const ada = method('a', () => accept('ada', { attributes: { tenant: 't1' } }));
  const chain = authenticatorChain({ clock: new TestClock(), methods: [ada], clientIds: rules });
  const principal = await admit(chain, testRequest({ clientId: 'north-ada' }));
  assert.deepEqual(principal.attributes, { tenant: 't1', site: 'north', device: 'ada' });
  assert.equal(chain.review(principal, 'north-ada'), undefined);
  assert.equal(brief(await chain.authenticate(testRequest({ clientId: 'north-bob' }))), 'refuse 0x85 client-id');
});

test('a review sees that client id rules have become others', async () => {
  const ada = method('a', () => accept('ada'));
  const chain = authenticatorChain({
    clock: new TestClock(),
    methods: [ada],
    clientIds: clientIdRules([{ template: '{site}-{device}', patterns: { site: 'no-dash' } }]),
  });
  const principal = await admit(chain, testRequest({ clientId: 'north-1' }));
  chain.replace([ada], clientIdRules([{ template: 'south-{device}' }]));
  assert.equal(briefly(chain.review(principal, 'north-1')), 'refuse 0x85 client-id');
  chain.replace([ada], clientIdRules([{ template: '{place}-{device}', patterns: { place: 'no-dash' } }]));
  assert.equal(briefly(chain.review(principal, 'north-1')), 'refuse 0x85 client-id');
});
