/**
 * Tabs in the background in Chromium, against Dunlin. A chain of timers fires once a minute there, which no usual Keep
 * Alive survives; those of the client come from a Worker.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, connect } from '@dunlin/client';
import { type RunningServer, startServer } from '@dunlin/server';
import { missing } from '../../tools/prerequisites.ts';
import { freePort } from '../free-port.ts';
import { Site } from './page.ts';

const HOST = '127.0.0.1';
/** Chromium holds a chain of timers back from its sixth on: the longer this is, the longer that takes. */
const KEEP_ALIVE = 1;

/** What a tab tells of itself. */
interface Told {
  readonly visibility: string;
  /** Of a plain timer of 50 ms. */
  readonly ticks: number;
}

// biome-ignore lint/suspicious/noExplicitAny: what runs in the page has the global that the page made
declare const dunlin: any;
declare const document: { readonly visibilityState: string };
declare const location: { readonly hash: string };

/** In each tab, which its fragment names: one connection, that tells when it is asked. */
async function tab(address: string, keepAlive: number): Promise<void> {
  const name = location.hash.slice(1);
  let ticks = 0;
  setInterval(() => {
    ticks += 1;
  }, 50);
  const will = { topic: 'died', payload: name };
  const client = await dunlin.connect(address, { keepAlive, will, reconnect: false });
  await client.subscribe(`ask/${name}`, () =>
    client.publish(`told/${name}`, { visibility: document.visibilityState, ticks }),
  );
  await client.publish('ready', name);
}

describe('a tab in the background', { skip: missing('chromium') }, () => {
  let site: Site;
  let server: RunningServer;
  let watcher: Client;

  before(async () => {
    const [port, tcpPort] = [await freePort(), await freePort()];
    site = await Site.start({ script: `(${tab})('ws://${HOST}:${port}', ${KEEP_ALIVE});`, isThrottling: true });
    const page = { host: HOST, port, transport: 'ws', origins: [site.origin] } as const;
    server = await startServer({ listeners: [page, { host: HOST, port: tcpPort }] });
    watcher = await connect(`mqtt://${HOST}:${tcpPort}`, { reconnect: false });
  });
  after(async () => {
    await watcher.disconnect();
    await site.close();
    await server.stop();
  });

  /** The next message that is this text, or any. */
  async function next(filter: string, text?: string): Promise<string> {
    for await (const message of watcher.subscribe(filter)) {
      if (text === undefined || message.text() === text) return message.text();
    }
    throw new Error(`waited for ${filter}`);
  }

  async function ask(name: string): Promise<Told> {
    const answer = next(`told/${name}`);
    await watcher.publish(`ask/${name}`, '');
    return JSON.parse(await answer);
  }

  test('keeps its connection while its timers are held back, and loses it where it has no others', {
    timeout: 60_000,
  }, async () => {
    const died: string[] = [];
    await watcher.subscribe('died', (message) => void died.push(message.text()));
    const plainDied = next('died', 'plain');
    const ready = Promise.all(['plain', 'worker', 'front'].map((name) => next('ready', name)));
    await site.openTabs(['/no-workers#plain', '/#worker', '/#front']);
    await ready;
    await plainDied;

    // Held back to once a second at first, and some seconds later to once a minute.
    let [behind, later] = [await ask('worker'), await ask('worker')];
    do {
      behind = later;
      const front = await ask('front');
      assert.deepEqual([behind.visibility, front.visibility], ['hidden', 'visible']);
      do await sleep(500);
      while ((await ask('front')).ticks < front.ticks + 60);
      later = await ask('worker');
    } while (later.ticks > behind.ticks + 1);
    assert.equal(later.visibility, 'hidden');
    assert.deepEqual(died, ['plain']);
  });
});
