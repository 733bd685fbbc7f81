import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bundled, CLIENT_BYTES_MAX, everything, kilobytes } from './size.ts';

test('the client stays below 20 kB in a browser, gzipped', async () => {
  const { mainBytes } = await bundled(everything('@dunlin/client'));
  assert.ok(mainBytes < CLIENT_BYTES_MAX, `it has ${kilobytes(mainBytes)}: npm run size -- --files shows of what`);
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
