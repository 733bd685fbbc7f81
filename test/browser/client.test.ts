/** The client in Chromium, against Dunlin: what works in Node works in a page, over its own WebSocket. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startServer } from '@dunlin/server';
import type { Page } from 'playwright-core';
import { missing } from '../../tools/prerequisites.ts';
import { freePort } from '../free-port.ts';
import { Site } from './page.ts';

const HOST = '127.0.0.1';

/** What is to be ended behind the tests. */
const ends: (() => Promise<void>)[] = [];

/** Lets pages of one origin in. Returns what stops it. */
async function startDunlin(port: number, origin: string): Promise<() => Promise<void>> {
  const server = await startServer({ listeners: [{ host: HOST, port, transport: 'ws', origins: [origin] }] });
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopped ??= server.stop();
    return stopped;
  };
  ends.push(stop);
  return stop;
}

// biome-ignore lint/suspicious/noExplicitAny: what runs in the page has the global that the page made
declare const dunlin: any;

describe('the client in Chromium', { skip: missing('chromium') }, () => {
  let site: Site;
  let page: Page;
  let url: string;

  before(async () => {
    site = await Site.start();
    const port = await freePort();
    await startDunlin(port, site.origin);
    url = `ws://${HOST}:${port}`;
    page = await site.open();
  });
  after(async () => {
    await site.close();
    for (const end of ends) await end();
  });

  for (const protocolVersion of [3, 4, 5]) {
    test(`publishes and receives at each QoS, protocol level ${protocolVersion}`, async () => {
      const came = await page.evaluate(
        async ([address, version]) => {
          const client = await dunlin.connect(address, { protocolVersion: version });
          const found: string[] = [];
          const enough = Promise.withResolvers<void>();
          await client.subscribe(`level${version}/#`, { qos: 2 }, (message: { topic: string; qos: number }) => {
            found.push(`${message.topic} ${message.qos}`);
            if (found.length === 3) enough.resolve();
          });
          for (const qos of [0, 1, 2]) await client.publish(`level${version}/${qos}`, { qos }, { qos });
          await enough.promise;
          await client.disconnect();
          return found.sort();
        },
        [url, protocolVersion] as const,
      );
      assert.deepEqual(
        came,
        [0, 1, 2].map((qos) => `level${protocolVersion}/${qos} ${qos}`),
      );
    });
  }

  test('carries a megabyte there and back', async () => {
    const isSame = await page.evaluate(async (address) => {
      const client = await dunlin.connect(address);
      const payload = new Uint8Array(1_000_000).map((_, index) => (index * 31) & 0xff);
      const back = Promise.withResolvers<Uint8Array>();
      await client.subscribe('large', (message: { payload: Uint8Array }) => back.resolve(message.payload.slice()));
      await client.publish('large', payload);
      const received = await back.promise;
      await client.disconnect();
      return received.length === payload.length && received.every((byte, index) => byte === payload[index]);
    }, url);
    assert.equal(isSame, true);
  });

  test('is back after the server was away, with its subscriptions and what was published meanwhile', async () => {
    const port = await freePort();
    const stop = await startDunlin(port, site.origin);
    const own = await site.open();
    const state = await own.evaluate(async (address) => {
      const states: string[] = [];
      const messages: string[] = [];
      const client = await dunlin.connect(address, { reconnect: { minMs: 50, maxMs: 200 } });
      client.on('state', (now: string) => states.push(now));
      await client.subscribe('news', { qos: 1 }, (message: { text: () => string }) => messages.push(message.text()));
      Object.assign(globalThis, { client, states, messages });
      return client.state;
    }, `ws://${HOST}:${port}`);
    assert.equal(state, 'connected');
    await stop();
    await own.waitForFunction("client.state === 'reconnecting'");
    await own.evaluate("void client.publish('news', 'from the time between', { qos: 1 })");
    await startDunlin(port, site.origin);
    await own.waitForFunction("messages.includes('from the time between')");
    assert.equal(await own.evaluate('client.state'), 'connected');
    assert.equal(await own.evaluate('states.at(-1)'), 'connected');
    await own.evaluate('client.disconnect()');
    await own.close();
  });

  test('a server that lets pages of other origins in only is told as no connection', async () => {
    const port = await freePort();
    await startDunlin(port, 'https://example.org');
    const code = await page.evaluate(
      (address) => dunlin.connect(address).catch((error: { code: string }) => error.code),
      `ws://${HOST}:${port}`,
    );
    assert.equal(code, 'connection-failed');
  });

  test('says what to use where a page has no such transport', async () => {
    const message = await page.evaluate(() =>
      dunlin.connect('mqtt://broker').catch((error: { message: string }) => error.message),
    );
    assert.match(message, /a browser has WebSocket only, use wss:\/\/broker\/mqtt or ws:/);
  });
});
