import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultDataDirectory } from './data-directory.ts';

test('takes the place that the environment names, else the one that the system has for the state of programs', () => {
  const of = (env: NodeJS.ProcessEnv, platform = 'linux') => defaultDataDirectory(env, platform, '/users/ada');
  assert.equal(of({ STATE_DIRECTORY: '/var/lib/dunlin', XDG_STATE_HOME: '/state' }), '/var/lib/dunlin');
  assert.equal(of({ STATE_DIRECTORY: '/var/lib/dunlin:/var/lib/other', XDG_STATE_HOME: '/state' }), '/var/lib/dunlin');
  assert.equal(of({ XDG_STATE_HOME: '/state' }), '/state/dunlin');
  assert.equal(of({}), '/users/ada/.local/state/dunlin');
  assert.equal(of({}, 'darwin'), '/users/ada/Library/Application Support/dunlin');
  assert.equal(of({ LOCALAPPDATA: '/local' }, 'win32'), '/local/dunlin');
});
