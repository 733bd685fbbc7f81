import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PasswordHash } from './password-hash.ts';
import { PasswordVerifier } from './password-verifier.ts';
import { TestClock } from './testing/clock.ts';

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

/** Asks with so many passwords at once; says how each was answered, and after how many milliseconds. */
function askMany(verifier: PasswordVerifier, hash: HeldHash, clock: TestClock, count: number) {
  const answers: { verdict: string; afterMs: number }[] = [];
  const askedAtMs = clock.steadyMs();
  const note = (verdict: string) => void answers.push({ verdict, afterMs: clock.steadyMs() - askedAtMs });
  for (let each = 0; each < count; each++) {
    const answer = verifier.verify(`file:${each} at ${askedAtMs}`, hash, wrong);
    if (typeof answer === 'string') note(answer);
    else void answer.then(note);
  }
  return answers;
}

test('where hashes cost more than was thought, who cannot be served in time is told at once', async () => {
  const clock = new TestClock();
  const verifier = new PasswordVerifier({ concurrentMax: 1, patienceMs: 1_000, clock });
  const hash = new HeldHash();
  const answers = askMany(verifier, hash, clock, 50);
  const count = (text: string) => answers.filter(({ verdict, afterMs }) => `${verdict} ${afterMs}` === text).length;
  assert.deepEqual([answers.length, count('busy 0')], [9, 9], 'one is computed, 40 of 25 ms fit behind it');
  clock.pass(100);
  await hash.release();
  assert.deepEqual([count('wrong 100'), count('busy 100')], [1, 30], '10 of 100 ms fit');
  assert.equal(askMany(verifier, hash, clock, 2).length, 1, 'one more fits behind them, another does not');
  while (answers.length < 50) {
    clock.pass(100);
    await hash.release();
  }
  const served = answers.filter(({ verdict }) => verdict === 'wrong');
  assert.deepEqual(
    served.map(({ afterMs }) => afterMs),
    Array.from({ length: 11 }, (_, before) => (before + 1) * 100),
  );
});

test('where hashes cost less than was thought, more may wait', async () => {
  const clock = new TestClock();
  const verifier = new PasswordVerifier({ concurrentMax: 1, waitingMax: 200, patienceMs: 1_000, clock });
  const hash = new HeldHash();
  const first = verifier.verify('file:ada', hash, wrong);
  clock.pass(1);
  await hash.release();
  await first;
  assert.deepEqual(askMany(verifier, hash, clock, 201), []);
  assert.equal(verifier.verify('file:last', hash, wrong), 'busy', 'more than waitingMax are none');
});

test('nobody is served later than patience lets, however long a hash takes', async () => {
  const clock = new TestClock();
  const verifier = new PasswordVerifier({ concurrentMax: 1, patienceMs: 1_000, clock });
  const hash = new HeldHash();
  const answers = askMany(verifier, hash, clock, 5);
  clock.pass(1_001);
  await hash.release();
  assert.deepEqual(answers.map(({ verdict }) => verdict).sort(), ['busy', 'busy', 'busy', 'busy', 'wrong']);
  assert.deepEqual(verifier.counts, { computed: 1, remembered: 0, refused: 4 });
  const later = verifier.verify('file:later', hash, wrong);
  await hash.release();
  assert.equal(await later, 'wrong');
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

test('what waits is not computed when all are gone who asked for it', async () => {
  const verifier = new PasswordVerifier({ concurrentMax: 1 });
  const hash = new HeldHash();
  const [left, stays] = [new AbortController(), new AbortController()];
  const ask = (password: string, gone?: AbortController) =>
    verifier.verify('file:ada', hash, Buffer.from(password), gone?.signal);
  const answers = [ask('first', left), ask('a', left), ask('a', left), ask('b', left), ask('b', stays), ask('c')];
  const unknown = verifier.pretend('file:nobody', hash, wrong, left.signal);
  left.abort();
  for (let time = 0; time < 3; time++) await hash.release();
  assert.deepEqual(await Promise.all(answers), ['wrong', 'busy', 'busy', 'wrong', 'wrong', 'wrong']);
  assert.equal(await unknown, 'busy');
  assert.deepEqual(hash.asked, ['first', 'b', 'c']);
  assert.equal(verifier.verify('file:ada', hash, Buffer.from('a')) instanceof Promise, true);
});
