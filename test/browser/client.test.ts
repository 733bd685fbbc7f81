/** The client in Chromium, against Dunlin: what works in Node works in a page, over its own WebSocket. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { writeScramCredential } from '@dunlin/identity';
import { type ConfigurationInput, startServer } from '@dunlin/server';
import type { Page } from 'playwright-core';
import { listedTexts } from '../../tools/error-texts.ts';
import { missing } from '../../tools/prerequisites.ts';
import { freePort } from '../free-port.ts';
import { CLIENT_FORMS, Site } from './page.ts';

const HOST = '127.0.0.1';

/** What is to be ended behind the tests. */
const ends: (() => Promise<void>)[] = [];

/** Lets pages of one origin in. Returns what stops it. */
async function startDunlin(
  port: number,
  origin: string,
  authentication: ConfigurationInput['authentication'] = [],
): Promise<() => Promise<void>> {
  const listeners = [{ host: HOST, port, transport: 'ws', origins: [origin] } as const];
  const server = await startServer(authentication.length === 0 ? { listeners } : { listeners, authentication });
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopped ??= server.stop();
    return stopped;
  };
  ends.push(stop);
  return stop;
}

/** In a page: logs in with the right password and with a wrong one (RFC 5802); the states, or Reason Codes. */
async function scramLogins(address: string): Promise<string[]> {
  const { subtle } = crypto;
  const bytes = (text: string) => new TextEncoder().encode(text);
  const hmac = async (key: ArrayBuffer | Uint8Array<ArrayBuffer>, text: string) => {
    const imported = await subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
    return new Uint8Array(await subtle.sign('HMAC', imported, bytes(text)));
  };
  const clientFinal = async (serverFirst: string, password: string): Promise<string> => {
    const [, nonce, salt, iterations] = /^r=([^,]*),s=([^,]*),i=(\d+)$/.exec(serverFirst) ?? [];
    const key = await subtle.importKey('raw', bytes(password), 'PBKDF2', false, ['deriveBits']);
    const saltBytes = Uint8Array.from(atob(salt), (letter) => letter.charCodeAt(0));
    const derivation = { name: 'PBKDF2', hash: 'SHA-256', salt: saltBytes, iterations: Number(iterations) };
    const clientKey = await hmac(await subtle.deriveBits(derivation, key, 256), 'Client Key');
    const stored = await subtle.digest('SHA-256', clientKey);
    const signature = await hmac(stored, `n=ada,r=nonce,${serverFirst},c=biws,r=${nonce}`);
    return `c=biws,r=${nonce},p=${btoa(String.fromCharCode(...clientKey.map((byte, at) => byte ^ signature[at])))}`;
  };
  const login = async (password: string): Promise<string> => {
    const authentication = {
      method: 'SCRAM-SHA-256',
      data: bytes('n,,n=ada,r=nonce'),
      respond: async (data: Uint8Array) => bytes(await clientFinal(new TextDecoder().decode(data), password)),
    };
    try {
      const client = await dunlin.connect(address, { authentication });
      const { state } = client;
      await client.disconnect();
      return state;
    } catch (error) {
      const { reasonCode, message } = error as { reasonCode: number; message: string };
      return `${reasonCode} ${message}`;
    }
  };
  return [await login('pencil'), await login('wrong')];
}

// biome-ignore lint/suspicious/noExplicitAny: what runs in the page has the global that the page made
declare const dunlin: any;

for (const form of CLIENT_FORMS)
  describe(`the client in Chromium, as ${form}`, { skip: missing('chromium') }, () => {
    let site: Site;
    let page: Page;
    let url: string;

    before(async () => {
      site = await Site.start({ form });
      const port = await freePort();
      await startDunlin(port, site.origin);
      url = `ws://${HOST}:${port}`;
      page = await site.open();
    });
    after(async () => {
      await site.close();
      for (const end of ends.splice(0)) await end();
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

    test('loads requests and responses with the first of them, and again where that failed', async () => {
      const own = await site.open();
      const loaded: string[] = [];
      own.on('request', (request) => loaded.push(new URL(request.url()).pathname));
      let isOffline = true;
      await own.route('**/request-response*.js', (route) => (isOffline ? route.abort() : route.continue()));
      const ask = (address: string) =>
        own.evaluate(async (to) => {
          const client = await dunlin.connect(to);
          try {
            await client.respond('player/{key}/request', (_: unknown, { key }: { key: string }) => `of ${key}`);
            return (await client.request('player/42/request', '')).text();
          } catch (error) {
            return (error as { code: string }).code;
          } finally {
            await client.disconnect();
          }
        }, address);
      assert.equal(loaded.length, 0);
      assert.equal(await ask(url), 'not-loaded');
      isOffline = false;
      assert.equal(await ask(url), 'of 42');
      assert.ok(
        loaded.every((path) => /^\/(?:request-response|chunk)[-.]/.test(path)),
        loaded.join(' '),
      );
      await own.close();
    });

    test('loads enhanced authentication where it has a method, before CONNECT', async () => {
      const port = await freePort();
      const folder = mkdtempSync(join(tmpdir(), 'dunlin-browser-'));
      ends.push(async () => rmSync(folder, { recursive: true }));
      const file = join(folder, 'scram');
      writeFileSync(file, `ada:${await writeScramCredential('pencil', 'SCRAM-SHA-256')}\n`, { mode: 0o600 });
      await startDunlin(port, site.origin, [{ method: 'scram', file }]);
      const own = await site.open();
      const outcomes = await own.evaluate(scramLogins, `ws://${HOST}:${port}`);
      const attempt = `DUN${listedTexts().indexOf('Cannot connect') + 1}`;
      const refusal = form === 'published' ? `${attempt}: 0x86` : 'Cannot connect: Bad User Name or Password (0x86)';
      assert.deepEqual(outcomes, ['connected', `134 ${refusal}`]);
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
      const sentence = form === 'published' ? sentenceOf(message) : message;
      assert.match(sentence, /a browser has WebSocket only, expected a URL such as wss:\/\//);
    });

    test('an error tells its code and what was found, in words or by the number of the words', async () => {
      const error = await page.evaluate(async (address) => {
        const client = await dunlin.connect(address);
        const found = await client.publish('a/+', '').catch((thrown: Error & { code: string }) => thrown);
        await client.disconnect();
        return { name: found.name, code: found.code, errno: found.errno, message: found.message };
      }, url);
      const { message, ...rest } = error;
      assert.deepEqual(rest, { name: 'MqttError', code: 'topic-name-invalid', errno: 3 });
      if (form === 'published') assert.match(message, /^Cannot DUN\d+\(DUN\d+\): DUN\d+$/);
      else {
        assert.match(message, /^Cannot use the Topic Name: "\+" and "#" are wildcards/);
      }
    });
  });

/** The sentence that a message of the published client names first. */
function sentenceOf(message: string): string {
  return listedTexts()[Number(/^DUN(\d+)/.exec(message)?.[1]) - 1];
}
