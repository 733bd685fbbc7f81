/** What every Directory must do for a broker that is alone, as tests: call `directoryContract` from the adapter's test file. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Directory } from '../ports.ts';

/**
 * Registers the tests of the contract under `name`.
 * @param open joins one broker to a directory of its own.
 */
export function directoryContract(name: string, open: () => Promise<Directory>): void {
  describe(`${name} keeps the contract of a Directory`, () => {
    test('grants what nobody owns, and again what the broker owns already', async () => {
      const directory = await open();
      assert.equal(await directory.claim('a'), undefined);
      assert.equal(await directory.claim('a'), undefined);
    });

    test('grants a session that was released', async () => {
      const directory = await open();
      await directory.claim('a');
      directory.release('a');
      assert.equal(await directory.claim('a'), undefined);
    });

    test('takes the release of a session that was never claimed', async () => {
      const directory = await open();
      directory.release('stranger');
      assert.equal(await directory.claim('stranger'), undefined);
    });

    test('grants many sessions at once, with any Client Identifier', async () => {
      const directory = await open();
      const clientIds = ['a', 'A', ' ', 'a/b', '#', 'ä\u{1f600}', 'x'.repeat(65_535)];
      const claims = await Promise.all(clientIds.map((clientId) => directory.claim(clientId)));
      assert.equal(claims.length, clientIds.length);
    });
  });
}
