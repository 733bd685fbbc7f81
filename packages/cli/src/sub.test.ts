import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { finished } from 'node:stream/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { listening, port, runningServer, tool } from './contract/local-server.ts';
import { RecordedTerminal } from './contract/recorded-terminal.ts';
import { slowStream } from './contract/slow-stream.ts';
import { run } from './main.ts';

let topics = 0;
const topic = (): string => {
  topics += 1;
  return `sub/${topics}`;
};

async function publish(name: string, payload: string, flags = '-q 1'): Promise<void> {
  const { exitCode, terminal } = tool(`pub ${flags} -t ${name} -m`, [payload]);
  assert.equal(await exitCode, 0, terminal.err);
}

test('messages of several filters are printed, with topics on demand, and -C ends', async () => {
  const name = topic();
  const sub = await listening(`-t ${name}/a -t ${name}/b/# -v -C 3`);
  await publish(`${name}/a`, '1');
  await publish(`${name}/c`, 'not this');
  await publish(`${name}/b`, '2');
  await publish(`${name}/b/c`, '3');
  assert.equal(await sub.exitCode, 0);
  assert.equal(sub.terminal.out, `${name}/a 1\n${name}/b 2\n${name}/b/c 3\n`);
});

test('-W ends with 27, and not when the count is reached before', async () => {
  assert.equal(await tool(`sub -t ${topic()} -W 0.05`).exitCode, 27);
  const name = topic();
  const sub = await listening(`-t ${name} -W 60 -C 1`);
  await publish(name, 'x');
  assert.equal(await sub.exitCode, 0);
});

test('-W ends also while the server does not answer', { timeout: 10_000 }, async () => {
  const silent = createServer(() => {});
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port: silentPort } = silent.address() as AddressInfo;
  const sub = tool(`sub -t a -W 0.05 -p ${silentPort}`);
  assert.equal(await sub.exitCode, 27);
  assert.equal(sub.terminal.err, 'dunlin sub: Cannot connect: the 0.05 s of -W are over\n');
  silent.close();
});

test('-E ends when the server has confirmed', async () => {
  const sub = tool(`sub -d -t ${topic()} -U other -E`);
  assert.equal(await sub.exitCode, 0);
  assert.match(sub.terminal.err, /< UNSUBACK/);
});

test('a session goes on between two runs with -c, and ends with a clean one', async () => {
  const name = topic();
  assert.equal(await tool(`sub -i keeper -c -q 1 -t ${name} -E`).exitCode, 0);
  await publish(name, 'missed');
  const again = tool(`sub -d -i keeper -c -q 1 -t ${name} -C 1`);
  assert.equal(await again.exitCode, 0);
  assert.equal(again.terminal.out, 'missed\n');
  assert.match(again.terminal.err, /< CONNACK, Success \(0x00\), session present/);
  assert.equal(await tool(`sub -i keeper -t ${name} -E`).exitCode, 0);
});

test('-T, -R and --random-filter choose', async () => {
  const name = topic();
  await publish(`${name}/old`, 'retained', '-r -q 1');
  const sub = await listening(`-t ${name}/# -T ${name}/no/+ -R -C 2`);
  await publish(`${name}/no/1`, 'hidden');
  await publish(`${name}/a`, 'shown');
  await publish(`${name}/no`, 'shown too');
  assert.equal(await sub.exitCode, 0);
  assert.equal(sub.terminal.out, 'shown\nshown too\n');
});

test('--retained-only ends with the first message that is not', async () => {
  const name = topic();
  for (const part of ['a', 'b']) await publish(`${name}/${part}`, part, '-r -q 1');
  const sub = await listening(`-t ${name}/# --retained-only`);
  await sub.terminal.shows('b\n');
  await publish(`${name}/c`, 'live');
  assert.equal(await sub.exitCode, 0);
  assert.deepEqual(sub.terminal.out.split('\n').sort(), ['', 'a', 'b']);
});

