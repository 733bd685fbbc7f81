import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { bundled, everything } from './bundle.ts';

test('the files of a bundle import each other from beside themselves, and what they share is in the first', async () => {
  const entries = { main: everything('@dunlin/client'), topics: everything('@dunlin/client/topics') };
  const { outputs, mainBytes, onDemandBytes } = await bundled({ entries });
  const main = outputs.get('main.js') ?? '';
  assert.doesNotMatch(main, /^import/);
  assert.match(main, /export\{.*\bas connect\b/);
  assert.equal(mainBytes, gzipSync(main, { level: 9 }).length);
  assert.ok(onDemandBytes.has('authenticating'));
  for (const [name, code] of outputs) {
    for (const [, path] of code.matchAll(/(?:from|import\()"\.\/([^"]*)"/g)) assert.ok(outputs.has(path), path);
    assert.doesNotMatch(code, /isInMain/, name);
    if (name !== 'main.js') assert.doesNotMatch(code, /class \w* ?extends Error/, name);
  }
});

test('a source can be changed before it is bundled, when it is JavaScript', async () => {
  const prepared = (code: string) => code.replace('"mqttv3.1"', '"changed"');
  const { outputs } = await bundled({ entries: { main: everything('@dunlin/client') }, prepared });
  assert.match(outputs.get('main.js') ?? '', /"changed"/);
  assert.doesNotMatch(outputs.get('main.js') ?? '', /mqttv3/);
});
