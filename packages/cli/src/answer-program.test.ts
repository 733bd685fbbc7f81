import assert from 'node:assert/strict';
import { test } from 'node:test';
import { programAnswerer, programOutput } from './answer-program.ts';

const node = process.execPath;
const { signal } = new AbortController();
const bounds = { timeoutMs: 30_000, outputBytesMax: 1000, signal };
const run = (command: readonly string[], input = '', own: Partial<typeof bounds> = {}) =>
  programOutput(command, 'a/b', Buffer.from(input), { ...bounds, ...own });

test('a program gets the request as its input and the topic in its environment', async () => {
  const script = 'process.stdin.on("data", (data) => process.stdout.write(process.env.MQTT_TOPIC + ":" + data))';
  assert.equal(String(await run([node, '-e', script], 'hello')), 'a/b:hello');
});

test('no shell reads the arguments', async () => {
  const script = 'process.stdout.write(process.argv[1])';
  assert.equal(String(await run([node, '-e', script, '$(id); `id` "'])), '$(id); `id` "');
});

test('a program that does not read its input answers all the same', async () => {
  assert.equal(String(await run([node, '-e', 'console.log(1)'], 'x'.repeat(1_000_000))), '1\n');
});

test('a program that is not there, fails, prints too much or takes too long has no answer', async () => {
  await assert.rejects(run(['no-such-program']), /Cannot answer with "no-such-program": .*ENOENT/);
  await assert.rejects(run([node, '-e', 'process.exit(7)']), /: it ended with 7$/);
  await assert.rejects(
    run([node, '-e', 'process.stdout.write("x".repeat(2000))']),
    /: it printed more than 1000 bytes$/,
  );
  await assert.rejects(
    run([node, '-e', 'setInterval(() => {}, 1000)'], '', { timeoutMs: 50 }),
    /: it took more than 0.05 s$/,
  );
});

test('no timer waits for a program that could not be started', async () => {
  const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const before = timers();
  await assert.rejects(run(['no-such-program']));
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(timers() <= before);
});

test('the signal ends the program', async () => {
  const controller = new AbortController();
  const running = run([node, '-e', 'setInterval(() => {}, 1000)'], '', { signal: controller.signal });
  controller.abort();
  await assert.rejects(running, /Cannot answer with/);
});

test('requests that wait for their turn hold no more bytes than they may', async () => {
  const answer = programAnswerer([node, '-e', 'process.stdin.pipe(process.stdout)'], {
    ...bounds,
    programsMax: 1,
    inputBytesMax: 5,
  });
  const answers = [answer('t', Buffer.from('abc')), answer('t', Buffer.from('de'))];
  await assert.rejects(answer('t', Buffer.from('f')), /: requests of 5 bytes wait for it, at most 5 may$/);
  assert.deepEqual((await Promise.all(answers)).map(String), ['abc', 'de']);
  assert.equal(String(await answer('t', Buffer.from('f'))), 'f');
});
