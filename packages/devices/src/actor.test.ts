import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actingAs, actingForService, BY_SERVICE, currentActor } from './actor.ts';

test('an actor is known to all that is done for it, and to nothing besides', async () => {
  const seen = await Promise.all(
    ['a', 'b'].map((by) =>
      actingAs({ by }, async () => {
        await new Promise(setImmediate);
        return currentActor().by;
      }),
    ),
  );
  assert.deepEqual([...seen, currentActor().by], ['a', 'b', BY_SERVICE]);
});

test('who a request turns out to be keeps its address and its number, and not how somebody else has shown who they are', () => {
  const outer = { by: 'public', proof: 'none', address: '192.0.2.1', requestId: 'r-1' };
  const seen = actingAs(outer, () => actingAs({ by: 'device:a' }, () => currentActor()));
  assert.deepEqual({ ...seen }, { ...outer, by: 'device:a', proof: undefined });
});

test('what follows from a change is by the service, and names the request that it followed from', () => {
  const seen = actingAs({ by: 'key:1', address: '192.0.2.1', requestId: 'r-1' }, () =>
    actingForService(() => currentActor()),
  );
  assert.deepEqual([seen.by, seen.address, seen.requestId], [BY_SERVICE, '', 'r-1']);
});
