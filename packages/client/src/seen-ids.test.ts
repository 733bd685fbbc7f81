import assert from 'node:assert/strict';
import { appendFileSync, chmodSync, mkdtempSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mock, test } from 'node:test';
import { setTimeout as after } from 'node:timers/promises';
import { ReceivedMessage } from './received-message.ts';
import { openSeenIds, type SeenIdsError } from './seen-ids.ts';
import { surfacing } from './testing/surfacing.ts';

function newPath(): string {
  return join(mkdtempSync(join(tmpdir(), 'dunlin-seen-')), 'seen');
}

function event(id: string, qos: 0 | 1 = 1): ReceivedMessage {
  const payload = new TextEncoder().encode(id);
  return new ReceivedMessage(
    { type: 'publish', topic: 'view', payload, qos, retain: false, dup: true, packetId: 1, properties: {} },
    'view',
  );
}

test('what was added is known after the file was closed and opened again, whatever it is called', async () => {
  const path = newPath();
  const ids = ['a', '', '\n', '\0'.repeat(70_000), '__proto__', 'ü', '\ud800'];
  {
    await using seen = await openSeenIds(path);
    assert.deepEqual(
      await Promise.all(ids.map((id) => seen.add(id))),
      ids.map(() => true),
    );
    assert.equal(await seen.add('a'), false);
  }
  await using seen = await openSeenIds(path);
  assert.equal(seen.size, ids.length);
  for (const id of ids) assert.ok(seen.has(id));
  assert.ok(!seen.has('b'));
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.ok(!readFileSync(path, 'latin1').includes('__proto__'));
});

test('an identifier is new again when its window is over, also after a restart', async (t) => {
  t.after(() => mock.timers.reset());
  mock.timers.enable({ apis: ['Date'], now: 1_700_000_000_000 });
  const path = newPath();
  {
    await using seen = await openSeenIds(path, { windowS: 60 });
    await seen.add('old');
    mock.timers.tick(30_000);
    await seen.add('young');
  }
  mock.timers.tick(31_000);
  await using seen = await openSeenIds(path, { windowS: 60 });
  assert.deepEqual([seen.has('old'), seen.has('young'), seen.size], [false, true, 1]);
  assert.equal(await seen.add('old'), true);
});

test('of more than idsMax the oldest go, counted, and the file stays in proportion', async () => {
  const path = newPath();
  await using seen = await openSeenIds(path, { idsMax: 100 });
  for (let round = 0; round < 60; round++)
    await Promise.all(Array.from({ length: 100 }, (_, index) => seen.add(`${round}/${index}`)));
  assert.deepEqual([seen.size, seen.dropped], [100, 5_900]);
  assert.ok(seen.has('59/99') && !seen.has('58/99'));
  assert.ok(statSync(path).size < 34 * 5_000, `${statSync(path).size} bytes`);
  await seen.close();
  await using again = await openSeenIds(path, { idsMax: 100 });
  assert.ok(again.has('59/0') && again.has('59/99'));
});

test('what a crash cut short is cut off, at every byte, and zeros behind it too', async () => {
  const path = newPath();
  for (let bytes = 0; bytes <= 68; bytes++) {
    const whole = `1700000000 ${'A'.repeat(22)}\n`.repeat(2);
    writeFileSync(path, whole.slice(0, bytes));
    if (bytes % 2 === 1) appendFileSync(path, '\0'.repeat(40));
    await using seen = await openSeenIds(path, { windowS: 31_536_000 });
    assert.equal(await seen.add('next'), true);
    await seen.close();
    assert.equal(statSync(path).size, (Math.floor(bytes / 34) + 1) * 34);
  }
});

test('a file of somebody else is refused and left as it is', async () => {
  const path = newPath();
  const text = 'Dear diary, today I have seen a dunlin.\nIt was grey.\n';
  writeFileSync(path, text);
  await assert.rejects(openSeenIds(path), { name: 'SeenIdsError', code: 'not-ours' });
  assert.equal(readFileSync(path, 'utf8'), text);
});

test('a second one who opens the file is told so; options out of range are named', async () => {
  const path = newPath();
  await using _ = await openSeenIds(path);
  await assert.rejects(openSeenIds(path, { heldTimeoutMs: 0 }), { code: 'held' });
  await assert.rejects(openSeenIds(path, { windowS: 0 }), (error: SeenIdsError) => {
    assert.equal(error.code, 'invalid');
    assert.match(error.message, /windowS is 0, expected 1 to 31536000/);
    return true;
  });
});

