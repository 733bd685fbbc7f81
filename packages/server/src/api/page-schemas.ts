/** What every list of the API has in common: pages, and where the next one begins. */
import type { PageEnd } from '@dunlin/devices';
import { type TSchema, Type } from 'typebox';

export const PAGE_QUERY = {
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 1_000, description: 'Entries of a page at the most, default 100.' }),
  ),
  cursor: Type.Optional(
    Type.String({ maxLength: 8_192, description: 'Where the page before ended; everything else of the query stays.' }),
  ),
} as const;

export const PAGE_LIMIT = 100;

export function pageOf<Items extends TSchema>(items: Items) {
  return Type.Object({
    items: Type.Array(items),
    cursor: Type.Optional(Type.String({ description: 'Leads to the next page; absent: there is none.' })),
  });
}

/** A page of what fits among many, which looks at so many and no more. */
export function boundedPageOf<Items extends TSchema>(items: Items) {
  return Type.Object({
    ...pageOf(items).properties,
    endedEarly: Type.Optional(
      Type.Literal(true, {
        description:
          'The page has fewer than `limit` entries, perhaps none, because it had looked at 5,000 for them: what else fits is behind `cursor`.',
      }),
    ),
  });
}

/** A page as it is answered: without a cursor where it was the last. */
export function pageBody<Item>(items: readonly Item[], cursor: string | undefined): { items: Item[]; cursor?: string } {
  return { items: [...items], ...(cursor !== undefined && { cursor }) };
}

export function boundedPageBody<Item>(items: readonly Item[], { cursor, endedEarly }: PageEnd) {
  return { ...pageBody(items, cursor), ...(endedEarly && { endedEarly }) };
}

/** Wall clock, milliseconds since 1970. */
export function timeMs(description: string) {
  return Type.Integer({ minimum: 0, description: `${description} Milliseconds since 1970.` });
}
