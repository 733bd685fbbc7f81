/** The page `/claim` in Chromium, as the owner of a device uses it on a telephone: without a script, and against others. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { type ClaimWorld, openClaimWorld, PASSWORDS } from '../../packages/server/src/api/testing/claim-world.ts';
import { commandPath, missing } from '../../tools/prerequisites.ts';

const TELEPHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };
/** For looking at: a folder in which pictures of the page are left. */
const PICTURES = process.env.CLAIM_PAGE_PICTURES;

declare const document: { readonly cookie: string };

describe('the page of claims', { skip: missing('chromium') }, () => {
  let browser: Browser;
  let world: ClaimWorld;

  before(async () => {
    browser = await chromium.launch({ executablePath: commandPath('chromium') ?? 'chromium', args: ['--no-sandbox'] });
    world = await openClaimWorld();
  });
  after(async () => {
    await browser.close();
    await world[Symbol.asyncDispose]();
  });

  async function open(options: Parameters<Browser['newContext']>[0] = {}): Promise<[BrowserContext, Page]> {
    const context = await browser.newContext({ ...TELEPHONE, javaScriptEnabled: false, ...options });
    return [context, await context.newPage()];
  }

  async function signIn(page: Page, username: keyof typeof PASSWORDS = 'ada', path = '/claim'): Promise<void> {
    await page.goto(world.origin + path);
    await page.getByLabel('User name').fill(username);
    await page.getByLabel('Password').fill(PASSWORDS[username]);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Your devices' }).waitFor();
  }

  async function picture(page: Page, name: string): Promise<void> {
    if (PICTURES !== undefined) await page.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true });
  }

  test('leads an owner from the code to the device, its renewal and its end, without a script', async () => {
    const [context, page] = await open();
    const claim = await world.begin();
    await page.goto(`${world.origin}/claim?code=${claim.code}`);
    await picture(page, '1-sign-in');
    await page.getByLabel('User name').fill('ada');
    await page.getByLabel('Password').fill('wrong');
    await page.getByRole('button', { name: 'Sign in' }).click();
    assert.equal(await page.getByRole('alert').textContent(), 'The user name or the password is wrong.');
    await page.getByLabel('Password').fill(PASSWORDS.ada);
    await page.getByRole('button', { name: 'Sign in' }).click();
    assert.equal(await page.getByLabel('Code').inputValue(), claim.code, 'the code of the link is still there');
    await picture(page, '2-code');
    await page.getByLabel('Name', { exact: true }).fill('Living room');
    await page.getByRole('button', { name: 'Add device' }).click();
    await page.getByRole('status').waitFor();
    const collected = (await (await world.collect(claim)).json()) as { deviceId: string };
    await page.reload();
    const device = page.getByRole('listitem').filter({ hasText: collected.deviceId });
    assert.match((await device.textContent()) ?? '', /Living room[\s\S]*Certificate valid until \d+ \w+ \d{4}/);
    await picture(page, '3-device');

    await device.getByText('Renew…').click();
    const download = page.waitForEvent('download');
    await device.getByRole('button', { name: 'Renew and download' }).click();
    const file = await download;
    assert.equal(file.suggestedFilename(), `${collected.deviceId}.pem`);
    assert.match(
      readFileSync(await file.path(), 'utf8'),
      /-----BEGIN PRIVATE KEY-----[\s\S]*-----BEGIN CERTIFICATE-----/,
    );

    await device.getByText('Revoke…').click();
    await picture(page, '4-revoke');
    await device.getByRole('button', { name: 'Revoke for good' }).click();
    await page.getByRole('status').waitFor();
    assert.match((await device.textContent()) ?? '', /It is locked out: it has no credentials/);
    await picture(page, '5-revoked');

    const again = await world.begin();
    await page.getByLabel('Code').fill(again.code);
    await page.getByLabel('This is').selectOption({ label: 'Living room' });
    await page.getByRole('button', { name: 'Add device' }).click();
    await page.getByRole('status').waitFor();
    const { deviceId } = (await (await world.collect(again)).json()) as { deviceId: string };
    assert.equal(deviceId, collected.deviceId);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    assert.deepEqual(await context.cookies(), []);
    await context.close();
  });

  test('tells what is wrong with a code where it is seen and read aloud, dark too, and at the width of a small telephone', async () => {
    const [context, page] = await open({ colorScheme: 'dark', viewport: { width: 320, height: 640 } });
    await signIn(page, 'bob');
    await page.getByLabel('Code').fill('AAA AAA');
    await page.getByRole('button', { name: 'Add device' }).click();
    assert.match((await page.getByRole('alert').textContent()) ?? '', /^No device shows this code/);
    await picture(page, '6-wrong-code-dark');
    const width = await page
      .locator('html')
      .evaluate((root) => (root as unknown as { scrollWidth: number }).scrollWidth);
    assert.ok(width <= 320, `${width} pixels wide`);
    await context.close();
  });

  test('a name with a script in it is text: nothing runs, and its cookie stays out of reach', async () => {
    const [context, page] = await open({ javaScriptEnabled: true });
    const dialogs: string[] = [];
    page.on('dialog', (dialog) => {
      dialogs.push(dialog.message());
      return dialog.dismiss();
    });
    const refused: string[] = [];
    page.on('console', (message) => refused.push(message.text()));
    await signIn(page);
    const name = `<img src=x onerror=alert(document.cookie)><script>alert(1)</script>`;
    const { code } = await world.begin('lamp');
    await page.getByLabel('Code').fill(code);
    await page.getByLabel('Name', { exact: true }).fill(name);
    await page.getByRole('button', { name: 'Add device' }).click();
    await page.getByRole('status').waitFor();
    assert.equal(await page.getByRole('heading', { name }).count(), 1);
    await picture(page, '7-hostile-name');
    assert.equal(refused.length, 0, 'the policy of the page had nothing to refuse');
    assert.equal(await page.evaluate(() => document.cookie), '');
    await page.evaluate(() => {
      // biome-ignore lint/suspicious/noExplicitAny: of a page
      const { document: own } = globalThis as any;
      const script = own.createElement('script');
      script.textContent = 'alert(2)';
      own.body.append(script);
    });
    assert.ok(
      refused.some((text) => text.includes('Content Security Policy')),
      'a script that came in would not run',
    );
    assert.deepEqual(dialogs, []);
    const [cookie] = await context.cookies();
    assert.deepEqual([cookie.httpOnly, cookie.sameSite], [true, 'Strict']);
    await context.close();
  });

  test('a page of another site cannot show it in a frame, nor send its forms with the cookie', async () => {
    const claim = await world.begin();
    const site = createServer((request, response) => {
      response.setHeader('content-type', 'text/html');
      if (request.url === '/frame') response.end(`<iframe src="${world.origin}/claim"></iframe>`);
      else
        response.end(
          `<form method="post" action="${world.origin}/claim/confirm"><input name="code" value="${claim.code}"><button>Win a prize</button></form>`,
        );
    });
    await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
    // Another site than 127.0.0.1, and another origin.
    const evil = `http://localhost:${(site.address() as AddressInfo).port}`;
    try {
      const [context, page] = await open({ javaScriptEnabled: true });
      await signIn(page);
      await page.goto(`${evil}/frame`);
      const frame = page.frames().find((one) => one !== page.mainFrame());
      const content = (await frame?.content().catch(() => '')) ?? '';
      assert.ok(
        !content.includes('Your devices') && !content.includes('Add your device'),
        'nothing of it is in the frame',
      );
      await page.goto(`${evil}/form`);
      const answered = page.waitForResponse(/\/claim\/confirm$/);
      await page.getByRole('button').click();
      assert.equal((await answered).status(), 403);
      assert.equal((await world.collect(claim)).status, 202, "the device is still nobody's");
      await context.close();
    } finally {
      site.closeAllConnections();
      site.close();
    }
  });
});
