import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BenchResult, resultText } from './bench-report.ts';

const TIMES = { p50: 120, p90: 450, p99: 12_000, 'p99.9': 15_000, max: 1_500_000 };
const RESULT: BenchResult = {
  mode: 'pairs',
  url: 'mqtt://127.0.0.1:1883',
  qos: 1,
  payloadBytes: 64,
  clients: 200,
  clientsConnected: 198,
  seconds: 10,
  connections: { perSecond: 496, time: TIMES },
  published: { messages: 1_234_567, messagesPerSecond: 123_456.7, bytesPerSecond: 7_901_229 },
  received: { messages: 1_234_560, messagesPerSecond: 123_456, bytesPerSecond: 7_901_184 },
  acknowledgedIn: TIMES,
  lost: 7,
  duplicated: 0,
  outOfOrder: 0,
  errors: [{ error: 'refused: Not authorized (0x87)', count: 2 }],
  cpuPercent: 42,
};

test('the table is quiet and aligned', () => {
  assert.equal(
    resultText(RESULT),
    `dunlin bench pairs: 200 clients, QoS 1, 64 B, 10.0 s, mqtt://127.0.0.1:1883

connected           198      496/s
published     1,234,567  123,457/s  7.90 MB/s
received      1,234,560  123,456/s  7.90 MB/s
lost                  7
duplicated            0
out of order          0

                    p50     p90      p99    p99.9     max
connected in     120 µs  450 µs  12.0 ms  15.0 ms  1.50 s
acknowledged in  120 µs  450 µs  12.0 ms  15.0 ms  1.50 s

errors
refused: Not authorized (0x87)  2

This process was busy 42 % of one core.
`,
  );
});

test('it says where the figures are those of this process, and where messages were late', () => {
  const text = resultText({ ...RESULT, cpuPercent: 99, late: TIMES });
  assert.match(text, /busy 99 % of one core: the figures are rather its limit than the server's\.\n/);
  assert.match(text, /were published late \(p99 12\.0 ms\)/);
});

test('where published and received differ by other than what was lost, it says what is not counted', () => {
  const [published, received] = [514, 476].map((messages) => ({ messages, messagesPerSecond: 1, bytesPerSecond: 1 }));
  const text = resultText({ ...RESULT, mode: 'latency', published, received, lost: 0 });
  assert.match(
    text,
    /^Published and received count the time that was measured; lost, duplicated and out of order the whole run/m,
  );
  assert.doesNotMatch(resultText(RESULT), /Published and received/);
});

test('a run that only connects shows nothing of messages', () => {
  const { mode, ...rest } = RESULT;
  const { published, received, acknowledgedIn, lost, duplicated, outOfOrder, ...connected } = rest;
  const text = resultText({ ...connected, mode: 'connect', errors: [] });
  assert.match(text, /^dunlin bench connect: 200 clients, 10\.0 s, mqtt:/);
  assert.doesNotMatch(text, /published|received|QoS|errors|lost/);
});