test('--remove-retained clears what comes, except what -T filters out', async () => {
  const name = topic();
  for (const part of ['a', 'keep']) await publish(`${name}/${part}`, part, '-r -q 1');
  assert.equal(await tool(`sub -t ${name}/# -T ${name}/keep --remove-retained --retained-only -C 1`).exitCode, 0);
  const rest = tool(`sub -t ${name}/# -v -W 0.2`);
  assert.equal(await rest.exitCode, 27);
  assert.equal(rest.terminal.out, `${name}/keep keep\n`);
});

test('subscription options of 5.0 reach the server', async () => {
  const name = topic();
  await publish(name, 'old', '-r -q 1');
  const sub = await listening(`-t ${name} --retain-handling 2 --retain-as-published -C 1 -F %r:%p:%S`, [
    ...['-D', 'SUBSCRIBE', 'subscription-identifier', '7'],
  ]);
  await publish(name, 'new', '-r -q 1');
  assert.equal(await sub.exitCode, 0);
  assert.equal(sub.terminal.out, '1:new:7\n');
});

test('%J tells a payload that is no JSON and goes on', async () => {
  const name = topic();
  const sub = await listening(`-t ${name} -F %J -C 2`);
  await publish(name, 'nonsense');
  await publish(name, '{"a":1}');
  assert.equal(await sub.exitCode, 0);
  assert.match(sub.terminal.err, /Cannot print the message on "sub\/\d+" with %J: its payload is not JSON/);
  assert.match(sub.terminal.out, /"payload":\{"a":1\}\}\n$/);
});

test('Ctrl-C disconnects and ends with 0', async () => {
  const sub = await listening(`-t ${topic()}`);
  sub.terminal.interrupt();
  assert.equal(await sub.exitCode, 0);
  assert.match(sub.terminal.err, /> DISCONNECT, Normal disconnection/);
});

test('a reader that goes away ends it quietly; a full disk is told', async () => {
  const sub = await listening(`-t ${topic()}`);
  sub.terminal.breakOutput();
  assert.equal(await sub.exitCode, 0);
  const full = await listening(`-t ${topic()}`);
  full.terminal.breakOutput('ENOSPC');
  assert.equal(await full.exitCode, 3);
  assert.match(full.terminal.err, /Cannot write the output: write ENOSPC/);
});

test("the server's DISCONNECT is told with its reason and exit code", async () => {
  const sub = await listening(`-t ${topic()} -i twice`);
  const other = await listening(`-t ${topic()} -i twice`);
  assert.equal(await sub.exitCode, 0x8e);
  assert.match(sub.terminal.err, /dunlin sub: The server ended the connection: Session taken over \(0x8E\)/);
  other.terminal.interrupt();
  await other.exitCode;
});

test('a connection that is lost is told, another one made, and the subscriptions are there again', async () => {
  const name = topic();
  const sub = await listening(`-t ${name} -i steady -C 1`);
  await runningServer().broker.disconnect(({ clientId }) => clientId === 'steady', 0x98);
  await sub.terminal.shows('dunlin sub: Connected again\n');
  assert.match(sub.terminal.err, /^dunlin sub: The server ended the connection: .*\(0x98\).*; connecting again$/m);
  // The second SUBACK.
  await sub.terminal.shows('Connected again');
  while (sub.terminal.err.split('< SUBACK').length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
  await publish(name, 'after');
  assert.equal(await sub.exitCode, 0);
  assert.equal(sub.terminal.out, 'after\n');
});

test('Subscription Identifiers that the client chose are not shown, and no Topic Alias is asked for', async () => {
  const name = topic();
  const sub = await listening(`-t ${name} -C 1 -F %S|%A|%j`);
  await publish(name, 'x');
  assert.equal(await sub.exitCode, 0);
  assert.match(sub.terminal.out, /^\|\|\{[^}]*"payload":"x"\}\n$/);
  assert.doesNotMatch(sub.terminal.out, /properties/);
});

