import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileSchema } from './input-schema.ts';

test('takes no input where there is no schema', () => {
  const check = compileSchema(undefined);
  assert.deepEqual(check(undefined), []);
  assert.deepEqual(check({}), ['input is given: none is expected']);
});

test('names the fault of an input that does not fit', () => {
  const check = compileSchema({
    type: 'object',
    properties: { level: { type: 'integer', maximum: 10 } },
    required: ['level'],
    additionalProperties: false,
  });
  assert.deepEqual(check({ level: 3 }), []);
  assert.deepEqual(check({ level: 11 }), ['input.level must be <= 10']);
  assert.deepEqual(check(undefined), ["input must have required property 'level'"]);
  assert.deepEqual(check(JSON.parse('{"level":1,"__proto__":{}}')), ['input must NOT have additional properties']);
});

test('refuses a schema that cannot be used', () => {
  assert.throws(() => compileSchema({ type: 'colour' }), /schema is invalid/);
  assert.throws(() => compileSchema({ maximun: 1 }), /unknown keyword: "maximun"/);
  assert.throws(() => compileSchema({ $ref: 'https://example.com/other.json' }), /can't resolve reference/);
  assert.throws(() => compileSchema({ $async: true }), /without "\$async"/);
  assert.throws(() => compileSchema([]), /a JSON Schema is expected/);
});
