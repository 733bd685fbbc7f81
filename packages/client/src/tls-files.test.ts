import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { tlsFiles } from './tls-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'dunlin-tls-files-'));
after(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

test('files are read at each call, so that a renewed certificate is used', async () => {
  const cert = file('cert.pem', 'first');
  const key = file('key.pem', 'key');
  const options = tlsFiles({ ca: [file('ca.pem', 'ca')], cert, key, servername: 'broker' });
  const first = await options();
  assert.deepEqual(Object.keys(first).sort(), ['ca', 'cert', 'key', 'servername']);
  assert.equal(String(first.cert), 'first');
  assert.equal(String((first.ca as readonly Uint8Array[])[0]), 'ca');
  file('cert.pem', 'second');
  assert.equal(String((await options()).cert), 'second');
});

test('a file that cannot be read is named with its option', async () => {
  const message = /^Cannot read tls\.key from ".*none\.pem": ENOENT/;
  await assert.rejects(tlsFiles({ key: join(folder, 'none.pem') })(), { code: 'tls', message });
});
