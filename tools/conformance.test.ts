/** The mapping of statements to tests: scanning, counting, what it refuses. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { coverage, type Inputs, page, problems, scanTests } from './conformance.ts';

const statements: Inputs['statements'] = [
  { id: 'MQTT-1.1-1', version: '5.0', section: '1.1 One', side: 'server', requirement: 'a' },
  { id: 'MQTT-1.1-2', version: '5.0', section: '1.1 One', side: 'both', requirement: 'b | c' },
  { id: 'MQTT-1.1-3', version: '5.0', section: '1.1 One', side: 'client', requirement: 'd' },
];
const blackBox = { file: 'test/conformance/a.test.ts', title: 'a', ids: ['MQTT-1.1-1'] };
const ofClient = { file: 'packages/client/src/a.test.ts', title: 'a', ids: ['MQTT-1.1-2', 'MQTT-1.1-3'] };
const none = () => undefined;

test('finds the ids of conformance calls whatever their layout', () => {
  const source = `
    conformance(['MQTT-3.1.2-8', 'MQTT311-rule-3'], 'a title', async () => {});
    conformance(
      [
        'MQTT31-4',
      ],
      \`a title with \${value}\`,
      run,
    );`;
  assert.deepEqual(
    scanTests('x', source).map(({ ids }) => ids),
    [['MQTT-3.1.2-8', 'MQTT311-rule-3'], ['MQTT31-4']],
  );
});

test('finds the ids in brackets of ordinary test titles and leaves other tests out', () => {
  const source = `
    test('refuses U+0000 [MQTT-1.5.4-2]', () => {});
    it("does 'this' [MQTT-1.5.4-1, MQTT311-1.5.3-1]", () => {});
    test('mentions MQTT-1.5.4-3 without brackets', () => {});`;
  assert.deepEqual(
    scanTests('x', source).map(({ ids }) => ids),
    [['MQTT-1.5.4-2'], ['MQTT-1.5.4-1', 'MQTT311-1.5.3-1']],
  );
});

test('finds the ids in the titles of groups and of tables of cases', () => {
  const source = `
    describe('faults [MQTT311-4.8.0-1]', () => {});
    const faults = [
      ['QoS 3 [MQTT-3.3.1-4]', '3605', 0x81],
      [
        "PUBREL with flags 0 [MQTT-3.6.1-1, MQTT-2.1.3-1]",
        '6002 0001',
      ],
      ['no title', 'with [MQTT-1.5.4-1]'],
    ];`;
  assert.deepEqual(
    scanTests('x', source).map(({ ids }) => ids),
    [['MQTT311-4.8.0-1'], ['MQTT-3.3.1-4'], ['MQTT-3.6.1-1', 'MQTT-2.1.3-1']],
  );
});

test('reports statements of a server without a black-box test', () => {
  const wrong = problems({ statements, tests: [blackBox, ofClient], exemptions: {} }, {}, none);
  assert.deepEqual(wrong, ['MQTT-1.1-2 has neither a black-box test nor an exemption: b | c']);
});

test('reports statements of a client without a test of the client', () => {
  const both = { ...blackBox, ids: ['MQTT-1.1-1', 'MQTT-1.1-2', 'MQTT-1.1-3'] };
  assert.deepEqual(problems({ statements, tests: [both], exemptions: {} }, {}, none), [
    'MQTT-1.1-2 binds a client and has no test of the client: b | c',
    'MQTT-1.1-3 binds a client and has no test of the client: d',
  ]);
});

test('does not take a unit test for a black-box test', () => {
  const unit = { file: 'packages/a/src/a.test.ts', title: 'a', ids: ['MQTT-1.1-1', 'MQTT-1.1-2'] };
  assert.equal(problems({ statements, tests: [unit, ofClient], exemptions: {} }, {}, none).length, 2);
});

test('accepts an exemption whose unit test exists and refuses one whose does not', () => {
  const exemption = { reason: 'unit', file: 'packages/a.test.ts', title: 'does it', why: 'inside' } as const;
  const inputs: Inputs = { statements, tests: [blackBox, ofClient], exemptions: { 'MQTT-1.1-2': exemption } };
  assert.deepEqual(
    problems(inputs, {}, () => "test('does it', …)"),
    [],
  );
  assert.match(problems(inputs, {}, none)[0], /names a test that does not exist/);
});

test('refuses unknown statements, needless exemptions and a falling count', () => {
  const inputs: Inputs = {
    statements,
    tests: [blackBox, ofClient, { file: 'x', title: 'y', ids: ['MQTT-9.9-9'] }],
    exemptions: {
      'MQTT-1.1-1': { reason: 'client-only', why: 'no' },
      'MQTT-1.1-2': { reason: 'client-only', why: 'no' },
    },
  };
  const wrong = problems(inputs, { '5.0': 2 }, none);
  assert.equal(wrong.length, 3);
  assert.match(wrong[0], /MQTT-9\.9-9, which is no statement/);
  assert.match(wrong[1], /MQTT-1\.1-1 is not needed/);
  assert.match(wrong[2], /1 statements have a black-box test, 2 are recorded/);
});

test('counts and shows what is covered', () => {
  const inputs: Inputs = { statements, tests: [blackBox], exemptions: {} };
  assert.deepEqual(coverage(inputs), { '5.0': 1 });
  const text = page(inputs);
  assert.match(text, /\| MQTT 5\.0: 1\.1 One \| 2 \| 1 \| 0 \| 1 \| 2 \| 0 \|/);
  assert.match(text, /\| MQTT-1\.1-2 \| both \| b \\\| c \| \*\*open\*\* \|/);
  assert.match(text, /\[a\]\(\.\.\/\.\.\/test\/conformance\/a\.test\.ts\)/);
});
