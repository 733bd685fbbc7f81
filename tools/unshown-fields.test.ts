import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withoutFields } from './unshown-fields.ts';

const PATH = 'packages/protocol/src/encode.ts';

test('names of fields are not handed on', () => {
  const code =
    'class A { text(value, field) { this.#a(1, field); } byte(field) { return this.skip(1, field); } #a(b, field) {} }';
  const without = 'class A { text(value) { this.#a(1); } byte() { return this.skip(1); } #a(b) {} }';
  assert.equal(withoutFields(code, PATH), without);
  assert.equal(
    withoutFields("writer.check(a, 0, 2, 'QoS'); reader.byte('flags');", PATH),
    'writer.check(a, 0, 2); reader.byte();',
  );
});

test('faults, other calls and other modules stay as they are', () => {
  for (const code of ["throw reader.malformed('its QoS is 3');", "check(a, 'Topic Name');", 'writer.raw(bytes, 0);'])
    assert.equal(withoutFields(code, PATH), code);
  assert.equal(withoutFields("this.text('Topic Name');", 'packages/client/src/a.ts'), "this.text('Topic Name');");
});
