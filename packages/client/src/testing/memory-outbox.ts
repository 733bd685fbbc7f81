/** An outbox store in memory, for tests: the smallest example of the port. */
import {
  type OutboxBatch,
  type OutboxContents,
  OutboxError,
  type OutboxRecord,
  type OutboxStore,
} from '../outbox-store.ts';

/**
 * A store that keeps its records in this object: they survive `close` and the next `open`, not the process. A client
 * without a store needs none of it and is faster.
 */
export function memoryOutbox(): OutboxStore {
  const records = new Map<number, OutboxRecord>();
  let clientId: string | undefined;
  let isOpen = false;

  async function open(): Promise<OutboxContents> {
    if (isOpen) throw new OutboxError('held', 'Cannot open the outbox in memory: it is open; close it first');
    isOpen = true;
    return { clientId, records: [...records.values()].sort((a, b) => a.sequence - b.sequence).map(owned) };
  }

  async function write(batch: OutboxBatch): Promise<void> {
    if (!isOpen) throw new OutboxError('closed', 'Cannot write to the outbox in memory: it is not open');
    clientId = batch.clientId ?? clientId;
    for (const record of batch.put) {
      const { packetId, state } = record;
      records.set(record.sequence, { ...(records.get(record.sequence) ?? owned(record)), packetId, state });
    }
    for (const sequence of batch.remove) records.delete(sequence);
  }

  async function close(): Promise<void> {
    isOpen = false;
  }

  return { open, write, close };
}

/** A copy that shares nothing with its origin. */
function owned(record: OutboxRecord): OutboxRecord {
  return structuredClone({ ...record, payload: record.payload.slice() });
}
