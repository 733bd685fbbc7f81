import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compileClientId } from './client-id-form.ts';

const form = {
  template: '{partner}-{app}-{space}-{device}',
  patterns: { app: 'no-dash' },
  equals: { partner: '{attr.partner}', space: '{attr.space}', device: '{deviceId}' },
};
const uuid = '9f1c7a52-6f0e-4f5c-9d4b-1f6f2b0c8a11';
const owner = { id: uuid, attributes: { partner: 'p1', space: 's1' } };
const check = compileClientId(form);

test('lets in the Client Identifier that has the values of the device', () => {
  assert.equal(check.problem(`p1-fw-s1-${uuid}`, owner), undefined);
  assert.deepEqual(check.attributes, ['partner', 'space']);
});

test('names the field that differs, what was found and what is expected', () => {
  const other = uuid.replace('9', '8');
  assert.equal(
    check.problem(`p1-fw-s2-${uuid}`, owner),
    '{space} of the client id is "s2", {attr.space} of the device is expected: "s1"',
  );
  assert.equal(
    check.problem(`p9-fw-s1-${uuid}`, owner),
    '{partner} of the client id is "p9", {attr.partner} of the device is expected: "p1"',
  );
  assert.equal(
    check.problem(`p1-fw-s1-${other}`, owner),
    `{device} of the client id is "${other}", {deviceId} of the device is expected: "${uuid}"`,
  );
});

test('names each field where several differ', () => {
  const short = { id: 'd1', attributes: { partner: 'p1', space: 's1' } };
  assert.equal(
    check.problem('p9-fw-s9-d1', short),
    '{partner} of the client id is "p9", {attr.partner} of the device is expected: "p1"; ' +
      '{space} of the client id is "s9", {attr.space} of the device is expected: "s1"',
  );
});

