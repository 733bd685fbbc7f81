/**
 * Ids of devices that were removed, where devices of foreign authorities are registered as they come: none of them comes back
 * by that, neither with its own certificate nor as another one of the same name. Whoever is registered by somebody has the id.
 */
import type { Awaitable, Table, TableDefinition } from '@dunlin/broker';
import type { ServiceParts } from '../ports.ts';
import { RoomNotice } from '../room-notice.ts';
import { Turns } from '../turns.ts';
import type { Registry } from './registry.ts';

export interface RemovedId {
  /** Wall clock. */
  readonly removedAtMs: number;
}

const DIGITS = 16;

export const REMOVED_IDS: TableDefinition<RemovedId> = {
  name: 'device-removed-ids',
  indexes: { age: ({ removedAtMs }) => [String(removedAtMs).padStart(DIGITS, '0')] },
};
const PAGE = 1_000;

export class RemovedIds {
  readonly #table: Table<RemovedId>;
  readonly #clock: ServiceParts['clock'];
  readonly #max: number;
  readonly #notice: RoomNotice;
  readonly #turns = new Turns();
  readonly #end: () => void;
  /** Counted when the first device is removed, so that a start reads nothing. */
  #count: number | undefined;

  /** `max`: of so many at the most, those that were removed first are forgotten. */
  constructor({ tables, clock, tell }: ServiceParts, registry: Pick<Registry, 'onRemoval'>, max: number) {
    this.#table = tables.table(REMOVED_IDS);
    this.#clock = clock;
    this.#max = max;
    this.#notice = new RoomNotice(clock, (count) => {
      const detail = `${count} ids that were removed first are forgotten: who has one may be registered as it comes`;
      tell({ name: 'deviceLimitReached', limit: 'removedIdsMax', deviceId: '', detail });
    });
    // The id is not free before it is remembered.
    this.#end = registry.onRemoval((deviceId) => this.#turns.run('', () => this.#remember(deviceId)));
  }

  /** Undefined where no device of this id was removed, or so long ago that it is forgotten. Answers at once where the table does. */
  get(deviceId: string): Awaitable<RemovedId | undefined> {
    const record = this.#table.get(deviceId);
    return record instanceof Promise ? record.then((found) => found?.value) : record?.value;
  }

  async close(): Promise<void> {
    this.#end();
    await this.#turns.idle();
    await this.#table.close();
  }

  async #remember(deviceId: string): Promise<void> {
    this.#count ??= await this.#counted();
    const isNew = (await this.#table.get(deviceId)) === undefined;
    await this.#table.put(deviceId, { removedAtMs: this.#clock.nowMs() });
    if (isNew) this.#count += 1;
    while (this.#count > this.#max) {
      const [oldest] = (await this.#table.scan({ index: 'age', limit: 1 })).records;
      await this.#table.delete(oldest.key);
      this.#count -= 1;
      this.#notice.madeRoom();
    }
  }

  async #counted(): Promise<number> {
    let count = 0;
    let cursor: string | undefined;
    do {
      const page = await this.#table.scan({ limit: PAGE, ...(cursor !== undefined && { cursor }) });
      count += page.records.length;
      cursor = page.cursor;
    } while (cursor !== undefined);
    return count;
  }
}
