/**
 * Attributes whose value no other device may have. The index of attributes, which is written with each device, says who has a
 * value; whoever takes one waits for others who take the same.
 */
import type { Clock, Table, TableRecord } from '@dunlin/broker';
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
  readonly #clock: Pick<Clock, 'endOfTurn'>;
  /** By term. Of one process: a table in which several write needs more than this. */
  readonly #turns = new Turns();

  constructor(table: Table<StoredDevice>, types: DeviceTypes, clock: Pick<Clock, 'endOfTurn'>) {
    this.#table = table;
    this.#types = types;
    this.#clock = clock;
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

  /** Names of the attributes whose values are new to the device. */
  #taken(device: Device, before: Device | undefined): string[] {
    const isNew = (name: string): boolean =>
      before === undefined || before.type !== device.type || before.attributes[name] !== device.attributes[name];
    return this.#uniqueOf(device).filter(isNew);
  }

  /** Names of the attributes whose values are of the device alone: of those that it shares it had them before they were unique. */
  async ofNobodyElse(device: Device): Promise<string[]> {
    const names: string[] = [];
    for (const name of this.#uniqueOf(device)) if (!(await this.#isTaken(device, name, 'attribute'))) names.push(name);
    return names;
  }

  /** In an order that is the same for all devices. */
  #uniqueOf({ type, attributes }: Device): string[] {
    const { uniqueAttributes = [] } = this.#types.get(type)?.type ?? {};
    return [...new Set(uniqueAttributes)].filter((name) => Object.hasOwn(attributes, name)).sort();
  }

  async #assertFree(device: Device, name: string): Promise<void> {
    for (const index of INDEXES) if (await this.#isTaken(device, name, index)) throw taken(device, name);
  }

  async #isTaken({ id, attributes }: Device, name: string, index: (typeof INDEXES)[number]): Promise<boolean> {
    const exact = attributeTerm(name, attributes[name]);
    let cursor: string | undefined;
    do {
      const page = await this.#table.scan({ index, exact, limit: PAGE, ...(cursor !== undefined && { cursor }) });
      if (page.records.some((record) => this.#holds(record, id, name))) return true;
      cursor = page.cursor;
      // Devices of other types may have it by the million: whoever else has something to do comes in between.
      if (cursor !== undefined) await new Promise<void>((resolve) => this.#clock.endOfTurn(resolve));
    } while (cursor !== undefined);
    return false;
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