test('says what does not fit at all, and what the device lacks', () => {
  const template = '{partner}-{app}-{space}-{device}';
  assert.equal(
    check.problem('hello', owner),
    `the client id does not fit "${template}", which for this device is "p1-{app}-s1-${uuid}" with {app} "no-dash"`,
  );
  const patterned = compileClientId({ ...form, patterns: { app: ['fw', 'app'] } });
  assert.match(patterned.problem('hello', owner) ?? '', / is "p1-\{app\}-s1-.*" with \{app\} \["fw","app"\]$/);
  const twice = compileClientId({
    template: '{one}.{two}-{device}',
    patterns: { one: 'no-dash', two: 'no-dash' },
    equals: { device: '{deviceId}' },
  });
  assert.match(
    twice.problem(`a.b.c-${uuid}`, owner) ?? '',
    /\(one way to read .* with \{device\} equal to \{deviceId\} is expected, there are two/,
  );
  assert.match(
    check.problem(`p1-fw-s1-${uuid}`, { ...owner, attributes: { partner: 'p1' } }) ?? '',
    /no attribute for \{attr\.space\}/,
  );
  assert.match(check.problem('x'.repeat(300), owner) ?? '', /256 are the most/);
});

test('does not take names of Object.prototype for attributes, nor an attribute for a field of its name', () => {
  const odd = compileClientId({ template: '{partner}', patterns: {}, equals: { partner: '{attr.constructor}' } });
  assert.match(odd.problem('p1-fw-s1-d1', owner) ?? '', /no attribute for/);
  const free = compileClientId({ template: 'x-{space}', patterns: {}, equals: {} });
  assert.equal(free.problem('x-other', owner), undefined);
});

test('refuses forms that cannot be read', () => {
  assert.throws(() => compileClientId({ ...form, equals: { device: '{username}' } }), /\{deviceId\} or \{attr\.NAME\}/);
  assert.throws(() => compileClientId({ ...form, patterns: { app: '(' } }), /Cannot read the pattern/);
  assert.throws(() => compileClientId({ ...form, template: 'x' }), /1 to 8 fields/);
});

test('lets in exactly who has the values of the device, whatever they are', () => {
  const word = fc.stringMatching(/^[a-c-]{1,4}$/);
  const app = fc.stringMatching(/^[a-c]{1,4}$/);
  fc.assert(
    fc.property(word, app, word, word, (partner, app, space, id) => {
      const its = { id, attributes: { partner, space } };
      assert.equal(check.problem(`${partner}-${app}-${space}-${id}`, its), undefined);
      const found = check.problem(`${partner}-${app}-${space}x-${id}`, its);
      assert.ok(found !== undefined);
    }),
  );
});

test('refuses a form by which one device could make the Client Identifier of another, and says what to write', () => {
  const equals = { device: '{deviceId}' };
  assert.throws(
    () => compileClientId({ template: '{app}-{device}', patterns: {}, equals }),
    new Error(
      'Cannot use the client id template "{app}-{device}": {app} is the choice of the device and may hold the "-" that ' +
        'parts it from {device}, so that it could make the Client Identifier of another one; patterns: { app: no-dash }, ' +
        'or another without "-", is expected',
    ),
  );
  const refused: [string, Record<string, string>, RegExp][] = [
    ['{app}{device}', { app: 'word' }, /no text parts it from \{device\}.* patterns: \{ app: uuid \}, or a text/],
    ['{device}-{app}', { app: '[a-z-]' }, /\{app\} .* the "-" that parts it from \{device\}/],
    ['{app}_{device}', { app: 'word' }, /patterns: \{ app: letters \}/],
    ['{one}.{two}-{device}', { two: 'word' }, /\{one\} .* may hold the "-"/],
    ['{app}::{device}', { app: 'no-dash' }, /patterns: \{ app: word \}/],
    ['{app}-{device}', { app: 'fw|fw-2' }, /patterns: \{ app: no-dash \}/],
  ];
  for (const [template, patterns, expected] of refused)
    assert.throws(() => compileClientId({ template, patterns, equals }), expected, template);
  for (const [template, patterns] of [
    ['{app}-{device}', { app: 'uuid' }],
    ['{app}{device}', { app: 'hex{8}' }],
    ['{device}-{app}', { app: 'word' }],
    ['{one}.{two}-{device}', { one: 'no-dash', two: 'no-dash' }],
    ['{app}-{device}', { app: 'fw-1|fw-2' }],
    ['cam-{device}', {}],
  ] as const)
    assert.doesNotThrow(() => compileClientId({ template, patterns, equals }), template);
});

test('where a form is taken, a Client Identifier is that of one device, whatever ids are like', () => {
  const id = fc.stringMatching(/^[ab.-]{1,5}$/);
  const text = fc.stringMatching(/^[ab.-]{0,4}[ab]$/);
  const forms = [
    ['{app}-{device}', { app: 'no-dash' }],
    ['{device}-{app}', { app: 'no-dash' }],
    ['{app}.{device}-{two}', { app: '[ab-]', two: '[ab.]' }],
    ['{two}-{app}-{device}', { app: 'no-dash', two: 'no-dash' }],
    ['{app}{device}', { app: 'a-b|b.a' }],
  ] as const;
  for (const [template, patterns] of forms) {
    const taken = compileClientId({ template, patterns, equals: { device: '{deviceId}' } });
    fc.assert(
      fc.property(id, id, text, text, (one, other, app, two) => {
        const clientId = template.replace('{app}', app).replace('{two}', two).replace('{device}', one);
        const isOf = (owner: string) => taken.problem(clientId, { id: owner, attributes: {} }) === undefined;
        assert.ok(one === other || !isOf(one) || !isOf(other), `${clientId} of ${one} and ${other}`);
      }),
      { numRuns: 500 },
    );
  }
});

test('a part of no device that holds no dash does not let two devices share a Client Identifier', () => {
  const narrow = compileClientId({ ...form, patterns: { app: 'no-dash' } });
  const one = { id: 'cam-1', attributes: { partner: 'p1', space: 'home' } };
  const other = { id: '1', attributes: { partner: 'p1', space: 'cam' } };
  assert.equal(narrow.problem('p1-fw-home-cam-1', one), undefined);
  assert.ok(narrow.problem('p1-fw-home-cam-1', other) !== undefined);
  const uuids = { id: uuid, attributes: { partner: uuid.replace('9', '8'), space: uuid.replace('9', '7') } };
  const { partner, space } = uuids.attributes;
  assert.equal(narrow.problem(`${partner}-fw-${space}-${uuid}`, uuids), undefined);
});
