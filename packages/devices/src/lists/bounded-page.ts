/**
 * A page of what fits among many records. They are read piece by piece, and whoever else waits has a turn in between; and no
 * page looks at more than so many, however few of them fit.
 */
import type { Awaitable, Clock, TablePage, TableRecord } from '@dunlin/broker';
import { DeviceError } from '../device-error.ts';
import { cursorInvalid, readCursor, writeCursor } from './list-cursor.ts';

export const LIST_LIMIT_MAX = 1_000;
const LIST_LIMIT = 100;
/** Records that one page looks at for those that it returns. */
export const LOOKS_MAX = 5_000;
/** Records that are looked at without a pause: a few milliseconds. */
const PIECE = 250;

/** How a page ended. */
export interface PageEnd {
  /** Leads to the next page, with the same query; undefined where there is nothing more. */
  readonly cursor: string | undefined;
  /** It has fewer than the limit, perhaps none, because it had looked at as many records as one page may (5,000). */
  readonly endedEarly: boolean;
}

export interface BoundedPage<Item> extends PageEnd {
  /** In an order that stays. */
  readonly items: readonly Item[];
}

export interface PageRequest<Record, Item> {
  readonly clock: Pick<Clock, 'endOfTurn'>;
  /** Names what the list goes by: a cursor is good for that alone. */
  readonly index: string;
  /** Where the page before ended, as a caller says. */
  readonly cursor: string | undefined;
  /** 1 to 1000. Default 100. */
  readonly limit: number | undefined;
  readonly scan: (limit: number, cursor: string | undefined) => Awaitable<TablePage<Record>>;
  /** What the page is to have of a record; undefined: it is passed over. */
  readonly look: (record: TableRecord<Record>) => Awaitable<Item | undefined>;
}

/** @throws DeviceError 'invalid', 'cursor-invalid' */
export async function boundedPage<Record, Item>(request: PageRequest<Record, Item>): Promise<BoundedPage<Item>> {
  const { clock, index, limit = LIST_LIMIT, look } = request;
  if (!Number.isInteger(limit) || limit < 1 || limit > LIST_LIMIT_MAX)
    throw new DeviceError('invalid', `Cannot make a list: the limit is ${limit}, 1 to ${LIST_LIMIT_MAX} is expected`);
  let cursor = request.cursor === undefined ? undefined : readCursor(request.cursor, index);
  const items: Item[] = [];
  let looks = 0;
  let sincePause = 0;
  for (;;) {
    const piece = Math.min(limit - items.length, PIECE, LOOKS_MAX - looks);
    const page = await scanned(request, piece, cursor);
    for (const record of page.records) {
      const found = look(record);
      const item = found instanceof Promise ? await found : found;
      if (item !== undefined) items.push(item);
    }
    cursor = page.cursor;
    // A piece may be empty, and there may still be more; and small ones cost as much for themselves as for their records.
    looks += Math.max(1, page.records.length);
    sincePause += page.records.length + 1;
    const isOver = cursor === undefined || items.length === limit;
    if (isOver || looks >= LOOKS_MAX)
      return { items, cursor: cursor === undefined ? undefined : writeCursor(cursor, index), endedEarly: !isOver };
    if (sincePause < PIECE) continue;
    sincePause = 0;
    await new Promise<void>((resolve) => clock.endOfTurn(resolve));
  }
}

async function scanned<Record>(
  { scan }: Pick<PageRequest<Record, unknown>, 'scan'>,
  limit: number,
  cursor: string | undefined,
): Promise<TablePage<Record>> {
  try {
    return await scan(limit, cursor);
  } catch (error) {
    if (cursor === undefined || !(error instanceof RangeError)) throw error;
    throw cursorInvalid();
  }
}
