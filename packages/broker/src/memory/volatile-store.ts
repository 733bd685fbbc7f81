/**
 * The Store of a broker whose state ends with it: of what is written only retained messages are kept, which the broker
 * reads here. Sessions and queues are in the broker already, and nobody will ever take them up.
 */
import type { Store, StoreContents, StoredEntry, StoredSession, Write } from '../ports.ts';
import { MemoryRetained } from './retained.ts';

export class VolatileStore implements Store {
  readonly inMemory = true;
  readonly retained = new MemoryRetained();

  commit(batch: readonly Write[]): void {
    for (const write of batch) {
      if (write.op === 'putRetained') this.retained.put(write.retained);
      else if (write.op === 'deleteRetained') this.retained.delete(write.retained.message.topic.name);
    }
  }

  freeBytes(): number {
    return Number.POSITIVE_INFINITY;
  }

  contents(): StoreContents {
    return { lastSession: 0, retained: this.retained.summary() };
  }

  async *sessions(): AsyncIterable<StoredSession> {}

  queue(): readonly StoredEntry[] {
    return [];
  }

  async close(): Promise<void> {}
}
