import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ToolRun, tool } from './contract/local-server.ts';

/** Starts a responder and waits until the server has its subscription. */
async function responding(line: string, rest: readonly string[] = []): Promise<ToolRun> {
  const started = tool(`rr --respond -d ${line}`, rest);
  await Promise.race([started.terminal.shows('< SUBACK'), started.exitCode]);
  return started;
}

async function ask(
  line: string,
  rest: readonly string[] = [],
): Promise<{ exitCode: number; out: string; err: string }> {
  const { exitCode, terminal } = tool(`rr ${line}`, rest);
  return { exitCode: await exitCode, out: terminal.out, err: terminal.err };
}

test('a request is answered with its payload, and the responder ends after --count', async () => {
  const responder = await responding('-t echo/+ --echo --count 1');
  assert.deepEqual(await ask('-t echo/1 -m', ['{"x":1}']), { exitCode: 0, out: '{"x":1}\n', err: '' });
  assert.equal(await responder.exitCode, 0);
});

test('the response topic may be given, and the answer printed in a format', async () => {
  const responder = await responding('-t given -m 42 --count 1');
  const { out } = await ask('-t given -e given/answer -n -F', ['%t=%p']);
  assert.equal(out, 'given/answer=42\n');
  assert.equal(await responder.exitCode, 0);
});

for (const version of ['31', '311', '5']) {
  test(`with -V ${version} topics with {id} find the answer`, async () => {
    const responder = await responding(
      `-V ${version} -t id/${version}/ask/{id} -e id/${version}/tell/{id} --echo --count 2`,
    );
    const line = `-V ${version} -t id/${version}/ask/{id} -e id/${version}/tell/{id}`;
    assert.equal((await ask(`${line} -m one`)).out, 'one\n');
    assert.equal((await ask(`${line} -m two -v -N`)).out.replace(/\d{9,}/, 'ID'), `id/${version}/tell/ID two`);
    assert.equal(await responder.exitCode, 0);
  });
}

test('a program answers, and one that fails is told where it runs', async () => {
  const script = 'process.stdin.on("data", (data) => process.stdout.write(String(data).toUpperCase()))';
  const responder = await responding('-t program --count 1 --exec', [process.execPath, '-e', script]);
  assert.equal((await ask('-t program -m shout')).out, 'SHOUT\n');
  assert.equal(await responder.exitCode, 0);

  const failing = await responding('-t failing --exec', [process.execPath, '-e', 'process.exit(3)']);
  const { exitCode, err } = await ask('-t failing -m x -W 1');
  assert.equal(exitCode, 27);
  assert.match(err, /^dunlin rr: Cannot request "failing": no answer within 1000 ms\n$/);
  await failing.terminal.shows('it ended with 3');
  failing.terminal.interrupt();
  assert.equal(await failing.exitCode, 0);
});

test('--count prints how long the answers took, --time each of them', async () => {
  const responder = await responding('-t timed --echo --count 20');
  const { exitCode, out, err } = await ask('-t timed -m x --time --count 20');
  assert.equal(exitCode, 0);
  assert.match(out, /^20 answers: min [\d.]+ ms, median [\d.]+ ms, p99 [\d.]+ ms, max [\d.]+ ms\n$/);
  assert.match(err, /^(?:\d+\.\d\d ms\n){20}$/);
  assert.equal(await responder.exitCode, 0);
});

test('--count with --json prints one line of JSON', async () => {
  const responder = await responding('-t counted --echo --count 3');
  const { exitCode, out } = await ask('-t counted -m x --json --count 3');
  assert.equal(exitCode, 0);
  const { requests, answers, min, max } = JSON.parse(out);
  assert.deepEqual([requests, answers, min > 0 && min <= max], [3, 3, true]);
  assert.equal(await responder.exitCode, 0);
});

test('where nobody listens the server says so, and the exit code is 27 at once', async () => {
  const { exitCode, out, err } = await ask('-t nobody/here -m x');
  assert.deepEqual([exitCode, out], [27, '']);
  assert.match(err, /No matching subscribers \(0x10\)\nNobody subscribes to this topic/);
});

test('answers that are not told apart are counted', async () => {
  const listener = tool('sub -d -t uncorrelated/ask -C 1');
  await listener.terminal.shows('< SUBACK');
  const asked = tool('rr -d -t uncorrelated/ask -e uncorrelated/tell -m x -W 1');
  assert.equal(await listener.exitCode, 0);
  assert.equal(await tool('pub -t uncorrelated/tell -m y').exitCode, 0);
  assert.equal(await asked.exitCode, 27);
  assert.match(asked.terminal.err, /1 messages came to the topic of the answer without the Correlation Data/);
});

test('-W ends a responder with 27', async () => {
  assert.equal(await tool('rr --respond -t waiting --echo -W 0.05').exitCode, 27);
});

test('a full disk below the output is told, a reader that went away is not', async () => {
  for (const [code, expected] of [
    ['ENOSPC', 3],
    ['EPIPE', 0],
  ] as const) {
    const responder = tool('rr --respond -t full --echo');
    responder.terminal.breakOutput(code);
    assert.equal(await responder.exitCode, expected);
    assert.equal(responder.terminal.err.includes('Cannot write the output'), expected === 3);
  }
});

test('a responder that the server does not let in ends with the refusal', async () => {
  assert.equal(await tool('rr --respond -t a -e b --echo -V 31 -i', ['']).exitCode, 0x85);
});
