import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parseScriptText, readScript } from './script.ts';

const folder = mkdtempSync(join(tmpdir(), 'dunlin-script-'));
after(() => rmSync(folder, { recursive: true }));

const parse = (text: string) => parseScriptText(text, 's.yaml', folder);
const fleet = (yaml: string) => parse(`fleets: {f: ${yaml}}`).fleets[0];
const fault = (text: string): string => {
  try {
    parse(text);
  } catch (error) {
    return (error as Error).message;
  }
  return '';
};

test('a fleet of which only a name is said has one device that connects', () => {
  assert.deepEqual(fleet('{}'), {
    name: 'f',
    count: 1,
    records: [],
    values: new Map(),
    clientId: '{fleet}-{i}',
    username: undefined,
    password: undefined,
    certificate: undefined,
    key: undefined,
    protocolVersion: undefined,
    keepAlive: undefined,
    cleanStart: true,
    sessionExpiry: undefined,
    will: undefined,
    connectPerSecond: 50,
    subscribe: [],
    publish: [],
    life: { sleep: undefined, dropsMs: undefined },
  });
});

test('times, versions and files are read', () => {
  const found = fleet(
    '{version: 3.1.1, keepAlive: 1min, sessionExpiry: 1h, certificate: "{i}.pem", key: k.pem, ' +
      'life: {awake: 30s, asleep: 5min, jitter: 5s, drops: 1h}, ' +
      'publish: [{topic: a, every: 10s, jitter: 1s}, {topic: b, on: connect, qos: 1, retain: true}]}',
  );
  assert.deepEqual([found.protocolVersion, found.keepAlive, found.sessionExpiry], [4, 60, 3600]);
  assert.deepEqual([found.certificate, found.key], [join(folder, '{i}.pem'), join(folder, 'k.pem')]);
  assert.deepEqual(found.life, {
    sleep: { awake: { ms: 30_000, jitterMs: 5000 }, asleep: { ms: 300_000, jitterMs: 5000 } },
    dropsMs: 3_600_000,
  });
  assert.deepEqual(
    found.publish.map(({ every, qos, retain }) => [every, qos, retain]),
    [
      [{ ms: 10_000, jitterMs: 1000 }, 0, false],
      [undefined, 1, true],
    ],
  );
});

test('a table of devices gives each its values, and as many devices as it has rows', () => {
  writeFileSync(join(folder, 'devices.csv'), 'device,token\nd1,t1\nd2,t2\n');
  const { count, records, username } = fleet(
    "{devices: devices.csv, clientId: '{device}', username: '{device}', password: '{token}'}",
  );
  assert.deepEqual([count, records[1], username], [2, { device: 'd2', token: 't2' }, '{device}']);
  assert.match(
    fault('fleets: {f: {devices: devices.csv, count: 3}}'),
    /count is 3: at most 2, as many as "devices" has/,
  );
  assert.match(
    fault('fleets: {f: {devices: none.csv}}'),
    /"none\.csv" cannot be used: no such file or directory \(ENOENT\)/,
  );
});

test('seed and beginning are read', () => {
  const { seed, beginMs } = parse('seed: 42\nbegin: 2026-01-31T08:00:00Z\nfleets: {f: {}}');
  assert.deepEqual([seed, beginMs], ['42', Date.parse('2026-01-31T08:00:00Z')]);
});

test('faults are told with their line', () => {
  const cases: [string, RegExp][] = [
    ['fleets: {}', /s\.yaml:1: fleets is a group: a group of fleets is expected/],
    ['{}', /s\.yaml:1: fleets is missing/],
    ['fleets:\n  "a b": {}', /s\.yaml:2: .*letters, digits, _ and - are expected/],
    ['fleets:\n  f:\n    count: 5\n    clientId: same', /clientId is "same": a place such as \{i\} is expected/],
    ['fleets:\n  f:\n    colour: red', /s\.yaml:3: fleets\.f\.colour is unknown: count, devices/],
    ['fleets:\n  f:\n    username: "{x}"', /s\.yaml:3: .*\{x\}, which is unknown: i, fleet are known here/],
    ['fleets: {f: {certificate: a}}', /certificate and key are expected together/],
    ['fleets: {f: {life: {awake: 1s}}}', /awake and asleep are expected together/],
    ['fleets: {f: {publish: [{topic: a}]}}', /either "every" with a time or "on: connect" is expected/],
    ['fleets: {f: {publish: [{topic: a, every: 1s, on: connect}]}}', /either "every"/],
    ['fleets: {f: {publish: [{topic: a/+, every: 1s}]}}', /publish\[0\]\.topic: Cannot publish to "a\/\+"/],
    ['fleets: {f: {publish: [{topic: a, every: 1s, jitter: 2s}]}}', /jitter is longer than "every"/],
    ['fleets: {f: {subscribe: [{topic: a#}]}}', /subscribe\[0\]\.topic: /],
    ['fleets: {f: {subscribe: [{topic: a/+, respond: {topic: "b/{level2}"}}]}}', /\{level2\}, which is unknown/],
    ['fleets: {a: {count: 20000}, b: {}}', /the fleets have 20001 devices: at most 20000 are expected/],
  ];
  for (const [text, expected] of cases) assert.match(fault(text), expected, text);
});

test('a script that is not there is told', () => {
  assert.throws(
    () => readScript(join(folder, 'none.yaml')),
    /Cannot read the script ".*none\.yaml": no such file or directory \(ENOENT\)/,
  );
});
