/**
 * Attributes whose value no other device may have. The index of attributes, which is written with each device, says who has a
 * value; whoever takes one waits for others who take the same.
 */
import type { Table, TableRecord } from '@dunlin/broker';
import { quoted } from '@dunlin/protocol';
import type { Device } from '../device.ts';
import { DeviceError } from '../device-error.ts';
import { Turns } from '../turns.ts';
import type { StoredDevice } from './registry.ts';
import type { DeviceTypes } from './types.ts';

/** Devices of a page that are looked at: as a rule there is one. */
const PAGE = 100;
/** Terms of the one are those of devices that are there, of the other those of devices whose removal is not finished. */
const INDEXES = ['attribute', 'removed'] as const;

/** The term of an attribute, in both indexes. */
export function attributeTerm(name: string, value: string): string {
  return `${name}=${value}`;
}

export class UniqueAttributes {
  readonly #table: Table<StoredDevice>;
  readonly #types: DeviceTypes;
  /** By term. Of one process: a table in which several write needs more than this. */
  readonly #turns = new Turns();

  constructor(table: Table<StoredDevice>, types: DeviceTypes) {
    this.#table = table;
    this.#types = types;
  }

  /**
   * Writes a device while nobody else takes the values that it takes. `before`: the device until now; what it has stays.
   * @throws DeviceError 'attribute-taken' where another device has one of them; nothing was written then
   */
  async write<T>(device: Device, before: Device | undefined, write: () => Promise<T>): Promise<T> {
    const taken = this.#taken(device, before);
    const inTurn = taken.reduceRight<() => Promise<T>>(
      (next, name) => () =>
        this.#turns.run(attributeTerm(name, device.attributes[name]), async () => {
          await this.#assertFree(device, name);
          return await next();
        }),
      write,
    );
    return await inTurn();
  }

  /** @throws DeviceError 'attribute-taken' where `write` would */
  async check(device: Device, before: Device | undefined): Promise<void> {
    await this.write(device, before, async () => {});
  }

  /** Names of the attributes whose values are new to the device, in an order that is the same for all. */
  #taken(device: Device, before: Device | undefined): string[] {
    const { uniqueAttributes = [] } = this.#types.get(device.type)?.type ?? {};
    const isNew = (name: string): boolean =>
      before === undefined || before.type !== device.type || before.attributes[name] !== device.attributes[name];
    return [...new Set(uniqueAttributes)]
      .filter((name) => Object.hasOwn(device.attributes, name) && isNew(name))
      .sort();
  }

  async #assertFree(device: Device, name: string): Promise<void> {
    const value = device.attributes[name];
    for (const index of INDEXES) {
      let cursor: string | undefined;
      do {
        const exact = attributeTerm(name, value);
        const page = await this.#table.scan({ index, exact, limit: PAGE, ...(cursor !== undefined && { cursor }) });
        if (page.records.some((record) => this.#holds(record, device.id, name))) throw taken(device, name);
        cursor = page.cursor;
      } while (cursor !== undefined);
    }
  }

  /** Whether it is another device, of a type for which the attribute is unique as well. */
  #holds({ key, value: { device } }: TableRecord<StoredDevice>, deviceId: string, name: string): boolean {
    return key !== deviceId && this.#types.get(device.type)?.type.uniqueAttributes?.includes(name) === true;
  }
}

/** Who has it is not told: not everybody who asks may know. */
function taken({ id, type, attributes }: Device, name: string): DeviceError {
  return new DeviceError(
    'attribute-taken',
    `Cannot give the device ${quoted(id)} the attribute ${name} ${quoted(attributes[name])}: another device has it; a value ` +
      `of its own is expected, since ${name} is one of uniqueAttributes of the type ${type}`,
  );
}
