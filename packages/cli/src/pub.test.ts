import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { listening, runningServer, tool } from './contract/local-server.ts';

let topics = 0;
const topic = (): string => {
  topics += 1;
  return `pub/${topics}`;
};

for (const version of ['31', '311', '5']) {
  for (const qos of [0, 1, 2]) {
    test(`a message goes out, version ${version}, QoS ${qos}`, async () => {
      const name = topic();
      const sub = await listening(`-V ${version} -q 2 -t ${name} -C 1 -F %q:%p`);
      const pub = tool(`pub -V ${version} -q ${qos} -t ${name} -m`, ['hello å']);
      assert.equal(await pub.exitCode, 0, pub.terminal.err);
      assert.equal(await sub.exitCode, 0);
      assert.equal(sub.terminal.out, `${qos}:hello å\n`);
      assert.equal(pub.terminal.out, '');
    });
  }
}

test('a payload comes from a file, from standard input, or is empty', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dunlin-pub-'));
  after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'payload');
  await writeFile(path, Buffer.of(0, 255, 10));
  const name = topic();
  const sub = await listening(`-t ${name} -C 3 -F %l:%x`);
  assert.equal(await tool(`pub -t ${name} -q 1 -f`, [path]).exitCode, 0);
  assert.equal(await tool(`pub -t ${name} -q 1 -s`, [], ['a\n', 'b\n']).exitCode, 0);
  assert.equal(await tool(`pub -t ${name} -q 1 -n`).exitCode, 0);
  await sub.exitCode;
  assert.equal(sub.terminal.out, '3:00ff0a\n4:610a620a\n0:\n');
});

test('a file that cannot be read is told before anything is connected', async () => {
  const pub = tool('pub -t a -f no/such/file');
  assert.equal(await pub.exitCode, 3);
  assert.match(
    pub.terminal.err,
    /^dunlin pub: Cannot read the payload from "no\/such\/file": no such file or directory \(ENOENT\)$/m,
  );
});

test('lines become messages in order, the last one without a newline too', async () => {
  const name = topic();
  const sub = await listening(`-t ${name} -C 4 -q 1 -F [%p]`);
  const pub = tool(`pub -t ${name} -q 1 -l`, [], ['one\ntw', 'o\n\nlast']);
  assert.equal(await pub.exitCode, 0, pub.terminal.err);
  await sub.exitCode;
  assert.equal(sub.terminal.out, '[one]\n[two]\n[]\n[last]\n');
});

test('ten thousand lines arrive', async () => {
  const name = topic();
  const sub = await listening(`-t ${name} -q 1 -C 10000`);
  const lines = Array.from({ length: 10_000 }, (_, index) => `${index}\n`).join('');
  assert.equal(await tool(`pub -t ${name} -q 1 -l`, [], [lines]).exitCode, 0);
  assert.equal(await sub.exitCode, 0);
  assert.equal(sub.terminal.out, lines);
});

test('a message is repeated, with time between', async () => {
  const name = topic();
  const sub = await listening(`-t ${name} -C 3`);
  assert.equal(await tool(`pub -t ${name} -m x --repeat 3 --repeat-delay 0.01`).exitCode, 0);
  await sub.exitCode;
  assert.equal(sub.terminal.out, 'x\nx\nx\n');
});

test('a retained message is kept and cleared', async () => {
  const name = topic();
  await tool(`pub -t ${name} -m kept -r -q 1`).exitCode;
  const sub = tool(`sub -t ${name} -C 1 -F %r:%p`);
  assert.equal(await sub.exitCode, 0);
  assert.equal(sub.terminal.out, '1:kept\n');
  await tool(`pub -t ${name} -n -r -q 1`).exitCode;
  assert.equal(await tool(`sub -t ${name} -C 1 -W 0.2`).exitCode, 27);
});

test('properties of every packet go out, and -d tells them without the password', async () => {
  const name = topic();
  const sub = await listening(`-t ${name} -C 1`, ['-F', '%C|%R|%P']);
  const pub = tool(`pub -d -t ${name} -q 1 -m x -u me -P hidden -k 30 -x 5 --will-topic w --will-payload gone`, [
    ...['-D', 'PUBLISH', 'content-type', 'text/plain'],
    ...['-D', 'PUBLISH', 'response-topic', 'reply'],
    ...['-D', 'PUBLISH', 'user-property', 'a b', 'c d'],
    ...['-D', 'CONNECT', 'receive-maximum', '7'],
    ...['-D', 'WILL', 'will-delay-interval', '3'],
    ...['-D', 'DISCONNECT', 'session-expiry-interval', '1'],
  ]);
  assert.equal(await pub.exitCode, 0, pub.terminal.err);
  await sub.exitCode;
  assert.equal(sub.terminal.out, 'text/plain|reply|a b:c d\n');
  const { err } = pub.terminal;
  assert.match(
    err,
    /> CONNECT, .*keep alive 30 s, user "me", password \(not shown\), will on "w" QoS 0, topicAliasMaximum 64, sessionExpiryInterval 5, receiveMaximum 7, maximumPacketSize 16777216, willDelayInterval 3/,
  );
  assert.match(err, /> DISCONNECT, Normal disconnection \(0x00\), sessionExpiryInterval 1/);
  assert.doesNotMatch(err, /hidden/);
});

