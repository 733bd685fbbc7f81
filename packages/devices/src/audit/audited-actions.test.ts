import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AUDITED_ACTIONS } from './audited-actions.ts';

test('an action is named by what was changed and how, and told in sentences', () => {
  for (const [name, meaning] of Object.entries(AUDITED_ACTIONS)) {
    assert.match(name, /^[a-z-]+\.[a-z]+$/);
    assert.match(meaning, /^[A-Z].*\.$/);
  }
});
