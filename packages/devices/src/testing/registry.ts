/** A registry in memory with a clock and the events that it tells, for the tests beside it. */
import { MemoryTable, type TableDefinition } from '@dunlin/broker';
import type { DeviceType } from '../device-type.ts';
import type { DeviceEvent } from '../events.ts';
import type { ServiceParts, Tables } from '../ports.ts';
import { Registry } from '../registry/registry.ts';
import { DeviceTypes } from '../registry/types.ts';
import { TestClock } from './clock.ts';
import { CAMERA, LAMP, PLAYER } from './types.ts';

/** Tables in memory, each of which is found again under its name. */
export class MemoryTables implements Tables {
  readonly #tables = new Map<string, unknown>();

  table<T>(definition: TableDefinition<T>): MemoryTable<T> {
    const known = this.#tables.get(definition.name) as MemoryTable<T> | undefined;
    const table = known ?? new MemoryTable(definition);
    this.#tables.set(definition.name, table);
    return table;
  }
}

export interface TestParts extends ServiceParts {
  readonly clock: TestClock;
  readonly tables: MemoryTables;
  readonly events: DeviceEvent[];
}

export function testParts(clock = new TestClock()): TestParts {
  const events: DeviceEvent[] = [];
  return { tables: new MemoryTables(), clock, events, tell: (event) => events.push(event) };
}

/** The attributes that a camera has to have. */
export const CAMERA_ATTRIBUTES = { thing: 't1', partner: 'p1', space: 's1' };

export function testRegistry(types: readonly DeviceType[] = [CAMERA, PLAYER, LAMP], parts = testParts()) {
  const deviceTypes = new DeviceTypes(types);
  return { parts, types: deviceTypes, registry: new Registry(parts, deviceTypes) };
}
