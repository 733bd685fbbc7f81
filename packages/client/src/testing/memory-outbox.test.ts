import { describe, test } from 'node:test';
import { OUTBOX_STORE_CONTRACT } from '../contract/outbox-store.ts';
import { memoryOutbox } from './memory-outbox.ts';

describe('the outbox in memory keeps the contract of an OutboxStore', () => {
  for (const { title, run } of OUTBOX_STORE_CONTRACT) {
    test(title, async () => {
      const store = memoryOutbox();
      await run(() => store);
    });
  }
});
