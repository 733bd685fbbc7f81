/** Files of outboxes for the tests beside them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { fileOutbox } from '../file-outbox.ts';
import type { OutboxContents, OutboxRecord } from '../outbox-store.ts';

/** A name in a directory of its own, which goes with the tests. */
export function outboxPath(): string {
  const directory = mkdtempSync(join(tmpdir(), 'dunlin-outbox-'));
  after(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, 'outbox');
}

export function sample(sequence: number, payloadBytes = 3): OutboxRecord {
  const payload = new Uint8Array(payloadBytes).fill(sequence);
  const rest = { properties: {}, expiresAtMs: undefined, packetId: 0, state: 'waiting' } as const;
  return { sequence, topic: `topic/${sequence}`, payload, qos: 1, retain: false, ...rest };
}

/** What the next owner finds. */
export async function contentsOf(path: string): Promise<OutboxContents> {
  const store = fileOutbox(path);
  const contents = await store.open();
  await store.close();
  return contents;
}
