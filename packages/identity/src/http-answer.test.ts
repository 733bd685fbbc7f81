import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readAnswer } from './http-answer.ts';

const answerTo = (status: number, value: unknown = {}, answers: 'json' | 'status' = 'json') =>
  readAnswer({ status, body: Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)) }, answers);
const plain = {
  kind: 'accept',
  username: undefined,
  groups: [],
  attributes: {},
  expiresAtMs: Infinity,
  claims: undefined,
};

test('a status by itself accepts, refuses, or says that the client is not known', () => {
  assert.deepEqual(answerTo(204, ''), plain);
  assert.deepEqual(answerTo(401), { kind: 'refuse', reasonCode: 0x86 });
  assert.deepEqual(answerTo(403), { kind: 'refuse', reasonCode: 0x87 });
  assert.deepEqual(answerTo(404), { kind: 'unknown' });
});

test('status 200 accepts by itself only where the options say so', () => {
  assert.deepEqual(answerTo(200, '<html>', 'status'), plain);
  assert.equal(answerTo(200, '<html>').kind, 'failure');
  assert.equal(answerTo(200, {}).kind, 'failure');
});

test('JSON says who the client is and what it may do', () => {
  const rules = [{ action: 'allow', to: ['publish'], topics: ['a/#'] }];
  const given = { username: 'ada', groups: ['g'], attributes: { tenant: 'acme' }, expiresAtMs: 1_900_000_000_000 };
  assert.deepEqual(answerTo(200, { result: 'accept', ...given, rules }), {
    kind: 'accept',
    ...given,
    claims: { rules },
  });
  assert.deepEqual(answerTo(200, { result: 'accept' }), plain);
  assert.deepEqual(answerTo(200, { result: 'unknown' }), { kind: 'unknown' });
  assert.deepEqual(answerTo(200, { result: 'refuse' }), { kind: 'refuse', reasonCode: 0x86 });
  assert.deepEqual(answerTo(200, { result: 'refuse', reasonCode: 0x8a }), { kind: 'refuse', reasonCode: 0x8a });
});

test('what is not wholly understood accepts nobody, and nothing of it is quoted', () => {
  const wrong = [
    'hidden',
    '["hidden"]',
    'null',
    '{"__proto__": {"result": "accept"}, "hidden": 1}',
    '{"__proto__": {"result": "accept"}}',
    { result: 'hidden' },
    { result: true },
    { result: 'accept', acl: { pub: ['hidden'] } },
    { result: 'accept', username: '' },
    { result: 'accept', username: null },
    { result: 'accept', groups: 'x'.repeat(300) },
    { result: 'accept', attributes: ['hidden'] },
    { result: 'accept', attributes: { a: { hidden: 1 } } },
    { result: 'accept', expiresAtMs: 'hidden' },
    { result: 'accept', rules: { pub: ['hidden'] } },
    { result: 'refuse', reasonCode: 0 },
    { result: 'refuse', reasonCode: 0x92 },
    { result: 'refuse', reasonCode: 134.5 },
  ];
  for (const value of wrong) {
    const answer = answerTo(200, value);
    assert(answer.kind === 'failure' && !answer.isDown, JSON.stringify(value));
    assert.match(answer.error, /expected/);
    assert.doesNotMatch(answer.error, /hidden/);
  }
});

test('a service that cannot answer now is told from one that answers wrongly', () => {
  const isDown = (status: number) => {
    const answer = answerTo(status);
    return answer.kind === 'failure' ? answer.isDown : answer.kind;
  };
  for (const status of [500, 502, 503, 599, 408, 429]) assert.equal(isDown(status), true, String(status));
  for (const status of [201, 301, 302, 400, 405, 0]) assert.equal(isDown(status), false, String(status));
});

test('any JSON without a result accepts nobody', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      fc.pre((value as { result?: unknown } | null)?.result === undefined);
      assert.equal(answerTo(200, JSON.stringify(value)).kind, 'failure');
    }),
  );
});
