import assert from 'node:assert/strict';
import { test } from 'node:test';
import { targetOf } from '../connecting.ts';
import { port } from '../contract/local-server.ts';
import { RecordedTerminal } from '../contract/recorded-terminal.ts';
import { readBenchFlags } from './bench-flags.ts';
import { BenchView, resultOf } from './bench-report.ts';
import { BenchRun } from './bench-run.ts';

function runOf(line: string) {
  const argv = ['-h', '127.0.0.1', '-p', String(port()), '--connect-rate', '5000', ...line.split(' ')];
  const plan = readBenchFlags(argv);
  const target = targetOf(plan, new RecordedTerminal());
  return { run: new BenchRun(plan, target), plan, url: target.url };
}

for (const qos of [0, 1, 2]) {
  test(`pairs at QoS ${qos} lose nothing, and every message is counted once`, async () => {
    const { run, plan, url } = runOf(`pairs -n 3 -q ${qos} --warmup 0.05 --duration 0.3 -t pairs${qos}/{i}`);
    await run.run();
    const { lost, duplicated, outOfOrder, errors, clientsConnected } = resultOf(run, plan, url);
    assert.deepEqual([lost, duplicated, outOfOrder, errors, clientsConnected], [0, 0, 0, [], 6]);
    const { published, received } = run.meter.counters;
    assert.ok(published > 0);
    assert.equal(received, published);
    assert.equal(run.connected.size, 0);
    assert.equal(run.meter.acknowledged.count > 0, qos > 0);
  });
}

test('messages that are too short for a number are counted all the same', async () => {
  const { run, plan, url } = runOf('pairs -n 2 -s 4 --warmup 0 --duration 0.2 -t short/{i}');
  await run.run();
  const { lost, duplicated, deliveredIn } = resultOf(run, plan, url);
  assert.deepEqual([lost, duplicated, deliveredIn], [0, undefined, undefined]);
  assert.ok(run.meter.counters.received > 0);
});

test('sub counts what another run publishes, by its numbers', async () => {
  const sub = runOf('sub -n 2 --warmup 0 --duration 3600 -t counted/#');
  const subscribed = sub.run.run();
  while (sub.run.phase !== 'measuring') await new Promise((resolve) => setTimeout(resolve, 5));
  const pub = runOf('pub -n 2 -q 1 --warmup 0 --duration 0.2 -t counted/{i}');
  await pub.run.run();
  const { published } = pub.run.meter.counters;
  while (sub.run.meter.counters.received < 2 * published) await new Promise((resolve) => setTimeout(resolve, 5));
  sub.run.stop();
  await subscribed;
  const { received, lost, duplicated } = resultOf(sub.run, sub.plan, sub.url);
  assert.deepEqual([received?.messages, lost, duplicated], [2 * published, 0, 0]);
});

test('the view says where the run stands', async () => {
  const { run, plan } = runOf('pairs -n 1 --warmup 0 --duration 3600 -t viewed/{i}');
  const view = new BenchView(run, plan);
  assert.match(view.line(), /^connecting · 0 of 2 connected$/);
  const ended = run.run();
  while (run.meter.delivered.count === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.match(
    view.line(),
    /^measuring 0 of 3600 s · 2 of 2 connected · published [\d,]+\/s · received [\d,]+\/s · p99 [\d.]+ (µs|ms)$/,
  );
  run.stop();
  await ended;
});
