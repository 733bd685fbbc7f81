/** MQTT.js in Chromium: a page of the server's own origin, behind nginx, comes in; a page of another origin does not. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, describe, test } from 'node:test';
import { hashPassword } from '@dunlin/identity';
import { chromium, type Page } from 'playwright-core';
import { commandPath, missing } from '../../tools/prerequisites.ts';
import { freePort } from '../free-port.ts';
import { GuardedServer, scratch } from './guarded-server.ts';
import { startNginx } from './nginx.ts';

const bundle = readFileSync(new URL('../../node_modules/mqtt/dist/mqtt.min.js', import.meta.url));

/** A web site: one page, with MQTT.js in it. Returns its port. */
async function startSite(): Promise<number> {
  const site = createServer((request, response) => {
    const isScript = request.url === '/mqtt.js';
    response.setHeader('Content-Type', isScript ? 'text/javascript' : 'text/html; charset=utf-8');
    response.end(isScript ? bundle : '<!doctype html><title>test</title><script src="/mqtt.js"></script>');
  });
  site.listen(0, '127.0.0.1');
  await once(site, 'listening');
  after(() => {
    site.close();
    site.closeAllConnections();
  });
  return (site.address() as AddressInfo).port;
}

/** Connects from the page, and sends a message to itself; what came, or why nothing did. */
async function echo(page: Page, url: string): Promise<string> {
  return await page.evaluate(async (address) => {
    // biome-ignore lint/suspicious/noExplicitAny: the global that the bundle makes in the page
    const { mqtt } = globalThis as any;
    const options = { protocolVersion: 5, username: 'ada', password: 'pencil', reconnectPeriod: 0 };
    const client = mqtt.connect(address, options);
    const came = await new Promise<string>((resolve) => {
      client.on('close', () => resolve('closed'));
      client.on('message', (_topic: string, payload: Uint8Array) => resolve(new TextDecoder().decode(payload)));
      client.on('connect', async () => {
        await client.subscribeAsync('echo', { qos: 1 });
        await client.publishAsync('echo', 'hello from the page', { qos: 1 });
      });
    });
    await client.endAsync(true);
    return came;
  }, url);
}

describe('MQTT.js in Chromium', { skip: missing('chromium', 'nginx') }, () => {
  test('a page of the own origin comes in through nginx, a page of another origin gets no WebSocket', async () => {
    const hash = await hashPassword(Buffer.from('pencil'));
    const server = await GuardedServer.start({
      listeners: [{ name: 'web', transport: 'ws', proxy: { trusted: ['127.0.0.1'], forwardedFor: true } }],
      authentication: [{ method: 'users', users: [{ name: 'ada', password: hash }] }],
    });
    const sitePort = await startSite();
    const nginxPort = await freePort();
    await startNginx(
      scratch(),
      nginxPort,
      `server {
        listen 127.0.0.1:${nginxPort};
        location / { proxy_pass http://127.0.0.1:${sitePort}; }
        location = /mqtt {
          proxy_pass http://127.0.0.1:${server.port('web')};
          proxy_http_version 1.1;
          proxy_set_header Upgrade $http_upgrade;
          proxy_set_header Connection upgrade;
          proxy_set_header Host $http_host;
          proxy_set_header X-Forwarded-For $remote_addr;
        }
      }`,
    );
    const executablePath = commandPath('chromium') ?? 'chromium';
    const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
    after(() => browser.close());
    const page = await browser.newPage();

    await page.goto(`http://127.0.0.1:${nginxPort}/`);
    assert.equal(await echo(page, `ws://127.0.0.1:${nginxPort}/mqtt`), 'hello from the page');
    await server.told('clientConnected', { listener: 'web', username: 'ada' });

    // The same page from another origin, once through nginx and once to the open port of Dunlin itself.
    await page.goto(`http://127.0.0.1:${sitePort}/`);
    for (const port of [nginxPort, server.port('web')]) {
      const before = server.count('connectionRejected', { check: 'DUNLIN_HTTP_ORIGIN' });
      assert.equal(await echo(page, `ws://127.0.0.1:${port}/mqtt`), 'closed');
      assert.equal(server.count('connectionRejected', { check: 'DUNLIN_HTTP_ORIGIN' }), before + 1);
    }
    assert.equal(server.count('clientConnected'), 1);
  });
});
