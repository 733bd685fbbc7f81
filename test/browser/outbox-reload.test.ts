/** What a page published without a connection, after it was loaded anew: in Chromium, against Dunlin. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Client, connect } from '@dunlin/client';
import { type RunningServer, startServer } from '@dunlin/server';
import { missing } from '../../tools/prerequisites.ts';
import { freePort } from '../free-port.ts';
import { CLIENT_FORMS, Site } from './page.ts';

const HOST = '127.0.0.1';

// biome-ignore lint/suspicious/noExplicitAny: what runs in the page has the global that the page made
declare const dunlin: any;

/** In the page: publishes while there is no server; settles when IndexedDB has it. */
async function publishUnconnected(address: string): Promise<string> {
  const store = dunlin.indexedDbOutbox('reload');
  const kept = Promise.withResolvers<void>();
  const write = store.write.bind(store);
  store.write = async (batch: { put: unknown[] }) => {
    await write(batch);
    if (batch.put.length > 0) kept.resolve();
  };
  const client = dunlin.createClient(address, { outbox: { store }, connectAttempts: Number.POSITIVE_INFINITY });
  void client.connect();
  void client.publish('order', 'before the reload', { qos: 1 });
  await kept.promise;
  return client.state;
}

/** In the page: what is kept goes out, and this behind it. */
async function goOn([address, last]: readonly [string, string]): Promise<void> {
  const client = await dunlin.connect(address, { outbox: { store: dunlin.indexedDbOutbox('reload') } });
  await client.publish('order', last, { qos: 1 });
  await client.drain();
}

for (const form of CLIENT_FORMS)
  describe(`an outbox in IndexedDB, as ${form}`, { skip: missing('chromium') }, () => {
    let site: Site;
    let server: RunningServer | undefined;
    let watcher: Client | undefined;

    before(async () => {
      site = await Site.start({ form });
    });
    after(async () => {
      await watcher?.disconnect();
      await site.close();
      await server?.stop();
    });

    test('what was published at QoS 1 without a connection arrives once after the page was loaded anew', async () => {
      const [port, tcpPort] = [await freePort(), await freePort()];
      const address = `ws://${HOST}:${port}`;
      const page = await site.open();
      assert.equal(await page.evaluate(publishUnconnected, address), 'connecting');

      await page.reload();
      await page.waitForFunction('globalThis.isReady');

      const forPages = { host: HOST, port, transport: 'ws', origins: [site.origin] } as const;
      server = await startServer({ listeners: [forPages, { host: HOST, port: tcpPort }] });
      watcher = await connect(`mqtt://${HOST}:${tcpPort}`, { reconnect: false });
      const came: string[] = [];
      const end = Promise.withResolvers<void>();
      await watcher.subscribe('order', (message) => {
        came.push(message.text());
        if (message.text() === 'end') end.resolve();
      });
      await page.evaluate(goOn, [address, 'behind it'] as const);
      await page.reload();
      await page.waitForFunction('globalThis.isReady');
      await page.evaluate(goOn, [address, 'after another reload'] as const);
      await watcher.publish('order', 'end');
      await end.promise;
      assert.deepEqual(came, ['before the reload', 'behind it', 'after another reload', 'end']);
    });
  });
