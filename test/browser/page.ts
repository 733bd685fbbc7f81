/** Pages in Chromium that have the client as the global `dunlin`, from a web site of this process. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Browser, chromium, type Page } from 'playwright-core';
import { commandPath } from '../../tools/prerequisites.ts';
import { bundled, everything } from '../../tools/size.ts';

/** What the pages have: the public names, and what only tests reach for. */
const CONTENTS = `
${everything('@dunlin/client')}
export { PAGE } from './packages/client/src/environment-browser.ts';
`;
const SCRIPT = "import * as dunlin from '/main.js'; globalThis.dunlin = dunlin; globalThis.isReady = true;";
const HTML = '<!doctype html><meta charset="utf-8"><title>test</title><script type="module" src="/script.js"></script>';

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

  static async start(): Promise<Site> {
    const { outputs } = await bundled(CONTENTS);
    const server = createServer((request, response) => {
      const code = request.url === '/script.js' ? SCRIPT : outputs.get(request.url?.slice(1) ?? '');
      response.setHeader('Content-Type', code === undefined ? 'text/html; charset=utf-8' : 'text/javascript');
      if (request.url === '/no-workers') response.setHeader('Content-Security-Policy', "worker-src 'none'");
      response.end(code ?? HTML);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const executablePath = commandPath('chromium') ?? 'chromium';
    const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
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
}
