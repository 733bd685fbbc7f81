import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bundled, CLIENT_BYTES_MAX, everything, kilobytes, ON_DEMAND_BYTES_MAX } from './size.ts';

test('the client stays below its bound in a browser, gzipped', async () => {
  const { mainBytes } = await bundled(everything('@dunlin/client'));
  assert.ok(mainBytes < CLIENT_BYTES_MAX, `it has ${kilobytes(mainBytes)}: npm run size -- --files shows of what`);
});

test('what few clients do is loaded on demand, each part within its bound', async () => {
  const { sources, onDemandBytes } = await bundled(everything('@dunlin/client'));
  assert.deepEqual([...onDemandBytes.keys()].sort(), Object.keys(ON_DEMAND_BYTES_MAX).sort());
  for (const [name, bytes] of onDemandBytes) {
    assert.ok(bytes < ON_DEMAND_BYTES_MAX[name], `${name} has ${kilobytes(bytes)}`);
  }
  for (const name of [
    'requester',
    'responder',
    'topic-template',
    'authenticating',
    'outbox-keeper',
    'log-lines',
    'certificate-watch',
  ])
    assert.ok(!sources.has(`packages/client/src/${name}.ts`), name);
});

test('nothing that a client never does is in its bundle', async () => {
  const { sources } = await bundled(everything('@dunlin/client'));
  const inBundle = [...sources].filter(([, bytes]) => bytes > 100).map(([path]) => path);
  for (const name of [
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
