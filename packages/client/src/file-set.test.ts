import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
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

test('a link to elsewhere is no link to files of a set: none of them is taken along', () => {
  const theirs = newFolder();
  for (const name of ['.files-AbCdEf', 'private']) {
    mkdirSync(join(theirs, name), { mode: 0o700 });
    for (const file of ['secret', 'key.pem']) writeFileSync(join(theirs, name, file), 'private', { mode: 0o600 });
  }
  for (const place of ['private', '.files-AbCdEf'])
    for (const lay of [() => {}, (folder: string) => writeFileSync(join(folder, 'cert.pem'), 'plain')]) {
      const folder = newFolder();
      symlinkSync(join(theirs, place), join(folder, '.files'));
      symlinkSync('.files/key.pem', join(folder, 'key.pem'));
      lay(folder);
      put(folder, 'new');
      assert.deepEqual(textsOf(folder), ['new', 'new']);
      assert.equal(
        readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('secret')).length,
        0,
      );
      assert.equal(readFileSync(join(theirs, place, 'key.pem'), 'utf8'), 'private');
      assert.equal(statSync(join(theirs, place, 'key.pem')).nlink, 1);
    }
});

const isRoot = process.geteuid?.() === 0;

test('a set that another user made is not taken along', { skip: !isRoot }, () => {
  const folder = newFolder();
  mkdirSync(join(folder, '.files-AbCdEf'));
  writeFileSync(join(folder, '.files-AbCdEf', 'secret'), 'private');
  chownSync(join(folder, '.files-AbCdEf'), 65_534, 65_534);
  symlinkSync('.files-AbCdEf', join(folder, '.files'));
  put(folder, 'new');
  assert.equal(existsSync(join(folder, '.files', 'secret')), false);
});

test('a folder that other users can write to is refused, and nothing is left there', () => {
  const folder = newFolder();
  chmodSync(folder, 0o777);
  const expected = { code: 'EPERM', message: /has the mode 777; a folder that no other user can write to is expected/ };
  assert.throws(() => put(folder, 'new'), expected);
  if (isRoot) {
    chmodSync(folder, 0o775);
    chownSync(folder, 65_534, 65_534);
    assert.throws(() => put(folder, 'new'), { code: 'EPERM', message: /belongs to the user 65534/ });
  }
  assert.deepEqual(readdirSync(folder), []);
});

test('the folder of a set is for its owner alone', () => {
  const folder = newFolder();
  chmodSync(folder, 0o755);
  put(folder, 'new');
  assert.equal(statSync(join(folder, '.files')).mode & 0o777, 0o700);
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
