import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isWithinLevel } from './pasteable.ts';
import { principal } from './testing/principal.ts';
import { type Client, fillTemplate, plainTemplate, readMosquittoPattern, readTemplate } from './topic-template.ts';

const ada: Client = {
  clientId: 'c-1',
  principal: principal({
    username: 'ada',
    attributes: { partnerId: 'p7' },
    certificate: { authority: 'players', serial: '1', commonName: 'player' },
  }),
};

function filled(text: string, client = ada, effect: 'allow' | 'deny' = 'allow'): unknown {
  return fillTemplate(readTemplate(text), client, effect);
}

test('pastes user name, Client Identifier, Common Name and attributes, as whole levels or parts of them', () => {
  assert.deepEqual(filled('a/%u/%c/#'), { filter: 'a/ada/c-1/#' });
  assert.deepEqual(filled('{username}-{clientId}/{cn}/x-{attr.partnerId}'), { filter: 'ada-c-1/player/x-p7' });
});

test('takes braces and percent signs of plain filters and of Mosquitto as they are', () => {
  assert.deepEqual(fillTemplate(plainTemplate('a/%u/{username}'), ada, 'allow'), { filter: 'a/%u/{username}' });
  assert.deepEqual(fillTemplate(readMosquittoPattern('a/%u/{username}'), ada, 'allow'), { filter: 'a/ada/{username}' });
});

test('pastes nothing that the client has not, and no inherited name', () => {
  const nobody: Client = { clientId: 'c', principal: principal() };
  assert.deepEqual(filled('a/{username}', nobody), { variable: 'username', value: undefined, before: 'a/' });
  assert.deepEqual(filled('{cn}', nobody), { variable: 'cn', value: undefined, before: '' });
  assert.deepEqual(filled('{attr.constructor}', nobody), {
    variable: 'attr.constructor',
    value: undefined,
    before: '',
  });
});

test('pastes no name that would leave its level, whatever it holds', () => {
  for (const value of ['', '+', '#', 'a/b', 'a+', '#a', '\0', 'a\nb', '\u0085', '\ud800'])
    assert.ok(!isWithinLevel(value), JSON.stringify(value));
  const property = fc.property(fc.string({ unit: 'binary' }), (username) => {
    const result = fillTemplate(
      readTemplate('u/{username}/x'),
      { clientId: 'c', principal: principal({ username }) },
      'allow',
    );
    if ('filter' in result) assert.deepEqual(result.filter.split('/').length, 3);
    assert.equal('filter' in result, isWithinLevel(username));
  });
  fc.assert(property);
});

test('lets nobody into the topics of the server by a name that begins with "$"', () => {
  const sly: Client = { clientId: 'c', principal: principal({ username: '$SYS' }) };
  assert.deepEqual(filled('{username}/#', sly), { variable: 'username', value: '$SYS', before: '' });
  assert.deepEqual(filled('{username}/#', sly, 'deny'), { filter: '$SYS/#' });
  assert.deepEqual(filled('a/{username}', sly), { filter: 'a/$SYS' });
});
