import assert from 'node:assert/strict';
import { test } from 'node:test';
import { payloadText, valueRead } from './payload-spec.ts';
import { RandomSource } from './random-source.ts';
import { Problems, parseScript } from './script-node.ts';

function payload(yaml: string): string {
  const problems = new Problems('s');
  const [[, node]] = parseScript(`v: ${yaml}`, problems).entries();
  const spec = valueRead(new Set(['i', 'name']))(node);
  problems.throwIfAny();
  return payloadText(spec?.(new RandomSource('1'))({ wallClockMs: 0, variables: { i: 3, name: 'door' } }));
}

test('a text is the payload, everything else becomes JSON', () => {
  assert.equal(payload('hello {name}'), 'hello door');
  assert.equal(payload('\'{"a": {}}\''), '{"a": {}}');
  assert.equal(payload('{$counter: {from: 7}}'), '7');
  assert.equal(
    payload('{name: "{name}", on: true, list: [1, null, {$counter: {}}], n: 2.1.0}'),
    '{"name":"door","on":true,"list":[1,null,0],"n":"2.1.0"}',
  );
});

test('names of an object are its own, whatever they are', () => {
  assert.equal(payload('{__proto__: 1, constructor: 2}'), '{"__proto__":1,"constructor":2}');
});

test('unknown places and depths without end are refused', () => {
  assert.throws(() => payload("{a: ['{nobody}']}"), /v\.a\[0\] has \{nobody\}, which is unknown: i, name/);
  assert.throws(() => payload(`${'['.repeat(30)}1${']'.repeat(30)}`), /deeper than 20 levels/);
});
