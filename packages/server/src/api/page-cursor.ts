/** Cursors of pages as callers carry them: what a table says, in letters that pass a URL. */
import type { Awaitable, TablePage, TableRecord } from '@dunlin/broker';
import { PAGE_LIMIT, pageBody } from './page-schemas.ts';
import { ApiProblem } from './problems.ts';

/** More than two keys of a table, escaped. */
const CHARACTERS_MAX = 8_192;

export function toCursor(cursor: string | undefined): string | undefined {
  return cursor === undefined ? undefined : Buffer.from(cursor).toString('base64url');
}

/**
 * Reads the page that a cursor leads to; without one the first.
 * @throws ApiProblem cursor-invalid where the table cannot use it: it is whatever somebody sent
 */
export async function fromCursor<Page>(
  cursor: string | undefined,
  read: (cursor: string | undefined) => Awaitable<Page>,
): Promise<Page> {
  if (cursor === undefined) return await read(undefined);
  try {
    if (cursor.length > CHARACTERS_MAX || !/^[\w-]+$/.test(cursor)) throw new RangeError('its form is wrong');
    return await read(Buffer.from(cursor, 'base64url').toString());
  } catch (error) {
    if (!(error instanceof RangeError || error instanceof SyntaxError || error instanceof TypeError)) throw error;
    throw new ApiProblem('cursor-invalid', 'Cannot read the page: the cursor of the page before is expected');
  }
}

/** A page of a table, as a table is asked for it. */
export interface PageAsked {
  readonly limit: number;
  readonly cursor?: string;
}

/** Answers a route with the page of a table that was asked for. @throws ApiProblem cursor-invalid */
export async function tablePage<Value, Item>(
  { limit = PAGE_LIMIT, cursor }: { readonly limit?: number | undefined; readonly cursor?: string | undefined },
  list: (page: PageAsked) => Awaitable<TablePage<Value>>,
  shown: (record: TableRecord<Value>) => Item,
): Promise<{ body: { items: Item[]; cursor?: string } }> {
  const page = await fromCursor(cursor, (at) => list({ limit, ...(at !== undefined && { cursor: at }) }));
  return { body: pageBody(page.records.map(shown), toCursor(page.cursor)) };
}