test('-L names server, credentials and topic', async () => {
  const name = topic();
  const sub = await listening(`-t ${name} -C 1`);
  const { port } = runningServer().listeners[0];
  const { run } = await import('./main.ts');
  const { RecordedTerminal } = await import('./contract/recorded-terminal.ts');
  const terminal = new RecordedTerminal();
  assert.equal(await run(['pub', '-L', `mqtt://u:p@127.0.0.1:${port}/${name}`, '-m', 'x'], terminal), 0, terminal.err);
  await sub.exitCode;
  assert.equal(sub.terminal.out, 'x\n');
});

test('-A chooses the address to connect from', async () => {
  assert.equal(await tool(`pub -t ${topic()} -m x -A 127.0.0.1`).exitCode, 0);
  // An address of the documentation (RFC 5737), which this machine has not.
  const foreign = tool('pub -t a -m x -A 192.0.2.1');
  assert.equal(await foreign.exitCode, 2);
  assert.match(foreign.terminal.err, /EADDRNOTAVAIL/);
});

test('-M 1 waits for each acknowledgement before the next line', async () => {
  const pub = tool(`pub -d -t ${topic()} -q 1 -l -M 1`, [], ['one\ntwo\nthree\n']);
  assert.equal(await pub.exitCode, 0);
  const order = [...pub.terminal.err.matchAll(/ (PUB\w+)/g)].map(([, name]) => name);
  assert.deepEqual(order, ['PUBLISH', 'PUBACK', 'PUBLISH', 'PUBACK', 'PUBLISH', 'PUBACK']);
});

test('a refusal is told once', async () => {
  const pub = tool('pub -q 1 -m x -t', ['$SYS/own']);
  assert.equal(await pub.exitCode, 0x90);
  assert.equal(pub.terminal.err, 'dunlin pub: Cannot publish to "$SYS/own": Topic Name invalid (0x90)\n');
});

test('Ctrl-C ends quietly, while lines are read and while a repeat waits', async () => {
  async function* input(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('one\n');
    await new Promise(() => {});
  }
  const lines = tool(`pub -d -t ${topic()} -l`, [], input());
  await lines.terminal.shows('> PUBLISH');
  lines.terminal.interrupt();
  assert.equal(await lines.exitCode, 0);
  assert.match(lines.terminal.err, /> DISCONNECT/);
  const repeating = tool(`pub -d -t ${topic()} -m x --repeat 2 --repeat-delay 1000`);
  await repeating.terminal.shows('> PUBLISH');
  repeating.terminal.interrupt();
  assert.equal(await repeating.exitCode, 0);
});

test('--json publishes only JSON, and tells lines that are none', async () => {
  const wrong = tool('pub --json -t pub/json -m', ['{']);
  assert.equal(await wrong.exitCode, 3);
  assert.equal(wrong.terminal.err, 'dunlin pub: Cannot publish to "pub/json" with --json: the payload is not JSON\n');
  const sub = await listening('-t pub/json -C 2');
  const lines = tool('pub --json -q 1 -t pub/json -l', [], ['{"a":1}\nnonsense\n[]\n']);
  assert.equal(await lines.exitCode, 3);
  assert.equal(await sub.exitCode, 0);
  assert.equal(sub.terminal.out, '{"a":1}\n[]\n');
  const told = 'dunlin pub: line 2: Cannot publish to "pub/json" with --json: the payload is not JSON\n';
  assert.equal(lines.terminal.err.slice(lines.terminal.err.indexOf('dunlin pub:')).slice(0, told.length), told);
});

test('lines at QoS 1 outlive the connection', async () => {
  const sub = await listening('-t pub/lasting -C 2');
  const input = (async function* () {
    yield Buffer.from('first\n');
    await sub.terminal.shows('first\n');
    await runningServer().broker.disconnect(({ clientId }) => clientId === 'lasting', 0x98);
    yield Buffer.from('second\n');
  })();
  const pub = tool('pub -i lasting -q 1 -t pub/lasting -l', [], input);
  assert.equal(await pub.exitCode, 0, pub.terminal.err);
  assert.equal(await sub.exitCode, 0);
  assert.equal(sub.terminal.out, 'first\nsecond\n');
  assert.match(pub.terminal.err, /; connecting again\ndunlin pub: Connected again\n$/);
});
