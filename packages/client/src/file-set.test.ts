import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { FileSet } from './file-set.ts';

const above = mkdtempSync(join(tmpdir(), 'dunlin-file-set-'));
after(() => rmSync(above, { recursive: true }));
const newFolder = () => mkdtempSync(join(above, 'folder-'));

const MODES = { 'cert.pem': 0o644, 'key.pem': 0o600 };
const NAMES = Object.keys(MODES);

function put(folder: string, text: string, options = {}): void {
  const files = new FileSet(folder, MODES, options);
  try {
    files.commit(Object.fromEntries(NAMES.map((name) => [name, text])));
  } finally {
    files.close();
  }
}

const textOf = (folder: string, name: string): string | undefined =>
  existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8') : undefined;
const textsOf = (folder: string) => NAMES.map((name) => textOf(folder, name));

test('files are where they were put, the key for its owner alone, and those of before are gone', () => {
  const folder = join(newFolder(), 'made');
  for (const text of ['first', 'second', 'third']) {
    put(folder, text);
    assert.deepEqual(textsOf(folder), [text, text]);
  }
  assert.deepEqual([statSync(folder).mode & 0o777, statSync(join(folder, 'key.pem')).mode & 0o777], [0o700, 0o600]);
  assert.equal(readdirSync(folder).length, 4);
});

test('files that lay there themselves are replaced too, and what a link led to elsewhere stays', () => {
  const folder = newFolder();
  const elsewhere = join(above, 'elsewhere');
  writeFileSync(elsewhere, 'theirs');
  symlinkSync(elsewhere, join(folder, 'key.pem'));
  writeFileSync(join(folder, 'cert.pem'), 'theirs');
  writeFileSync(join(folder, 'other'), 'stays');
  put(folder, 'new');
  assert.deepEqual([textsOf(folder), textOf(folder, 'other')], [['new', 'new'], 'stays']);
  assert.equal(readFileSync(elsewhere, 'utf8'), 'theirs');
});

test('a set of fewer files leaves the others as they are', () => {
  const folder = newFolder();
  put(folder, 'both');
  const files = new FileSet(folder, { 'cert.pem': 0o644 });
  files.commit({ 'cert.pem': 'alone' });
  files.close();
  assert.deepEqual(textsOf(folder), ['alone', 'both']);
  assert.equal(statSync(join(folder, 'key.pem')).mode & 0o777, 0o600);
});

test('what is there is left alone where nothing is to be replaced, and nothing is left behind', () => {
  const folder = newFolder();
  writeFileSync(join(folder, 'key.pem'), 'theirs');
  assert.throws(() => put(folder, 'new', { replaces: false }), { code: 'EEXIST', syscall: 'symlink' });
  assert.deepEqual(readdirSync(folder), ['key.pem']);
  assert.deepEqual(textsOf(folder), [undefined, 'theirs']);
});

const CHILD = fileURLToPath(new URL('./testing/killed-file-set.ts', import.meta.url));

/** Whether it came through. */
function killedAt(step: number, folder: string, text: string): boolean {
  const words = ['--conditions=@dunlin/source', CHILD, folder, text, String(step)];
  const { signal, status, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' });
  assert.ok(signal === 'SIGKILL' || status === 0, stderr);
  return status === 0;
}

for (const [before, lay] of [
  ['nothing', () => {}],
  [
    'plain files',
    (folder: string) => {
      for (const name of NAMES) writeFileSync(join(folder, name), 'old', { mode: 0o600 });
    },
  ],
  ['a set', (folder: string) => put(folder, 'old')],
] as const)
  test(`over ${before}: killed before any step, what is there fits, and the next one puts it right`, () => {
    const old = before === 'nothing' ? undefined : 'old';
    let steps = 0;
    for (let isThrough = false; !isThrough; steps++) {
      const folder = newFolder();
      lay(folder);
      isThrough = killedAt(steps, folder, 'new');
      const [certificate, key] = textsOf(folder);
      assert.equal(certificate, key, `before step ${steps}`);
      assert.ok(certificate === 'new' || (certificate === old && !isThrough), `before step ${steps}`);
      for (const one of readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
        name.endsWith('key.pem'),
      ))
        if (existsSync(join(folder, one))) assert.equal(statSync(join(folder, one)).mode & 0o777, 0o600);
      put(folder, 'next');
      assert.deepEqual(textsOf(folder), ['next', 'next']);
      assert.equal(readdirSync(folder).filter((name) => name.startsWith('.files')).length, 2);
    }
    assert.ok(steps > 5);
  });