test('what is added after close rejects', async () => {
  const seen = await openSeenIds(newPath());
  await seen.close();
  await assert.rejects(seen.add('a'), { code: 'closed' });
});

test('a handler is called once for each identifier, after a restart too', async () => {
  const path = newPath();
  const handled: string[] = [];
  const handle = (message: ReceivedMessage): void => void handled.push(message.text());
  for (let run = 0; run < 3; run++) {
    await using seen = await openSeenIds(path);
    const once = seen.once((message) => message.text(), handle);
    for (const id of ['a', 'a', 'b', `run ${run}`]) await once(event(id));
  }
  assert.deepEqual(handled, ['a', 'b', 'run 0', 'run 1', 'run 2']);
});

test('copies that come while the first is handled wait for it, and one of them takes its place where it fails', async () => {
  await using seen = await openSeenIds(newPath());
  let calls = 0;
  const once = seen.once(
    (message) => message.text(),
    async () => {
      calls += 1;
      await after(5);
      if (calls === 1) throw new Error('the database is away');
    },
  );
  const outcomes = await Promise.allSettled([once(event('a')), once(event('a')), once(event('a'))]);
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['rejected', 'fulfilled', 'fulfilled'],
  );
  assert.equal(calls, 2);
  assert.ok(seen.has('a'));
});

test('a message without an identifier is always handled', async () => {
  await using seen = await openSeenIds(newPath());
  let calls = 0;
  const once = seen.once(
    (message) => (message.json() as { id?: unknown }).id,
    () => {
      calls += 1;
    },
  );
  const none = ['{}', 'no JSON', 'null', '{"id":5}', '{"id":null}', '{"id":{}}', '{"id":["a"]}'];
  for (const text of [...none, ...none]) await once(event(text));
  assert.equal(calls, 2 * none.length);
  assert.equal(seen.size, 0);
});

test('where identifiers cannot be written, messages are neither handled nor acknowledged', async () => {
  const seen = await openSeenIds(newPath());
  let calls = 0;
  const once = seen.once(
    (message) => message.text(),
    () => {
      calls += 1;
      seen.close();
    },
  );
  let settled = 0;
  const settle = (): void => {
    settled += 1;
  };
  await seen.add('known');
  const caught = await surfacing(() => {
    for (const id of ['a', 'b', 'known']) Promise.resolve(once(event(id))).then(settle, settle);
  });
  assert.equal(caught.length, 2);
  for (const text of caught) assert.match(String(text), /they are closed/);
  assert.deepEqual([calls, settled], [1, 1]);
  await assert.rejects(async () => once(event('c', 0)), { code: 'closed' });
  assert.equal(calls, 1);
  await seen.close();
});

test('a symbolic link leads to the lock of its file, and one that leads nowhere is refused', async () => {
  const path = newPath();
  await using _ = await openSeenIds(path);
  symlinkSync(path, `${path}.link`);
  await assert.rejects(openSeenIds(`${path}.link`, { heldTimeoutMs: 0 }), { code: 'held' });
  symlinkSync(`${path}.none`, `${path}.nowhere`);
  await assert.rejects(openSeenIds(`${path}.nowhere`), { code: 'failed' });
});

test('the new file is made anew, whatever stands at its place, and only its owner may read it', async () => {
  const path = newPath();
  writeFileSync(path, '');
  chmodSync(path, 0o666);
  writeFileSync(`${path}.precious`, 'precious');
  symlinkSync(`${path}.precious`, `${path}.new`);
  await using seen = await openSeenIds(path, { idsMax: 10 });
  assert.equal(statSync(path).mode & 0o777, 0o600);
  for (let round = 0; round < 50; round++)
    await Promise.all(Array.from({ length: 100 }, (_, index) => seen.add(`${round}/${index}`)));
  assert.ok(statSync(path).size < 34 * 5_000);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(readFileSync(`${path}.precious`, 'utf8'), 'precious');
});

test('a file of more than one piece is read as a whole, and what is behind its zeros counts', async () => {
  const path = newPath();
  const nowS = Math.floor(Date.now() / 1_000);
  const lines = Array.from({ length: 40_000 }, (_, index) => `${nowS} ${String(index).padStart(22, '0')}\n`);
  writeFileSync(path, `${lines.join('')}123${'\0'.repeat(1_500_000)}`);
  {
    await using seen = await openSeenIds(path, { idsMax: 30_000 });
    assert.deepEqual([seen.size, seen.dropped, statSync(path).size], [30_000, 10_000, 40_000 * 34]);
  }
  appendFileSync(path, `${'\0'.repeat(1_500_000)}diary`);
  await assert.rejects(openSeenIds(path), { code: 'not-ours' });
});
