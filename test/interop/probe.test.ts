/** `dunlin probe` tells the truth: of Mosquitto and aedes, whose ways are known, and of Dunlin. */

import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { missing } from '../../tools/prerequisites.ts';
import { freePort } from '../free-port.ts';
import { eventually, LocalBroker, Program } from './local-broker.ts';
import { startMosquitto } from './local-mosquitto.ts';

type Value = boolean | number | string | null;
/** What is stated and tried, by check; a third entry is looked for in the note. */
type Expected = Readonly<Record<string, readonly [stated: Value, tried: Value, note?: RegExp]>>;

const dunlin = fileURLToPath(new URL('../../packages/cli/bin/dunlin.js', import.meta.url));
const aedes = fileURLToPath(new URL('../../bench/aedes.ts', import.meta.url));
const PAYLOAD_MAX = 100_000;
const ONLY_5 = [null, null, /^only MQTT 5\.0 has it$/] as const;

/** What MQTT 5.0 asks of every server, or lets it leave out and say so; Mosquitto and Dunlin have all of it. */
const COMPLETE: Expected = {
  'mqtt-3.1': [null, true],
  'mqtt-3.1.1': [null, true],
  'mqtt-5.0': [null, true],
  'qos-0': [true, true],
  'qos-1': [true, true],
  'qos-2': [true, true],
  retained: [true, true, /set, read and cleared/],
  'message-expiry': [null, true, /^30 s were 2[5-8] s when it came$/],
  'wildcard-plus': [true, true],
  'wildcard-hash': [true, true],
  'shared-subscriptions': [true, true, /^20 messages, \d+ and \d+ to two members$/],
  'subscription-identifiers': [true, true],
  'no-local': [null, true],
  'retain-as-published': [null, true],
  'retain-handling': [null, true],
  session: [null, true],
  'session-expiry': [null, true],
  will: [null, true],
  'will-delay': [null, true],
  'keep-alive': [null, true],
  'empty-client-id': [null, true],
  'topic-length': [null, 65_535],
  'client-receive-maximum': [null, true],
  'response-information': [null, false],
  'enhanced-authentication': [null, false, /Bad authentication method \(0x8C\)/],
};

/** Version 2.0.11 as Debian has it, with its defaults. */
const MOSQUITTO: Expected = {
  ...COMPLETE,
  // max_topic_alias 10; towards clients only since version 2.1.
  'topic-alias-to-server': [10, true],
  'topic-alias-from-server': [null, false],
  'assigned-client-id': [null, true, /^auto-/],
  // Without message_size_limit it takes all that a packet can be.
  payload: [null, PAYLOAD_MAX, /--payload-max/],
  // TOPIC_HIERARCHY_LIMIT counts 200 slashes.
  'topic-levels': [null, 201],
  // max_inflight_messages.
  'receive-maximum': [20, 20],
  sys: [null, true, /^mosquitto version 2\./],
  'disconnect-reasons': [null, true, /^Topic Alias invalid \(0x94\); no Reason String$/],
};

/** The defaults of docs/reference/limits.md. */
const DUNLIN: Expected = {
  ...COMPLETE,
  'topic-alias-to-server': [100, true],
  'topic-alias-from-server': [null, true],
  'assigned-client-id': [null, true, /^dunlin-[0-9a-f]{32}$/],
  payload: [4_194_304, PAYLOAD_MAX],
  'topic-levels': [null, 200],
  'receive-maximum': [1000, 100, /at least/],
  sys: [null, true, /^dunlin \d/],
  'disconnect-reasons': [null, true, /^Topic Alias invalid \(0x94\); Reason String: Cannot/],
};

/** Version 1.2: no MQTT 5.0, no shared subscriptions, and topics of at most 100 levels (its qlobber's max_words). */
const AEDES: Expected = {
  'mqtt-3.1': [null, true],
  'mqtt-3.1.1': [null, true],
  'mqtt-5.0': [null, false, /Return Code 1$/],
  'qos-0': [null, true],
  'qos-1': [null, true],
  'qos-2': [null, true],
  retained: [null, true],
  'topic-alias-to-server': ONLY_5,
  'topic-alias-from-server': ONLY_5,
  'message-expiry': ONLY_5,
  'wildcard-plus': [null, true],
  'wildcard-hash': [null, true],
  'shared-subscriptions': [null, false, /taken as the name of a topic/],
  'subscription-identifiers': ONLY_5,
  'no-local': ONLY_5,
  'retain-as-published': ONLY_5,
  'retain-handling': ONLY_5,
  session: [null, true],
  'session-expiry': ONLY_5,
  will: [null, true],
  'will-delay': ONLY_5,
  'keep-alive': [null, true],
  'assigned-client-id': ONLY_5,
  // It makes up an identifier before it looks at Clean Session.
  'empty-client-id': [null, true, /\[MQTT-3\.1\.3-8\] forbids/],
  payload: [null, PAYLOAD_MAX],
  'topic-length': [null, 65_535],
  'topic-levels': [null, 100],
  'receive-maximum': ONLY_5,
  'client-receive-maximum': ONLY_5,
  sys: [null, true],
  'disconnect-reasons': ONLY_5,
  'response-information': ONLY_5,
  'enhanced-authentication': ONLY_5,
};

async function startAedes(): Promise<number> {
  const port = await freePort();
  new Program(process.execPath, [aedes, String(port)]);
  // It says nothing when it listens.
  let isThere = false;
  await eventually(() => {
    const socket = connect(port, '127.0.0.1', () => {
      isThere = true;
      socket.destroy();
    });
    socket.on('error', () => {});
    return isThere;
  }, 'aedes');
  return port;
}

const BROKERS: [string, Expected, string | false, () => Promise<number>][] = [
  ['Mosquitto', MOSQUITTO, missing('mosquitto'), () => startMosquitto()],
  ['aedes', AEDES, false, startAedes],
  ['Dunlin', DUNLIN, false, async () => (await LocalBroker.start()).port],
];

for (const [name, expected, skip, start] of BROKERS) {
  describe(`dunlin probe with ${name}`, { skip }, () => {
    test('every check finds what is so', async () => {
      const port = await start();
      const program = ['probe', '--json', '-h', '127.0.0.1', '-p', String(port), '--payload-max', String(PAYLOAD_MAX)];
      const report = JSON.parse(await new Program(dunlin, program).output());
      const found: Record<string, readonly Value[]> = {};
      for (const { check, stated, tried, note } of report.findings) {
        found[check] = [stated, tried];
        const text = expected[check]?.[2];
        if (text !== undefined) assert.match(String(note), text, check);
      }
      const wanted = Object.entries(expected).map(([check, [stated, tried]]) => [check, [stated, tried]]);
      assert.deepEqual(found, Object.fromEntries(wanted));
      assert.equal(report.version, name === 'aedes' ? '3.1.1' : '5.0');
    });
  });
}
