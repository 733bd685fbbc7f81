/** Ends the commands in whose place a newer one of the same type has come, before they go out. */
import type { Table } from '@dunlin/broker';
import type { Command } from './command.ts';
import type { CommandChanges } from './command-changes.ts';
import { stageOf } from './command-flow.ts';
import { ownedBy } from './command-table.ts';

/** Commands that are read at once. */
const PAGE = 100;

export interface SupersedingOptions {
  readonly table: Table<Command>;
  readonly changes: Pick<CommandChanges, 'apply'>;
}

/**
 * Of the commands of this type that a device has and that have not gone out the newest stays. Of two that were requested at once
 * each is stored before its request calls this, so that whoever is last sees both. Settles when that is durable.
 * @throws what the table throws
 */
export async function supersede(
  { table, changes }: SupersedingOptions,
  { deviceId, type }: Pick<Command, 'deviceId' | 'type'>,
): Promise<void> {
  const waiting: string[] = [];
  let cursor: string | undefined;
  do {
    const scan = { index: 'open', prefix: ownedBy(deviceId), limit: PAGE, ...(cursor !== undefined && { cursor }) };
    const page = await table.scan(scan);
    for (const { value } of page.records)
      if (value.type === type && stageOf(value) === 'queued') waiting.push(value.id);
    cursor = page.cursor;
  } while (cursor !== undefined);
  // In the order of request.
  const newest = waiting.pop();
  if (newest === undefined) return;
  await Promise.all(waiting.map((id) => changes.apply(id, { kind: 'superseded', by: newest })));
}
