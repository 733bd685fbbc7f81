/** The outbox in IndexedDB, in Chromium: the contract, and what tabs, reloads and crashes do to it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { stripTypeScriptTypes } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { OUTBOX_STORE_CONTRACT } from '../../packages/client/src/contract/outbox-store.ts';
import { commandPath, missing } from '../../tools/prerequisites.ts';
import type { Outcome, outboxPage } from './indexeddb-outbox-page.ts';

type PageCalls = typeof outboxPage;

/** Serves the sources with their types stripped, and a page that runs the one of this test. */
async function startSite(): Promise<Server> {
  const root = join(import.meta.dirname, '../..');
  const site = createServer((request, response) => {
    const isScript = request.url?.endsWith('.ts');
    response.setHeader('Content-Type', isScript ? 'text/javascript' : 'text/html');
    if (isScript) response.end(stripTypeScriptTypes(readFileSync(join(root, request.url ?? ''), 'utf8')));
    else response.end('<!doctype html><script type="module" src="/test/browser/indexeddb-outbox-page.ts"></script>');
  });
  site.listen(0, '127.0.0.1');
  await once(site, 'listening');
  return site;
}

async function startBrowser(profile: string): Promise<BrowserContext> {
  // A second name for the site, which is no secure context.
  const args = ['--no-sandbox', '--host-resolver-rules=MAP dunlin.test 127.0.0.1'];
  const executablePath = commandPath('chromium') ?? 'chromium';
  return chromium.launchPersistentContext(profile, { executablePath, args });
}

async function newPage(browser: BrowserContext, url: string): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(url);
  await page.waitForFunction('globalThis.outboxPage');
  return page;
}

/** Calls a function of `outboxPage` in the page. */
function call<Name extends Exclude<keyof PageCalls, 'titles'>>(
  page: Page,
  name: Name,
  ...parameters: Parameters<PageCalls[Name]>
): Promise<Outcome> {
  const source = `outboxPage.${name}(...${JSON.stringify(parameters)})`;
  return page.evaluate(source) as Promise<Outcome>;
}

