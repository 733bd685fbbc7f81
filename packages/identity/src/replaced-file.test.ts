import assert from 'node:assert/strict';
import {
  chmodSync,
  lstatSync,
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
import { replaceFile } from './replaced-file.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dunlin-identity-replaced-'));
after(() => rmSync(scratch, { recursive: true, force: true }));
const modeOf = (file: string): number => statSync(file).mode & 0o777;

test("a new file is its owner's alone; a former one keeps its rights but for those of others", () => {
  const file = join(scratch, 'a');
  replaceFile(file, 'one');
  assert.deepEqual([readFileSync(file, 'utf8'), modeOf(file)], ['one', 0o600]);
  chmodSync(file, 0o644);
  const { ino } = statSync(file);
  replaceFile(file, 'two');
  assert.deepEqual([readFileSync(file, 'utf8'), modeOf(file)], ['two', 0o640]);
  assert.notEqual(statSync(file).ino, ino);
});

test('a symbolic link stays', () => {
  const [file, link] = [join(scratch, 'b'), join(scratch, 'link')];
  replaceFile(file, 'one');
  symlinkSync(file, link);
  replaceFile(link, 'two');
  assert.equal(lstatSync(link).isSymbolicLink(), true);
  assert.equal(readFileSync(file, 'utf8'), 'two');
});

test('what is there under the name of the unready file stays, and so does the file', () => {
  const file = join(scratch, 'c');
  replaceFile(file, 'one');
  const foreign = `${file}.${process.pid}.new`;
  writeFileSync(foreign, 'foreign');
  assert.throws(() => replaceFile(file, 'two'), { code: 'EEXIST' });
  assert.deepEqual([readFileSync(file, 'utf8'), readFileSync(foreign, 'utf8')], ['one', 'foreign']);
  rmSync(foreign);
});

test('what cannot be written leaves nothing behind', () => {
  assert.throws(() => replaceFile(join(scratch, 'missing', 'a'), 'x'), { code: 'ENOENT' });
  assert.deepEqual(
    readdirSync(scratch).filter((name) => name.endsWith('.new')),
    [],
  );
});
