import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { after, test } from 'node:test';
import { runningServer, tool } from './contract/local-server.ts';

/** A server that answers every connection with these bytes and closes. */
async function answering(bytes: readonly number[]): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(Buffer.from(bytes)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  after(() => server.close());
  return (server.address() as AddressInfo).port;
}

test('the table of a whole probe, and nothing of it is left', async () => {
  const { exitCode, terminal } = tool('probe --payload-max 2000 --prefix a/b');
  assert.equal(await exitCode, 0, terminal.err);
  const { out } = terminal;
  assert.match(out, /^mqtt:\/\/127\.0\.0\.1:\d+, probed with MQTT 5\.0\n\n {35}stated {4}tried {5}note\nVersions\n/);
  for (const title of ['Messages', 'Subscriptions', 'Sessions', 'Limits', 'Server'])
    assert.match(out, new RegExp(`^${title}$`, 'm'));
  assert.match(out, /^ {2}shared subscriptions {13}yes {7}yes {7}20 messages/m);
  assert.match(out, /^ {2}largest payload {18}\d+ +2000 /m);
  assert.equal(runningServer().broker.sessionsById.size, 0);
  const listed = tool('sub -t a/b/# --retained-only -W 0.3');
  assert.equal(await listed.exitCode, 27);
  assert.equal(listed.terminal.out, '');
});

test('JSON for programs, of an older version', async () => {
  const { exitCode, terminal } = tool('probe --json -V 311 --payload-max 100');
  assert.equal(await exitCode, 0, terminal.err);
  const report = JSON.parse(terminal.out);
  assert.deepEqual([report.version, report.connack], ['3.1.1', {}]);
  const of = (check: string) => report.findings.find((one: { check: string }) => one.check === check);
  assert.deepEqual(of('mqtt-5.0'), {
    group: 'Versions',
    check: 'mqtt-5.0',
    what: 'MQTT 5.0',
    stated: null,
    tried: true,
    note: null,
  });
  assert.deepEqual([of('no-local').tried, of('no-local').note], [null, 'only MQTT 5.0 has it']);
  assert.equal(of('session').tried, true);
});

test('the table of an older version leaves out what it does not have', async () => {
  const { exitCode, terminal } = tool('probe -V 31 --payload-max 100');
  assert.equal(await exitCode, 0, terminal.err);
  assert.doesNotMatch(terminal.out, /No Local/);
  assert.match(terminal.out, /\nLeft out: \d+ checks of what only MQTT 5\.0 has\.\n$/);
});

test('a server that refuses everybody', async () => {
  const port = await answering([0x20, 0x03, 0x00, 0x87, 0x00]);
  const { exitCode, terminal } = tool(`probe -p ${port}`);
  assert.equal(await exitCode, 0x87);
  assert.match(
    terminal.err,
    /^dunlin probe: Cannot probe: every version was refused: CONNECT: Not authorized \(0x87\)\n$/,
  );
  assert.match(terminal.out, /^ {2}MQTT 5\.0 {25}- {9}- {9}CONNECT: Not authorized \(0x87\)$/m);
});

test('a server that knows MQTT 3.1.1 alone', async () => {
  const port = await answering([0x20, 0x02, 0x00, 0x01]);
  const { exitCode, terminal } = tool(`probe --json -p ${port}`);
  assert.equal(await exitCode, 0x84);
  const { findings, version } = JSON.parse(terminal.out);
  assert.equal(version, null);
  assert.deepEqual(
    findings.map(({ tried }: { tried: unknown }) => tried),
    [false, false, false],
  );
});

test('something that is no MQTT server, and nothing at all', async () => {
  const port = await answering([...Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')]);
  const web = tool(`probe -p ${port}`);
  assert.equal(await web.exitCode, 2);
  assert.match(web.terminal.err, /every version was refused: .*the server/);
  const nothing = tool('probe -p 1');
  assert.equal(await nothing.exitCode, 2);
  assert.match(nothing.terminal.err, /^dunlin probe: Cannot connect to "127\.0\.0\.1:1": nothing listens there/);
});

test('a full disk below the output is told, a reader that went away is not', async () => {
  for (const [code, expected] of [
    ['ENOSPC', 3],
    ['EPIPE', 0],
  ] as const) {
    const { exitCode, terminal } = tool('probe');
    await terminal.shows('Messages');
    terminal.breakOutput(code);
    assert.equal(await exitCode, expected);
    assert.equal(terminal.err.includes('Cannot write the output'), expected === 3);
  }
});

test('Ctrl-C ends it and clears what was begun', async () => {
  const { exitCode, terminal } = tool('probe --prefix stopped');
  await terminal.shows('Messages');
  terminal.interrupt();
  assert.equal(await exitCode, 0);
  assert.equal(runningServer().broker.sessionsById.size, 0);
});
