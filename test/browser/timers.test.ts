/** Timers of a page in Chromium: from a Worker, which a tab in the background does not slow down. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { missing } from '../../tools/prerequisites.ts';
import { Site } from './page.ts';

// biome-ignore lint/suspicious/noExplicitAny: what runs in the page has the global that the page made
declare const dunlin: any;

/** Sets timers and takes one back; which of them came, in their order. */
function timersThatCame(): Promise<string[]> {
  return new Promise((resolve) => {
    const came: string[] = [];
    const { PAGE } = dunlin;
    PAGE.setTimer(40, () => came.push('second'));
    const cancel = PAGE.setTimer(30, () => came.push('taken back'));
    PAGE.setTimer(20, () => {
      came.push('first');
      cancel();
    });
    PAGE.setTimer(Number.MAX_SAFE_INTEGER, () => came.push('too long for the platform'));
    PAGE.setTimer(80, () => resolve(came));
  });
}

describe('timers of a page', { skip: missing('chromium') }, () => {
  let site: Site;
  before(async () => {
    site = await Site.start({ form: 'developed' });
  });
  after(() => site.close());

  test('come from one Worker', async () => {
    const page = await site.open();
    assert.equal(page.workers().length, 0);
    // Chromium tells of a Worker when it runs: on a busy machine that is after the page's own timers.
    const running = page.waitForEvent('worker');
    assert.deepEqual(await page.evaluate(timersThatCame), ['first', 'second']);
    assert.match((await running).url(), /^blob:/);
    assert.deepEqual(await page.evaluate(timersThatCame), ['first', 'second']);
    assert.equal(page.workers().length, 1);
  });

  test('are plain ones where the Content Security Policy forbids a Worker', async () => {
    const page = await site.open('/no-workers');
    assert.deepEqual(await page.evaluate(timersThatCame), ['first', 'second']);
    assert.deepEqual(await page.evaluate(timersThatCame), ['first', 'second']);
    assert.equal(page.workers().length, 0);
  });
});
