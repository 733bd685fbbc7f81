import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import * as whole from '../packages/client/src/browser.ts';
import * as indexeddb from '../packages/client/src/indexeddb-outbox.ts';
import * as topics from '../packages/client/src/typed-topics.ts';
import { browserBundle } from './browser-bundle.ts';
import { listedTexts } from './error-texts.ts';

const folder = mkdtempSync(join(tmpdir(), 'dunlin-bundle-'));
let files: ReadonlyMap<string, string>;

before(async () => {
  files = await browserBundle();
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  for (const [name, text] of files) writeFileSync(join(folder, name), text);
});
after(() => rmSync(folder, { recursive: true, force: true }));

function load(name: string): Promise<Record<string, unknown>> {
  return import(pathToFileURL(join(folder, name)).href);
}

test('each module has the names of its source, and its types', async () => {
  for (const [name, source, types] of [
    ['main', whole, 'browser'],
    ['indexeddb', indexeddb, 'indexeddb-outbox'],
    ['topics', topics, 'typed-topics'],
  ] as const) {
    const loaded = Object.keys(await load(`${name}.js`));
    // What parts take from the main module has the short name of a variable there.
    assert.deepEqual(loaded.filter((one) => one.length > 3).sort(), Object.keys(source).sort());
    assert.equal(files.get(`${name}.d.ts`), `export * from '../${types}.js';\n`);
  }
});

test('its files have plain names and need nothing else', () => {
  const names = [...files.keys()].filter((name) => name.endsWith('.js')).sort();
  for (const name of names) assert.match(name, /^[a-z]+(?:-[a-z]+)*\.js$/);
  for (const name of names) {
    const needed = [...(files.get(name) ?? '').matchAll(/(?:\}from|import\()"([^"]*)"/g)].map(([, path]) => path);
    for (const path of needed) assert.ok(names.includes(path.replace(/^\.\//, '')), `${name} needs ${path}`);
  }
});

test('an error has its code, and the number of its text with what was found', async () => {
  const { createClient, MqttError } = (await load('main.js')) as unknown as typeof whole;
  const attempt = () => createClient('ws://h', { protocolVersion: 7 as never });
  const number = (text: string) => `DUN${listedTexts().indexOf(text) + 1}`;
  assert.throws(attempt, (error: InstanceType<typeof MqttError>) => {
    assert.ok(error instanceof MqttError);
    assert.deepEqual([error.code, error.errno], ['invalid', 3]);
    const found = [number('Cannot connect'), 'protocolVersion', '7', '3, 4 or 5'];
    assert.equal(error.message, `${number('{1}: {2} is {3} ({4}), expected {5}')}(${found.join(', ')})`);
    return true;
  });
});

test('a Reason Code is described in digits', async () => {
  const { describeReason } = (await load('main.js')) as unknown as typeof whole;
  assert.equal(describeReason(0x87), '0x87');
});

test('errors of topics are those of the client', async () => {
  const { MqttError } = (await load('main.js')) as unknown as typeof whole;
  const { TopicTemplate } = (await load('topics.js')) as unknown as typeof topics;
  assert.throws(() => new TopicTemplate('a/{b}c'), MqttError);
});
