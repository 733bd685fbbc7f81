/** What a device keeps of its outbox: it outlives the processes of the device, and answers when the dice say so. */

import type { OutboxBatch, OutboxRecord, OutboxStore } from '../../packages/client/src/outbox-store.ts';
import { memoryOutbox } from '../../packages/client/src/testing/memory-outbox.ts';
import type { SeededRandom } from '../simulation-harness/seeded-random.ts';
import type { VirtualTime } from '../simulation-harness/virtual-time.ts';
import { idOf } from './wire-watch.ts';

export class OutboxDisk {
  readonly #time: VirtualTime;
  readonly #random: SeededRandom;
  /** Mean delay of a write. */
  readonly #delayMs: number;
  readonly #took: (id: string) => void;
  readonly #records = memoryOutbox();
  /** Written for certain: what the next process finds. */
  readonly kept = new Map<number, OutboxRecord>();
  /** Batches that were not answered yet. */
  #underWay: OutboxBatch[] = [];
  /** Rises with each process that ends: nobody is there any more for an answer to a former one. */
  #processes = 0;
  #freeAtMs = 0;

  /** `took` is told the id of each message that is kept. */
  constructor(time: VirtualTime, random: SeededRandom, delayMs: number, took: (id: string) => void) {
    this.#took = took;
    this.#time = time;
    this.#random = random;
    this.#delayMs = delayMs;
  }

  /** The store as one process has it. */
  store(): OutboxStore {
    const own = this.#processes;
    return {
      open: () => this.#later(own, () => this.#records.open()),
      write: (batch) => {
        this.#underWay.push(batch);
        return this.#later(own, () => this.#take());
      },
      close: () => this.#later(own, () => this.#records.close()),
    };
  }

  /** The process ends without a word: of the writes under way the first few are there, each whole or not at all. */
  async crash(): Promise<void> {
    this.#processes += 1;
    this.#freeAtMs = 0;
    for (let count = this.#random.between(0, this.#underWay.length); count > 0; count--) await this.#take();
    this.#underWay = [];
    await this.#records.close();
  }

  async #take(): Promise<void> {
    const batch = this.#underWay.shift() as OutboxBatch;
    for (const record of batch.put) {
      this.kept.set(record.sequence, record);
      this.#took(idOf(record.payload));
    }
    for (const sequence of batch.remove) this.kept.delete(sequence);
    await this.#records.write(batch);
  }

  /** In the order of the calls. */
  #later<Value>(process: number, run: () => Promise<Value>): Promise<Value> {
    const delayMs = this.#delayMs === 0 || this.#random.chance(0.1) ? 0 : this.#random.wait(this.#delayMs);
    this.#freeAtMs = Math.max(this.#freeAtMs, this.#time.nowMs() + delayMs);
    return new Promise((resolve, reject) => {
      this.#time.after(this.#freeAtMs - this.#time.nowMs(), () => {
        if (this.#processes === process) run().then(resolve, reject);
      });
    });
  }
}