describe('the outbox in IndexedDB', { skip: missing('chromium') }, () => {
  const profile = mkdtempSync(join(tmpdir(), 'dunlin-chromium-'));
  let site: Server;
  let url: string;
  let browser: BrowserContext;
  before(async () => {
    site = await startSite();
    url = `http://127.0.0.1:${(site.address() as AddressInfo).port}/`;
    browser = await startBrowser(profile);
  });
  after(async () => {
    await browser.close();
    site.close();
    site.closeAllConnections();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  });

  /** A page of its own for each test. */
  function pageTest(title: string, run: (page: Page) => Promise<void>): void {
    test(title, async () => {
      const page = await newPage(browser, url);
      await run(page);
      await page.close();
    });
  }

  for (const { title } of OUTBOX_STORE_CONTRACT) {
    pageTest(`keeps the contract of an OutboxStore: ${title}`, async (page) => {
      await call(page, 'contract', title);
    });
  }

  pageTest('records survive a reload of the page, which lets go of them', async (page) => {
    await call(page, 'open', 'reload');
    assert.deepEqual(await call(page, 'put', 'reload', 1), {});
    await page.reload();
    await page.waitForFunction('globalThis.outboxPage');
    assert.deepEqual(await call(page, 'open', 'reload', { onHeld: 'wait' }), { sequences: [1] });
  });

  pageTest('a second tab is refused, or waits until the first is closed', async (page) => {
    const other = await newPage(browser, url);
    await call(other, 'open', 'tabs');
    await call(other, 'put', 'tabs', 1);
    assert.deepEqual(await call(page, 'open', 'tabs'), {
      code: 'held',
      message: 'Cannot open the outbox dunlin-outbox-tabs: another tab or store has it open; close it there first',
    });
    await page.evaluate('outboxPage.openLater("tabs", { onHeld: "wait" })');
    assert.deepEqual(await call(other, 'put', 'tabs', 2), {});
    await other.close();
    assert.deepEqual(await call(page, 'opened', 'tabs'), { sequences: [1, 2] });
  });

  pageTest('a tab that crashes lets go of it', async (page) => {
    const other = await newPage(browser, url);
    await call(other, 'open', 'crash');
    await call(other, 'put', 'crash', 1);
    await page.evaluate('outboxPage.openLater("crash", { onHeld: "wait" })');
    const crashed = other.waitForEvent('crash');
    void other.goto('chrome://crash').catch(() => undefined);
    await crashed;
    assert.deepEqual(await call(page, 'opened', 'crash'), { sequences: [1] });
    await other.close();
  });

  pageTest('close ends the waiting for another tab', async (page) => {
    const other = await newPage(browser, url);
    await call(other, 'open', 'waiting');
    await page.evaluate('outboxPage.openLater("waiting", { onHeld: "wait" })');
    await call(page, 'close', 'waiting');
    assert.deepEqual(await call(page, 'opened', 'waiting'), {
      code: 'closed',
      message: 'Cannot open the outbox dunlin-outbox-waiting: it was closed',
    });
    await other.close();
  });

  pageTest('a database of a newer version is named and left alone', async (page) => {
    await page.evaluate(`new Promise((resolve) => {
      const request = indexedDB.open('dunlin-outbox-newer', 2);
      request.onsuccess = () => resolve(request.result.close());
    })`);
    const { code, message } = await call(page, 'open', 'newer');
    assert.equal(code, 'newer-format');
    assert.match(message ?? '', /^Cannot open the outbox dunlin-outbox-newer: .*version.* reload the page$/);
    // The refusal has let go of the lock, so the next one sees the version too.
    assert.equal((await call(page, 'open', 'newer')).code, 'newer-format');
  });

  pageTest('a batch with a record that cannot be stored changes nothing', async (page) => {
    await call(page, 'open', 'bad');
    assert.equal((await call(page, 'putBad', 'bad', 1)).code, 'invalid');
    assert.deepEqual(await call(page, 'put', 'bad', 2), {});
    await call(page, 'close', 'bad');
    assert.deepEqual(await call(page, 'open', 'bad'), { sequences: [2] });
  });

  test('a write beyond the quota is refused, and the next one that has room is kept', async () => {
    // An origin of which Chromium has not yet remembered that it has room.
    const page = await newPage(browser, url.replace('127.0.0.1', 'localhost'));
    const session = await browser.newCDPSession(page);
    const { origin } = new URL(page.url());
    await session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 1_000_000 });
    await call(page, 'open', 'quota');
    assert.deepEqual(await call(page, 'put', 'quota', 1), {});
    const { code, message } = await call(page, 'put', 'quota', 2, 5_000_000);
    assert.equal(code, 'full', message);
    assert.match(message ?? '', /^Cannot write to the outbox dunlin-outbox-quota: .*the origin has no room left/);
    assert.deepEqual(await call(page, 'put', 'quota', 3), {});
    await call(page, 'close', 'quota');
    assert.deepEqual(await call(page, 'open', 'quota'), { sequences: [1, 3] });
    await page.close();
  });

  pageTest('a database that is deleted under it makes writes fail', async (page) => {
    await call(page, 'open', 'deleted');
    await page.evaluate(`new Promise((resolve) => {
      indexedDB.deleteDatabase('dunlin-outbox-deleted').onsuccess = resolve;
    })`);
    assert.equal((await call(page, 'put', 'deleted', 1)).code, 'failed');
    await call(page, 'close', 'deleted');
    assert.deepEqual(await call(page, 'open', 'deleted'), { sequences: [] });
  });

  test('a page without Web Locks is told what is expected', async () => {
    const page = await newPage(browser, url.replace('127.0.0.1', 'dunlin.test'));
    assert.deepEqual(await call(page, 'open', 'insecure'), {
      code: 'failed',
      message:
        'Cannot open the outbox dunlin-outbox-insecure: Web Locks are expected, which there are over https and on localhost',
    });
    await page.close();
  });

  test('kept records survive the death of the browser', async () => {
    const page = await newPage(browser, url);
    await call(page, 'open', 'death');
    for (let sequence = 0; sequence < 5; sequence++) assert.deepEqual(await call(page, 'put', 'death', sequence), {});
    const closed = new Promise((resolve) => browser.once('close', resolve));
    const session = await browser.newCDPSession(page);
    void session.send('Browser.crash').catch(() => undefined);
    await closed;
    browser = await startBrowser(profile);
    const next = await newPage(browser, url);
    assert.deepEqual(await call(next, 'open', 'death'), { sequences: [0, 1, 2, 3, 4] });
  });
});