test('--json, --hex and --pretty show messages in their ways', async () => {
  const name = topic();
  const lines = await listening(`-t ${name} --json -C 1`);
  const bytes = await listening(`-t ${name} --hex -v -C 1`);
  const pretty = await listening(`-t ${name} --pretty -C 1`);
  await publish(name, '{"a":1.0}');
  for (const one of [lines, bytes, pretty]) assert.equal(await one.exitCode, 0, one.terminal.err);
  assert.match(
    lines.terminal.out,
    /^\{"time":"[^"]*Z","topic":"sub\/\d+","qos":0,"retain":false,"bytes":9,"encoding":"json","payload":\{"a":1\.0\},"properties":\{\}\}\n$/,
  );
  assert.match(
    bytes.terminal.out,
    /^sub\/\d+ \(9 bytes\)\n00000000 {2}7b 22 61 22 3a 31 2e 30 {2}7d .*\|\{"a":1\.0\}\|\n$/,
  );
  assert.equal(pretty.terminal.out, '{\n  "a": 1.0\n}\n');
});

test('--rates tells how much came on each topic at the end, and --watch is plain lines without a terminal', async () => {
  const name = topic();
  const rates = await listening(`-t ${name}/# --rates 60 -C 3`);
  const watch = await listening(`-t ${name}/# --watch -C 3`);
  for (const part of ['a', 'b', 'a']) await publish(`${name}/${part}`, 'four');
  for (const one of [rates, watch]) assert.equal(await one.exitCode, 0, one.terminal.err);
  assert.match(
    rates.terminal.out,
    /^In all\n[\d.]+ s: 3 messages, 2 topics\n *msg\/s +messages +bytes +topic\n *[\d.]+ +2 +8 +sub\/\d+\/a\n *[\d.]+ +1 +4 +sub\/\d+\/b\n$/,
  );
  assert.deepEqual(watch.terminal.out, `${name}/a four\n${name}/b four\n${name}/a four\n`);
});

test('a reader that is behind holds back the connection, and nothing is lost', async () => {
  const name = topic();
  const reader = slowStream();
  const terminal = Object.defineProperty(new RecordedTerminal(), 'output', { value: reader.stream });
  const flags = ['-d', '-q', '1', '-t', name, '-C', '20'];
  const exitCode = run(['sub', '-h', '127.0.0.1', '-p', String(port()), ...flags], terminal);
  await terminal.shows('< SUBACK');
  // More than one read of a socket.
  const payload = 'x'.repeat(100_000);
  for (let count = 0; count < 20; count += 1) await publish(name, payload);
  const came = () => terminal.err.split('< PUBLISH').length - 1;
  assert.ok(came() > 0 && came() < 20, `${came()} messages came`);
  reader.read();
  assert.equal(await exitCode, 0);
  await finished(reader.stream.end());
  assert.equal(Buffer.concat(reader.chunks).toString(), `${payload}\n`.repeat(20));
});

test('what a slow reader has not taken when the command ends still reaches it', { timeout: 20_000 }, async () => {
  const name = topic();
  const main = fileURLToPath(new URL('./main.ts', import.meta.url));
  const argv = ['sub', '-d', '-h', '127.0.0.1', '-p', String(port()), '-t', name, '-C', '1'];
  const sub = spawn(process.execPath, ['--conditions=@dunlin/source', main, ...argv], { stdio: 'pipe' });
  const told = createInterface(sub.stderr)[Symbol.asyncIterator]();
  const shows = async (text: string): Promise<void> => {
    for (let line = ''; !line.includes(text); line = (await told.next()).value as string);
  };
  await shows('< SUBACK');
  await publish(name, 'x'.repeat(1_000_000));
  await shows('> DISCONNECT');
  let bytes = 0;
  for await (const chunk of sub.stdout) bytes += (chunk as Buffer).length;
  assert.equal(bytes, 1_000_001);
});

test('a will is published when the connection is lost', async () => {
  const name = topic();
  const sub = await listening(`-t ${name} -C 1`);
  const dying = await listening(`-t other -i dying --no-reconnect --will-topic ${name} --will-payload gone`);
  await runningServer().broker.disconnect(({ clientId }) => clientId === 'dying', 0x98);
  assert.equal(await dying.exitCode, 0x98);
  assert.equal(await sub.exitCode, 0);
  assert.equal(sub.terminal.out, 'gone\n');
});
