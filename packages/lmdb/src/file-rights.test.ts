import assert from 'node:assert/strict';
import { chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { deniedReason, nearestOf, notTrustworthy, ownUser } from './file-rights.ts';
import { newDirectory } from './testing/directory.ts';

const OTHER = 4_711;
const skip = ownUser() === undefined && 'needs users with numbers';

test('trusts what belongs to this user or the superuser, and what nobody else may write to', { skip }, () => {
  const uid = ownUser() ?? 0;
  for (const owner of [uid, 0])
    for (const mode of [0o40_700, 0o40_755, 0o100_600])
      assert.equal(notTrustworthy('d', { uid: owner, mode }), undefined);
  assert.match(
    notTrustworthy('/tmp', { uid, mode: 0o1777 }) ?? '',
    /take a directory in it, which is made for this user alone, such as \/tmp\/dunlin$/,
  );
  for (const mode of [0o720, 0o702, 0o777])
    assert.match(notTrustworthy('d', { uid, mode }) ?? '', /^others may write to d: .*: chmod go-w d$/);
  const found = notTrustworthy("my 'data'", { uid: OTHER, mode: 0o700 });
  assert.match(
    found ?? '',
    /its owner is the user 4711, its mode 0700, .* run it as the user 4711, or: sudo chown -R \d+ 'my /,
  );
  assert.ok(found?.endsWith("'my '\\''data'\\'''"));
  assert.equal(notTrustworthy('d', { uid: OTHER, mode: 0o700 }, [OTHER]), undefined);
});

test('says of the nearest thing that is there whose it is, and what to do', { skip }, () => {
  const path = newDirectory();
  mkdirSync(path, { mode: 0o550 });
  assert.equal(nearestOf(join(path, 'a/b'))[0], path);
  const own = new RegExp(`^permission denied at ${path}: its owner is .*, its mode 0550, .*: chmod u\\+rwX ${path}$`);
  assert.match(deniedReason(join(path, 'a/b')), own);
  if (ownUser() !== 0) return;
  chownSync(path, OTHER, OTHER);
  assert.match(deniedReason(path), new RegExp(`run it as the user 4711, or: sudo chown -R 0 ${path}$`));
  assert.match(deniedReason(join(path, 'a')), new RegExp(`to make it: sudo install -d -m 0700 -o 0 ${path}/a$`));
});
