import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLIENT_BYTES_MAX, developedClient, kilobytes, ON_DEMAND_BYTES_MAX, publishedClient } from './size.ts';

test('the client stays below its bounds in a browser, gzipped, and what few clients do is loaded on demand', async () => {
  const { mainBytes, onDemandBytes } = await publishedClient();
  assert.ok(mainBytes < CLIENT_BYTES_MAX, `it has ${kilobytes(mainBytes)}: npm run size -- --files shows of what`);
  assert.deepEqual([...onDemandBytes.keys()].sort(), Object.keys(ON_DEMAND_BYTES_MAX).sort());
  for (const [name, bytes] of onDemandBytes) {
    assert.ok(bytes < ON_DEMAND_BYTES_MAX[name], `${name} has ${kilobytes(bytes)}`);
  }
});

test('nothing that a client never does, or only on demand, is in what a page loads at once', async () => {
  const { sources } = await developedClient();
  const inBundle = [...sources].filter(([, bytes]) => bytes > 100).map(([path]) => path);
  for (const name of [
    'requester',
    'responder',
    'topic-template',
    'authenticating',
    'outbox-keeper',
    'log-lines',
    'certificate-watch',
    'decode-connect',
    'publish-frame',
    'filter-trie',
    'deadline-wheel',
    'property-check',
    'utf8-check',
  ]) {
    assert.ok(!inBundle.some((path) => path.endsWith(`/${name}.ts`)), name);
  }
  assert.ok(
    inBundle.every((path) => path.startsWith('packages/')),
    'only code of Dunlin is in it',
  );
});

test('sizes are shown in units of 1000 bytes', () => {
  assert.equal(kilobytes(17_349), '17.3 kB');
});
