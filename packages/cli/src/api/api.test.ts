import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Api, ApiRefusal, type ApiWay } from './api.ts';

type Answer = Awaited<ReturnType<ApiWay['request']>>;

/** An API that answers one after the other, and the requests that came. */
function scripted(...answers: (readonly [status: number, body: unknown])[]) {
  const asked: Parameters<ApiWay['request']>[0][] = [];
  const request: ApiWay['request'] = async (one) => {
    asked.push(one);
    const [status, body] = answers.shift() ?? [500, ''];
    return { status, headers: {}, body: typeof body === 'string' ? body : JSON.stringify(body) } satisfies Answer;
  };
  return { api: new Api({ kind: 'control', request, close: async () => {} }), asked };
}

test('a refusal is told in the words of the API, with each fault and what to do', async () => {
  const errors = [
    { at: '/id', problem: 'is no id\u001b[2J' },
    { at: '', problem: 'said above' },
  ];
  const { api } = scripted(
    [400, { code: 'input-invalid', detail: 'Cannot use the body: see errors; said above', errors }],
    [401, { code: 'key-refused', detail: 'Cannot let this API key in' }],
  );
  await assert.rejects(api.ask('GET', '/x'), (error: ApiRefusal) => {
    assert.ok(error instanceof ApiRefusal);
    assert.deepEqual(
      [error.exitCode, error.code, error.message],
      [1, 'input-invalid', 'Cannot use the body: see errors; said above\n  /id: is no id\\u001b[2J'],
    );
    return true;
  });
  await assert.rejects(api.ask('GET', '/x'), {
    exitCode: 5,
    message: /^Cannot let this API key in\nMake another one where/,
  });
});

test('an attribute that another device has comes with what finds that device', async () => {
  const body = JSON.stringify({ code: 'attribute-taken', detail: 'Cannot add it', errors: [] });
  const request = async () => ({ status: 409, headers: {}, body });
  await assert.rejects(new Api({ kind: 'control', request, close: async () => {} }).ask('POST', '/x'), {
    message: /^Cannot add it\n"dunlin device list --attribute NAME=VALUE" says which device has it\.$/,
  });
});

test('whatever is no answer of the API is not taken for one', async () => {
  for (const [status, body] of [
    [502, '<html>'],
    [200, '<html>'],
    [302, ''],
    [404, { message: 'no such page' }],
    [400, { code: 'x', detail: 'y', errors: 'z' }],
  ] as const) {
    const { api } = scripted([status, body]);
    const message = `Cannot use the answer: it has the status ${status} and is none of the API of Dunlin, which is expected`;
    await assert.rejects(api.ask('GET', '/x'), { name: 'CommandError', exitCode: 2, message });
  }
  assert.equal(await scripted([204, '']).api.ask('DELETE', '/x'), undefined);
});

test('a list is read page by page, up to as many as are wanted', async () => {
  const { api, asked } = scripted(
    [200, { items: [1, 2], cursor: 'a&b' }],
    [200, { items: [], cursor: 'c' }],
    [200, { items: [3], cursor: 'd' }],
  );
  assert.deepEqual(await api.list('/x', { type: 'a b', group: undefined }, 3), { items: [1, 2, 3], isMore: true });
  assert.deepEqual(
    asked.map(({ path }) => path),
    ['/x?type=a+b&limit=3', '/x?type=a+b&limit=1&cursor=a%26b', '/x?type=a+b&limit=1&cursor=c'],
  );
  assert.deepEqual(await scripted([200, { items: [1] }]).api.list('/x', {}, 3), { items: [1], isMore: false });
});
