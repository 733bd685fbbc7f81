/** Tables of a server without a data directory: they live as long as it does. */
import { MemoryTable, type Table, type TableDefinition } from '@dunlin/broker';
import type { Tables } from '@dunlin/devices';

export class MemoryTables implements Tables {
  readonly #names = new Set<string>();

  /** @throws RangeError where a table of the name is open already */
  table<T>(definition: TableDefinition<T>): Table<T> {
    const { name } = definition;
    if (this.#names.has(name))
      throw new RangeError(`Cannot open the table ${JSON.stringify(name)}: it is open already`);
    this.#names.add(name);
    return new MemoryTable(definition);
  }
}
