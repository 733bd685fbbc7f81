import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exactJson, indentedJson } from './exact-json.ts';

test('numbers keep their digits', () => {
  const text = '{"a":[1.0,12345678901234567890,1e999],"b":"1.0"}';
  assert.equal(JSON.stringify(exactJson(text)), text);
  assert.throws(() => exactJson('{'), SyntaxError);
});

test('JSON is indented, and what is none is not touched', () => {
  assert.equal(indentedJson('{"a":1.50}'), '{\n  "a": 1.50\n}');
  assert.equal(indentedJson('7.0'), '7.0');
  assert.equal(indentedJson('a'), undefined);
});
