import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PasswordHash } from './password-hash.ts';
import { PasswordVerifier } from './password-verifier.ts';

/** A hash whose computation ends when the test says so. */
class HeldHash implements PasswordHash {
  readonly text: string;
  readonly asked: string[] = [];
  #held: (() => void)[] = [];

  constructor(text = '$held') {
    this.text = text;
  }

  async matches(password: Uint8Array): Promise<boolean> {
    this.asked.push(String(password));
    await new Promise<void>((resolve) => this.#held.push(resolve));
    return String(password) === 'right';
  }

  async release(): Promise<void> {
    for (const go of this.#held.splice(0)) go();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const right = Buffer.from('right');
const wrong = Buffer.from('wrong');

test('a password that was right costs no hash again, 10,000 times', async () => {
  const verifier = new PasswordVerifier();
  const hash = new HeldHash();
  const first = verifier.verify('file:ada', hash, right);
  await hash.release();
  assert.equal(await first, 'right');
  for (let time = 0; time < 10_000; time++) assert.equal(verifier.verify('file:ada', hash, right), 'right');
  assert.deepEqual(verifier.counts, { computed: 1, remembered: 10_000, refused: 0 });
});

test('a wrong password is never remembered, nor a right one for another user, another hash or once forgotten', async () => {
  const verifier = new PasswordVerifier();
  const [hash, other] = [new HeldHash(), new HeldHash('$other')];
  const ask = async (owner: string, of: HeldHash, password: Buffer) => {
    const before = verifier.counts.computed;
    const answer = verifier.verify(owner, of, password);
    await of.release();
    return [await answer, verifier.counts.computed - before];
  };
  assert.deepEqual(await ask('file:ada', hash, wrong), ['wrong', 1]);
  assert.deepEqual(await ask('file:ada', hash, wrong), ['wrong', 1]);
  assert.deepEqual(await ask('file:ada', hash, right), ['right', 1]);
  assert.deepEqual(await ask('file:ada', hash, right), ['right', 0]);
  assert.deepEqual(await ask('file:ada', hash, wrong), ['wrong', 1]);
  assert.deepEqual(await ask('file:ada', hash, right), ['right', 0]);
  assert.deepEqual(await ask('file:bob', hash, right), ['right', 1]);
  assert.deepEqual(await ask('file:ada', other, right), ['right', 1]);
  verifier.forget('file:ada');
  assert.deepEqual(await ask('file:ada', other, right), ['right', 1]);
});

test('what is pretended costs the same and is not remembered', async () => {
  const verifier = new PasswordVerifier();
  const hash = new HeldHash();
  for (const computed of [1, 2]) {
    const answer = verifier.pretend('file:nobody', hash, right);
    await hash.release();
    assert.equal(await answer, 'done');
    assert.equal(verifier.counts.computed, computed);
  }
});

test('so many at once, so many in line, the next is turned away', async () => {
  const verifier = new PasswordVerifier({ concurrentMax: 2, waitingMax: 1 });
  const hash = new HeldHash();
  const answers = ['a', 'b', 'c'].map((password) => verifier.verify('file:ada', hash, Buffer.from(password)));
  assert.equal(verifier.verify('file:ada', hash, Buffer.from('d')), 'busy');
  assert.equal(await verifier.pretend('file:bob', hash, Buffer.from('d')), 'busy');
  assert.deepEqual(hash.asked, ['a', 'b']);
  await hash.release();
  assert.deepEqual(hash.asked, ['a', 'b', 'c']);
  await hash.release();
  assert.deepEqual(await Promise.all(answers), ['wrong', 'wrong', 'wrong']);
  assert.deepEqual(verifier.counts, { computed: 3, remembered: 0, refused: 2 });
  const later = verifier.verify('file:ada', hash, right);
  await hash.release();
  assert.equal(await later, 'right');
});

test('the same question at the same time is one hash', async () => {
  const verifier = new PasswordVerifier({ concurrentMax: 1, waitingMax: 0 });
  const hash = new HeldHash();
  const answers = Array.from({ length: 100 }, () => verifier.verify('file:ada', hash, right));
  await hash.release();
  assert.deepEqual(new Set(await Promise.all(answers)), new Set(['right']));
  assert.equal(verifier.counts.computed, 1);
});

test('a hash that cannot be computed rejects, and its turn passes on', async () => {
  const verifier = new PasswordVerifier({ concurrentMax: 1 });
  const broken: PasswordHash = { text: '$broken', matches: () => Promise.reject(new Error('no memory')) };
  await assert.rejects(async () => verifier.verify('file:ada', broken, right), /no memory/);
  const hash = new HeldHash();
  const answer = verifier.verify('file:ada', hash, right);
  await hash.release();
  assert.equal(await answer, 'right');
});

test('as many users are remembered as allowed', async () => {
  const verifier = new PasswordVerifier({ rememberedMax: 1 });
  const hash = new HeldHash();
  for (const owner of ['file:ada', 'file:bob', 'file:ada']) {
    const answer = verifier.verify(owner, hash, right);
    await hash.release();
    assert.equal(await answer, 'right');
  }
  assert.equal(verifier.counts.computed, 3);
});
