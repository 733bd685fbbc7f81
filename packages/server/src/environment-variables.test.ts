import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expandVariables } from './environment-variables.ts';

const environment = { HOST: '10.0.0.1', PORT: '1884', EMPTY: '' };

test('fills in variables, several in one text', () => {
  assert.deepEqual(expandVariables(`\${HOST}:\${PORT}`, environment), { text: '10.0.0.1:1884' });
});

test('takes what stands behind :- where a variable is not set or empty', () => {
  assert.deepEqual(expandVariables(`\${NAME:-local} \${EMPTY:-b} \${X:-}`, environment), { text: 'local b ' });
});

test('names the first variable that is missing', () => {
  assert.deepEqual(expandVariables(`\${HOST} \${FIRST} \${SECOND}`, environment), { missing: 'FIRST' });
  assert.deepEqual(expandVariables(`\${EMPTY}`, environment), { missing: 'EMPTY' });
});

test('leaves every other dollar sign alone, those of password hashes above all', () => {
  for (const text of ['$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA', '$7$101$a$b', '$', '${', '${}', '${1}', '$HOST'])
    assert.deepEqual(expandVariables(text, environment), { text });
  assert.deepEqual(expandVariables(`$\${HOST}`, environment), { text: `\${HOST}` });
});

test('does not look for variables in what a variable holds', () => {
  assert.deepEqual(expandVariables(`\${A}`, { A: `\${HOST}` }), { text: `\${HOST}` });
});
