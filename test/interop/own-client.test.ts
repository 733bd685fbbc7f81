/** Dunlin's client with Dunlin's broker and with Mosquitto: all versions, every QoS, what sessions and wills do. */

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { connect, type MqttError } from '@dunlin/client';
import type { ProtocolVersion } from '@dunlin/protocol';
import { commandPath, missing } from '../../tools/prerequisites.ts';
import { freePort } from '../free-port.ts';
import { eventually, LocalBroker, Program } from './local-broker.ts';

/** Starts Mosquitto on a free port and returns that. */
async function startMosquitto(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'dunlin-mosquitto-'));
  after(() => rm(folder, { recursive: true, force: true }));
  const port = await freePort();
  const configuration = join(folder, 'mosquitto.conf');
  // Its default queue loses messages of QoS 1 when 300 arrive at once.
  const settings = ['allow_anonymous true', 'max_queued_messages 0', 'max_inflight_messages 0'];
  await writeFile(configuration, [`listener ${port} 127.0.0.1`, ...settings, ''].join('\n'));
  const broker = new Program(commandPath('mosquitto') as string, ['-c', configuration]);
  await eventually(() => broker.err.includes('running') || broker.out.includes('running'), 'Mosquitto');
  return port;
}

const brokers: [string, string | false, () => Promise<number>][] = [
  ['Dunlin', false, async () => (await LocalBroker.start()).port],
  ['Mosquitto', missing('mosquitto'), startMosquitto],
];

for (const [name, skip, start] of brokers) {
  describe(`Dunlin's client with ${name}`, { skip }, () => {
    const started = skip === false ? start() : Promise.resolve(0);
    const url = async (): Promise<string> => `mqtt://127.0.0.1:${await started}`;

    for (const protocolVersion of [3, 4, 5] as ProtocolVersion[]) {
      test(`level ${protocolVersion}: messages of every QoS come back in order`, async () => {
        await using client = await connect(await url(), { protocolVersion });
        const subscription = await client.subscribe(`order/${protocolVersion}`, { qos: 2 });
        const sent: string[] = [];
        const publishing: Promise<unknown>[] = [];
        for (let count = 0; count < 300; count++) {
          sent.push(`${count % 3} ${count}`);
          publishing.push(client.publish(`order/${protocolVersion}`, String(count), { qos: (count % 3) as 0 | 1 | 2 }));
        }
        const received: string[] = [];
        for await (const message of subscription) {
          received.push(`${message.qos} ${message.text()}`);
          if (received.length === sent.length) break;
        }
        await Promise.all(publishing);
        for (const qos of ['0', '1', '2']) {
          const ofQos = (line: string): boolean => line.startsWith(qos);
          assert.deepEqual(received.filter(ofQos), sent.filter(ofQos));
        }
      });

      test(`level ${protocolVersion}: a session keeps what comes while the client is away`, async () => {
        const clientId = `session${protocolVersion}`;
        const properties = protocolVersion === 5 ? { sessionExpiryInterval: 60 } : {};
        const options = { clientId, cleanStart: false, protocolVersion, properties };
        const first = await connect(await url(), options);
        await first.subscribe(`session/${protocolVersion}`, { qos: 2 }, () => {});
        await first.disconnect();
        await using other = await connect(await url(), { protocolVersion });
        for (const qos of [1, 2] as const) await other.publish(`session/${protocolVersion}`, `missed ${qos}`, { qos });
        const again = await connect(await url(), options);
        const texts: string[] = [];
        again.on('message', (message) => texts.push(message.text()));
        assert.equal(again.connack?.sessionPresent, protocolVersion !== 3);
        await eventually(() => texts.length === 2, 'what was missed');
        assert.deepEqual(texts, ['missed 1', 'missed 2']);
        await again.disconnect();
      });

      test(`level ${protocolVersion}: retained messages and wills`, async () => {
        await using client = await connect(await url(), { protocolVersion });
        await client.publish(`kept/${protocolVersion}`, 'kept', { qos: 1, retain: true });
        const seen: string[] = [];
        const filters = [`kept/${protocolVersion}`, `gone/${protocolVersion}`];
        await client.subscribe(filters, { qos: 1 }, ({ topic, retain }) => void seen.push(`${topic} ${retain}`));
        await client.publish(`kept/${protocolVersion}`, '', { qos: 1, retain: true });
        const will = { topic: `gone/${protocolVersion}`, payload: 'gone', qos: 1 as const };
        const clientId = `same${protocolVersion}`;
        // One that came back would take the identifier over in its turn.
        const lost = await connect(await url(), { protocolVersion, clientId, will, reconnect: false });
        // Taking the identifier over ends the first connection without its DISCONNECT.
        const taker = await connect(await url(), { protocolVersion, clientId });
        const { by, error } = await lost.closed;
        // Mosquitto 2.0 closes without a word.
        const isTold = protocolVersion === 5 && name === 'Dunlin';
        assert.deepEqual([by, (error as MqttError).reasonCode], isTold ? ['server', 0x8e] : ['network', undefined]);
        await taker.disconnect();
        await eventually(() => seen.length === 3, 'three messages');
        assert.deepEqual(seen, [
          `kept/${protocolVersion} true`,
          `kept/${protocolVersion} false`,
          `gone/${protocolVersion} false`,
        ]);
      });
    }

    for (const protocolVersion of [3, 4, 5] as ProtocolVersion[]) {
      test(`level ${protocolVersion}: a request finds its answer by topic template`, async () => {
        await using requester = await connect(await url(), { protocolVersion });
        await using responder = await connect(await url(), { protocolVersion });
        const responseTopic = 'player/{key}/response/{id}';
        const template = 'player/{key}/request/{id}';
        await responder.respond(template, (request, { key }) => `${key} ${request.text()}`, { responseTopic });
        const ask = (key: string) => requester.request(template, 'plays', { params: { key }, responseTopic });
        const answers = await Promise.all(['1', '2', '3'].map(ask));
        assert.deepEqual(
          answers.map((answer) => answer.text()),
          ['1 plays', '2 plays', '3 plays'],
        );
      });
    }

    test('level 5: a request finds its answer by Response Topic and Correlation Data', async () => {
      await using requester = await connect(await url());
      await using responder = await connect(await url());
      await responder.respond('ask/{what}', async (request, { what }) => ({ what, qos: request.qos }), { qos: 2 });
      const answers = await Promise.all(
        ([0, 1, 2] as const).map((qos) => requester.request(`ask/${qos}`, '', { qos })),
      );
      assert.deepEqual(
        answers.map((answer) => answer.json()),
        [0, 1, 2].map((qos) => ({ what: String(qos), qos })),
      );
    });

    test('level 5: a request that nobody hears is over at once', async () => {
      await using client = await connect(await url());
      await assert.rejects(client.request('nobody/there', ''), { code: 'refused', reasonCode: 0x10 });
    });

    test('an idle connection lives on PINGREQ', async () => {
      const received: string[] = [];
      const on = { packetReceived: ({ type }: { type: string }) => void received.push(type) };
      await using client = await connect(await url(), { keepAlive: 1, on });
      await eventually(() => received.filter((type) => type === 'pingresp').length >= 2, 'two PINGRESP');
      assert.equal(client.state, 'connected');
    });
  });
}
