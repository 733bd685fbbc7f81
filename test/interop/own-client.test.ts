/** Dunlin's client with Dunlin's broker and with Mosquitto: all versions, every transport, every QoS, what sessions do. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type ClientOptions, connect, type MqttError, type ReceivedMessage } from '@dunlin/client';
import type { Packet, ProtocolVersion } from '@dunlin/protocol';
import { eventually } from './local-broker.ts';
import { SERVERS } from './real-servers.ts';

const VERSIONS: readonly ProtocolVersion[] = [3, 4, 5];

/** Options by which the server keeps the session. */
const kept = (clientId: string, protocolVersion: ProtocolVersion): ClientOptions => ({
  clientId,
  protocolVersion,
  cleanStart: false,
  properties: protocolVersion === 5 ? { sessionExpiryInterval: 60 } : {},
});

for (const { name, skip, transports, run } of SERVERS) {
  const running = skip === false ? run() : undefined;
  for (const transport of transports) {
    describe(`Dunlin's client with ${name} over ${transport}`, { skip }, () => {
      const open = async (options: ClientOptions = {}) => {
        const place = (await running)?.place(transport);
        assert.ok(place);
        return connect(place.url, { ...place.options, ...options });
      };
      /** Topics and client identifiers of this group alone. */
      const own = (text: string, version: ProtocolVersion = 5): string => `${text}-${transport}-${version}`;

      for (const protocolVersion of VERSIONS) {
        test(`level ${protocolVersion}: messages of every QoS come back in order [MQTT311-7.0.0-2, MQTT31-21]`, async () => {
          await using client = await open({ protocolVersion });
          const topic = own('order', protocolVersion);
          const subscription = await client.subscribe(topic, { qos: 2 });
          const sent: string[] = [];
          const publishing: Promise<unknown>[] = [];
          for (let count = 0; count < 300; count++) {
            sent.push(`${count % 3} ${count}`);
            publishing.push(client.publish(topic, String(count), { qos: (count % 3) as 0 | 1 | 2 }));
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
          const topic = own('away', protocolVersion);
          const options = kept(own('away', protocolVersion), protocolVersion);
          const first = await open(options);
          await first.subscribe(topic, { qos: 2 }, () => {});
          await first.disconnect();
          await using other = await open({ protocolVersion });
          for (const qos of [1, 2] as const) await other.publish(topic, `missed ${qos}`, { qos });
          await using again = await open(options);
          const texts: string[] = [];
          again.on('message', (message) => texts.push(message.text()));
          assert.equal(again.connack?.sessionPresent, protocolVersion !== 3);
          await eventually(() => texts.length === 2, 'what was missed');
          assert.deepEqual(texts, ['missed 1', 'missed 2']);
        });

        test(`level ${protocolVersion}: retained messages and wills`, async () => {
          await using client = await open({ protocolVersion });
          const [stays, gone] = [own('kept', protocolVersion), own('gone', protocolVersion)];
          await client.publish(stays, 'kept', { qos: 1, retain: true });
          const seen: string[] = [];
          await client.subscribe(
            [stays, gone],
            { qos: 1 },
            ({ topic, retain }) => void seen.push(`${topic} ${retain}`),
          );
          await client.publish(stays, '', { qos: 1, retain: true });
          const will = { topic: gone, payload: 'gone', qos: 1 as const };
          const clientId = own('same', protocolVersion);
          const lost = await open({ protocolVersion, clientId, will, reconnect: false });
          // Taking the identifier over ends the first connection without its DISCONNECT.
          await using taker = await open({ protocolVersion, clientId, reconnect: false });
          assert.equal(taker.state, 'connected');
          const { by, error } = await lost.closed;
          // Mosquitto 2.0 closes without a word.
          const isTold = protocolVersion === 5 && name === 'Dunlin';
          assert.deepEqual([by, (error as MqttError).reasonCode], isTold ? ['server', 0x8e] : ['network', undefined]);
          await eventually(() => seen.length === 3, 'three messages');
          assert.deepEqual(seen, [`${stays} true`, `${stays} false`, `${gone} false`]);
        });

        test(`level ${protocolVersion}: a message that was not acknowledged by hand comes again`, async () => {
          const topic = own('jobs', protocolVersion);
          const options = kept(own('worker', protocolVersion), protocolVersion);
          const manual = { qos: 1, acknowledge: 'manual' } as const;
          const first = await open(options);
          const held: ReceivedMessage[] = [];
          await first.subscribe(topic, manual, (message) => void held.push(message));
          for (const job of ['a', 'b', 'c']) await first.publish(topic, job, { qos: 1 });
          await eventually(() => held.length === 3, 'three messages');
          // In another order than they came: the packets keep the server's, so that the first and second are out.
          for (const index of [1, 0]) held[index].acknowledge();
          await first.drain();
          await first.disconnect();
          const comeAgain: string[] = [];
          const on = { message: (message: ReceivedMessage) => void comeAgain.push(`${message.text()} ${message.dup}`) };
          await using second = await open({ ...options, on });
          await second.publish(topic, 'last', { qos: 1 });
          await eventually(() => comeAgain.length === 2, 'what was not acknowledged');
          assert.deepEqual(comeAgain, ['c true', 'last false']);
        });

        test(`level ${protocolVersion}: a request finds its answer by topic template`, async () => {
          await using requester = await open({ protocolVersion });
          await using responder = await open({ protocolVersion });
          const responseTopic = `${own('player', protocolVersion)}/{key}/response/{id}`;
          const template = `${own('player', protocolVersion)}/{key}/request/{id}`;
          await responder.respond(template, (request, { key }) => `${key} ${request.text()}`, { responseTopic });
          const ask = (key: string) => requester.request(template, 'plays', { params: { key }, responseTopic });
          const answers = await Promise.all(['1', '2', '3'].map(ask));
          assert.deepEqual(
            answers.map((answer) => answer.text()),
            ['1 plays', '2 plays', '3 plays'],
          );
        });

        test(`level ${protocolVersion}: a topic of 32767 bytes goes both ways [MQTT31-14]`, async () => {
          await using client = await open({ protocolVersion });
          const topic = own('long', protocolVersion).padEnd(32_767, 'x');
          const messages = await client.subscribe(topic, { qos: 1 });
          await client.publish(topic, 'x', { qos: 1 });
          for await (const message of messages) {
            assert.equal(message.topic, topic);
            break;
          }
        });

        test(`level ${protocolVersion}: the session goes on after a restart of the server`, async () => {
          const topic = own('restart', protocolVersion);
          const subscribes: Packet[] = [];
          const on = { packetSent: (packet: Packet) => void (packet.type === 'subscribe' && subscribes.push(packet)) };
          const reconnect = { minMs: 20, maxMs: 200 };
          await using client = await open({ ...kept(topic, protocolVersion), reconnect, on });
          const texts: string[] = [];
          await client.subscribe(topic, { qos: 1 }, (message) => void texts.push(message.text()));
          const server = await running;
          await server?.stop();
          await eventually(() => client.state === 'reconnecting', 'the loss of the connection');
          const publishing = [1, 2].map((qos) => client.publish(topic, `offline ${qos}`, { qos: qos as 1 | 2 }));
          await server?.start();
          await Promise.all(publishing);
          await client.publish(topic, 'online', { qos: 1 });
          await eventually(() => texts.length === 3, 'three messages');
          assert.deepEqual(texts, ['offline 1', 'offline 2', 'online']);
          assert.equal(client.stats.reconnects, 1);
          // MQTT 3.1 cannot say that it kept the session.
          assert.equal(subscribes.length, protocolVersion === 3 ? 2 : 1);
        });
      }

      test('level 5: a request finds its answer by Response Topic and Correlation Data', async () => {
        await using requester = await open();
        await using responder = await open();
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
        await using client = await open();
        await assert.rejects(client.request('nobody/there', ''), { code: 'refused', reasonCode: 0x10 });
      });

      test('level 5: repeated topics go out as aliases and arrive whole', async () => {
        const topics: string[] = [];
        const on = { packetSent: (packet: Packet) => void (packet.type === 'publish' && topics.push(packet.topic)) };
        await using sender = await open({ on });
        await using receiver = await open();
        const [a, b] = [own('alias-a'), own('alias-b')];
        const seen: string[] = [];
        await receiver.subscribe([a, b], { qos: 1 }, (message) => void seen.push(`${message.topic} ${message.text()}`));
        for (let count = 0; count < 3; count++) {
          for (const topic of [a, b]) await sender.publish(topic, String(count), { qos: 1 });
        }
        await eventually(() => seen.length === 6, 'six messages');
        assert.deepEqual(
          seen,
          [0, 1, 2].flatMap((count) => [`${a} ${count}`, `${b} ${count}`]),
        );
        assert.deepEqual(topics, [a, b, '', '', '', '']);
      });

      test('level 5: a shared subscription gives each message to one of its clients', async () => {
        await using first = await open();
        await using second = await open();
        await using sender = await open();
        const topic = own('shared');
        const seen: string[][] = [[], []];
        for (const [index, client] of [first, second].entries()) {
          await client.subscribe(
            `$share/group/${topic}`,
            { qos: 1 },
            (message) => void seen[index].push(message.text()),
          );
        }
        const sent = Array.from({ length: 20 }, (_, count) => String(count).padStart(2, '0'));
        for (const text of sent) await sender.publish(topic, text, { qos: 1 });
        await eventually(() => seen.flat().length >= sent.length, 'twenty messages');
        assert.deepEqual(seen.flat().sort(), sent);
        assert.ok(seen.every((texts) => texts.length > 0));
      });

      test('an idle connection lives on PINGREQ', async () => {
        const received: string[] = [];
        const on = { packetReceived: ({ type }: { type: string }) => void received.push(type) };
        await using client = await open({ keepAlive: 1, on });
        await eventually(() => received.filter((type) => type === 'pingresp').length >= 2, 'two PINGRESP');
        assert.equal(client.state, 'connected');
      });
    });
  }
}
