/** Pages in Chromium that have the client as the global `dunlin`, from a web site of this process. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Browser, chromium, type Page } from 'playwright-core';
import { browserBundle } from '../../tools/browser-bundle.ts';
import { bundled, everything } from '../../tools/bundle.ts';
import { commandPath } from '../../tools/prerequisites.ts';

/** What the pages have in development: the public names, and what only tests reach for. */
const DEVELOPED = `
${everything('@dunlin/client')}
${everything('@dunlin/client/indexeddb')}
export { PAGE } from './packages/client/src/environment-browser.ts';
`;
/** As in the hands of a user: Playwright has timers of hidden tabs go on as ever. */
const UNTHROTTLED = [
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
];
/** Timers of a hidden page fire once a minute, which begins after a second and not after five minutes. */
const THROTTLED = '--enable-features=IntensiveWakeUpThrottling:grace_period_seconds/1';
/** Two modules as they are published, or one that has all names. */
const SCRIPTS = {
  published:
    "import * as main from '/main.js'; import * as more from '/indexeddb.js'; const dunlin = { ...main, ...more };",
  developed: "import * as dunlin from '/main.js';",
};
const READY = 'globalThis.dunlin = dunlin; globalThis.isReady = true;';
const HTML = '<!doctype html><meta charset="utf-8"><title>test</title><script type="module" src="/script.js"></script>';

/** As it is published for browsers, loaded without a bundler; or as bundlers have it in development, with whole texts. */
export type ClientForm = keyof typeof SCRIPTS;

export const CLIENT_FORMS = Object.keys(SCRIPTS) as ClientForm[];

/** What a site may have. */
export interface SiteOptions {
  /** Default: published. Only `developed` has what tests reach for. */
  readonly form?: ClientForm;
  /** Run by every page once it is ready. */
  readonly script?: string;
  /** Chromium slows the timers of hidden tabs down as far as it does for a user, and soon. */
  readonly isThrottling?: boolean;
}

/** A web site and a browser. */
export class Site {
  /** Such as `http://127.0.0.1:4711`. */
  readonly origin: string;
  readonly #server: Server;
  readonly #browser: Browser;

  private constructor(server: Server, browser: Browser) {
    this.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    this.#server = server;
    this.#browser = browser;
  }

  static async start({ form = 'published', script = '', isThrottling = false }: SiteOptions = {}): Promise<Site> {
    const outputs =
      form === 'published' ? await browserBundle() : (await bundled({ entries: { main: DEVELOPED } })).outputs;
    const server = createServer((request, response) => {
      const code =
        request.url === '/script.js' ? SCRIPTS[form] + READY + script : outputs.get(request.url?.slice(1) ?? '');
      response.setHeader('Content-Type', code === undefined ? 'text/html; charset=utf-8' : 'text/javascript');
      if (request.url?.startsWith('/no-workers')) response.setHeader('Content-Security-Policy', "worker-src 'none'");
      response.end(code ?? HTML);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const executablePath = commandPath('chromium') ?? 'chromium';
    const args = isThrottling ? ['--no-sandbox', THROTTLED] : ['--no-sandbox'];
    const ignoreDefaultArgs = isThrottling ? UNTHROTTLED : [];
    const browser = await chromium.launch({ executablePath, args, ignoreDefaultArgs });
    return new Site(server, browser);
  }

  async close(): Promise<void> {
    await this.#browser.close();
    this.#server.close();
    this.#server.closeAllConnections();
  }

  /** Opens a page, which is ready when this settles. At `/no-workers` its Content Security Policy forbids them. */
  async open(path = '/'): Promise<Page> {
    const page = await this.#browser.newPage();
    await page.goto(`${this.origin}${path}`);
    await page.waitForFunction('globalThis.isReady');
    return page;
  }

  /**
   * Opens tabs of one window, each in front of those before. Playwright has every page that it knows be in the foreground,
   * so it does not know of these: what they find out they have to tell.
   */
  async openTabs(paths: readonly string[]): Promise<void> {
    const session = await this.#browser.newBrowserCDPSession();
    const { browserContextId } = await session.send('Target.createBrowserContext');
    for (const path of paths) await session.send('Target.createTarget', { url: this.origin + path, browserContextId });
  }
}
