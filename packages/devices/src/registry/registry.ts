/**
 * The registry: which devices there are. Nothing of it is held in memory, so that a million devices start as fast as none;
 * what is asked for is read from the table, by key or by index.
 */
import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import {
  type Awaitable,
  type Clock,
  RevisionConflict,
  type Table,
  type TableDefinition,
  type TableRecord,
  type TableScan,
} from '@dunlin/broker';
import { quoted } from '@dunlin/protocol';
import { compareAndSet } from '../compare-and-set.ts';
import type { Device } from '../device.ts';
import { DeviceError } from '../device-error.ts';
import type { DeviceType } from '../device-type.ts';
import { type BoundedPage, boundedPage, type PageEnd } from '../lists/bounded-page.ts';
import type { ServiceParts } from '../ports.ts';
import { isDeviceId } from './device-id.ts';
import { type DeviceInput, type DevicePatch, patchedDevice, readDeviceInput } from './device-input.ts';
import { type RemovalStep, Removals } from './removals.ts';
import type { DeviceTypes } from './types.ts';
import { attributeTerm, UniqueAttributes } from './unique-attributes.ts';

/** A device, and what tells its present state from others. */
export interface RegisteredDevice {
  readonly device: Device;
  /** Rises with every change. */
  readonly revision: number;
  /**
   * Another one where a device was removed and added anew under its id. What was given to the former (tokens, certificates)
   * is bound to it and counts no longer.
   */
  readonly generation: string;
  /**
   * Rises with each revocation and each time that it is disabled: what it was given before (renewal tokens, claims that were
   * confirmed) gets it no more credentials.
   */
  readonly trust: number;
}

/** Which devices a list names; of several conditions all have to hold. */
export interface DeviceQuery {
  readonly type?: string;
  readonly group?: string;
  readonly owner?: string;
  /** `NAME=VALUE`. */
  readonly attribute?: string;
  /** Of the id. */
  readonly prefix?: string;
  readonly enabled?: boolean;
  /** Where the page before ended; the query has to be the same. */
  readonly cursor?: string;
  /** Devices of a page at the most: 1 to 1000. Default 100. */
  readonly limit?: number;
}

export interface DevicePage extends PageEnd {
  /** In an order that stays. */
  readonly devices: readonly RegisteredDevice[];
}

/** Undefined where the device was removed. */
export type RegistryListener = (deviceId: string, registered: RegisteredDevice | undefined) => void;

export interface StoredDevice {
  readonly device: Device;
  readonly generation: string;
  readonly trust: number;
  /** Wall clock. It is no device any more; the record is there until nothing is left that belonged to it. */
  readonly removedAtMs?: number;
}

/** Who asks for a change, for events, and what must not have happened meanwhile. */
export interface ChangeOptions {
  readonly by: string;
  /** The revision that the device must still have. */
  readonly expected?: number;
}

function attributeTerms({ attributes }: Device): string[] {
  return Object.entries(attributes).map(([name, value]) => attributeTerm(name, value));
}

/** The terms of devices that are there. */
function ofPresent(termsOf: (device: Device) => readonly string[]): (stored: StoredDevice) => readonly string[] {
  return ({ device, removedAtMs }) => (removedAtMs === undefined ? termsOf(device) : []);
}

/** An attribute is no term without a `=`. */
const REMOVED = 'removed';

export const DEVICES: TableDefinition<StoredDevice> = {
  name: 'devices',
  indexes: {
    type: ofPresent(({ type }) => [type]),
    group: ofPresent(({ groups }) => groups),
    owner: ofPresent(({ owner }) => (owner === undefined ? [] : [owner])),
    attribute: ofPresent(attributeTerms),
    disabled: ofPresent(({ enabled }) => (enabled ? [] : ['disabled'])),
    removed: ({ device, removedAtMs }) => (removedAtMs === undefined ? [] : [REMOVED, ...attributeTerms(device)]),
  },
};
const REMOVALS_PAGE = 100;

export class Registry {
  readonly #table: Table<StoredDevice>;
  readonly #clock: Clock;
  readonly #tell: ServiceParts['tell'];
  readonly #types: DeviceTypes;
  readonly #removals: Removals;
  readonly #unique: UniqueAttributes;

  constructor({ tables, clock, tell }: ServiceParts, types: DeviceTypes) {
    this.#table = tables.table(DEVICES);
    this.#clock = clock;
    this.#tell = tell;
    this.#types = types;
    this.#unique = new UniqueAttributes(this.#table, types);
    this.#removals = new Removals({
      clock,
      tell,
      unfinished: (cursor) => this.#unfinishedRemovals(cursor),
      free: (deviceId) => this.#free(deviceId),
    });
  }

  /** How devices of a type show who they are; undefined: the configuration has no such type. */
  credentialOf(type: string): DeviceType['credential'] | undefined {
    return this.#types.get(type)?.type.credential;
  }

  /**
   * Adds a device; resolves when that survives a crash.
   * @throws DeviceError 'invalid' with every fault, 'device-exists', 'device-removing', 'attribute-taken'
   */
  async add(input: DeviceInput, by: string): Promise<RegisteredDevice> {
    const device = readDeviceInput(input, this.#types, this.#clock.nowMs());
    const generation = randomBytes(9).toString('base64url');
    const revision = await this.#unique
      .write(device, undefined, () => this.#table.put(device.id, { device, generation, trust: 0 }, 0))
      .catch(async (error: unknown) => {
        if (!(error instanceof RevisionConflict)) throw error;
        const isRemoved = (await this.#table.get(device.id))?.value.removedAtMs !== undefined;
        throw isRemoved ? removing(device.id) : alreadyThere(device.id);
      });
    this.#tell({ name: 'deviceAdded', deviceId: device.id, type: device.type, by });
    return { device, revision, generation, trust: 0 };
  }

  /**
   * Changes a device; resolves when that survives a crash. A patch that changes nothing writes nothing.
   * @throws DeviceError 'invalid' with every fault, 'unknown-device', 'changed-meanwhile', 'attribute-taken'
   */
  async change(deviceId: string, patch: DevicePatch, { by, expected }: ChangeOptions): Promise<RegisteredDevice> {
    return this.#write(deviceId, expected, async (before) => {
      const device = patchedDevice(before.device, patch, this.#types, this.#clock.nowMs());
      const fields = changedFields(before.device, device);
      if (fields.length === 0) return before;
      const { generation } = before;
      const trust = before.trust + (before.device.enabled && !device.enabled ? 1 : 0);
      const revision = await this.#unique.write(device, before.device, () =>
        this.#table.put(deviceId, { device, generation, trust }, before.revision),
      );
      this.#tell({ name: 'deviceChanged', deviceId, fields: fields.join(', '), by });
      return { device, revision, generation, trust };
    });
  }

  /**
   * Has what a device was given so far get it no more credentials: its renewal tokens, its claims that were confirmed. Resolves
   * when that survives a crash; nothing is done where there is no such device.
   */
  async withdrawTrust(deviceId: string): Promise<void> {
    await compareAndSet(this.#table, deviceId, async (record) => {
      if (record === undefined || record.value.removedAtMs !== undefined) return;
      await this.#table.put(deviceId, { ...record.value, trust: record.value.trust + 1 }, record.revision);
    });
  }

  /**
   * Adds the device where there is none of its id, else changes what is named of it; what is said comes from anywhere. Says
   * what was done, or with `isDryRun` what would be.
   * @throws DeviceError 'invalid' with every fault, 'attribute-taken'
   */
  async put(
    said: Readonly<Record<string, unknown>>,
    { by, isDryRun }: { readonly by: string; readonly isDryRun: boolean },
  ): Promise<'added' | 'changed' | 'unchanged'> {
    const { id, ...patch } = said;
    const before = typeof id === 'string' ? await this.get(id) : undefined;
    if (isDryRun) {
      const nowMs = this.#clock.nowMs();
      const device =
        before === undefined
          ? readDeviceInput(said, this.#types, nowMs)
          : patchedDevice(before.device, patch, this.#types, nowMs);
      if (before !== undefined && changedFields(before.device, device).length === 0) return 'unchanged';
      await this.#unique.check(device, before?.device);
      return before === undefined ? 'added' : 'changed';
    }
    if (before === undefined) {
      await this.add(said as unknown as DeviceInput, by);
      return 'added';
    }
    const { revision } = await this.change(before.device.id, patch, { by });
    return revision === before.revision ? 'unchanged' : 'changed';
  }

  /**
   * Removes a device. Resolves when that survives a crash and what belonged to it is cleared away (`onRemoval`); where this
   * takes longer than 5 s or fails, before, and it is seen to, across restarts too. Until then nobody gets its id.
   * @throws DeviceError 'unknown-device', 'changed-meanwhile'
   */
  async remove(deviceId: string, { by, expected }: ChangeOptions): Promise<void> {
    await this.#write(deviceId, expected, async (before) => {
      const { device, generation, trust } = before;
      const removedAtMs = this.#clock.nowMs();
      await this.#table.put(deviceId, { device, generation, trust, removedAtMs }, before.revision);
      this.#tell({ name: 'deviceRemoved', deviceId, by });
    });
    await this.#removals.follow(deviceId);
  }

  /** Has a step done for every device that is removed before its id is free, until the function it returns is called. */
  onRemoval(step: RemovalStep): () => void {
    return this.#removals.add(step);
  }

  /** Finishes the removals that a crash has left unfinished; settles when each was tried. Every step is expected to be there. */
  resumeRemovals(): Promise<void> {
    return this.#removals.resume();
  }

  /** Settles when no removal is under way. */
  removalsIdle(): Promise<void> {
    return this.#removals.idle();
  }

  /** Undefined where there is none, and for a text that cannot be the id of a device. Answers at once where the table does. */
  get(deviceId: string): Awaitable<RegisteredDevice | undefined> {
    if (!isDeviceId(deviceId)) return undefined;
    const record = this.#table.get(deviceId);
    return record instanceof Promise ? record.then(presentOf) : presentOf(record);
  }

  /** The device that had this id, while its removal is not finished. */
  async removed(deviceId: string): Promise<Device | undefined> {
    const { device, removedAtMs } = (await this.#table.get(deviceId))?.value ?? {};
    return removedAtMs === undefined ? undefined : device;
  }

  /** A page of devices. @throws DeviceError 'invalid', 'cursor-invalid' */
  async list(query: DeviceQuery = {}): Promise<DevicePage> {
    const { items: devices, ...rest } = await this.find(query, (registered) => registered);
    return { devices, ...rest };
  }

  /** A page of what `look` has of devices that the query names; it passes over those of which it has nothing. */
  find<Found>(
    query: DeviceQuery,
    look: (registered: RegisteredDevice) => Awaitable<Found | undefined>,
  ): Promise<BoundedPage<Found>> {
    const place = placeOf(query);
    return boundedPage<StoredDevice, Found>({
      ...{ clock: this.#clock, index: place.index ?? '', cursor: query.cursor, limit: query.limit },
      scan: (limit, cursor) => this.#table.scan({ ...place, limit, ...(cursor !== undefined && { cursor }) }),
      look: (record) => {
        const registered = presentOf(record);
        return registered !== undefined && isWanted(registered.device, query) ? look(registered) : undefined;
      },
    });
  }

  /** Calls `listener` after each change, until the function that it returns is called. */
  onChange(listener: RegistryListener): () => void {
    return this.#table.watch('', ({ key, record }) => {
      // That it is removed was told when it was.
      if (record !== undefined) listener(key, presentOf(record));
    });
  }

  /** To be called before steps of `onRemoval` end: whoever is removed from here on is cleared away on the next start. */
  closeRemovals(): void {
    this.#removals.close();
  }

  close(): Promise<void> {
    this.closeRemovals();
    return this.#table.close();
  }

  async #unfinishedRemovals(cursor: string | undefined) {
    const page = { index: 'removed', exact: REMOVED, limit: REMOVALS_PAGE, ...(cursor !== undefined && { cursor }) };
    const { records, cursor: next } = await this.#table.scan(page);
    return { deviceIds: records.map(({ key }) => key), cursor: next };
  }

  async #free(deviceId: string): Promise<void> {
    const record = await this.#table.get(deviceId);
    if (record?.value.removedAtMs !== undefined) await this.#table.delete(deviceId, record.revision);
  }

  async #write<T>(
    deviceId: string,
    expected: number | undefined,
    write: (before: RegisteredDevice) => Promise<T>,
  ): Promise<T> {
    return compareAndSet(this.#table, deviceId, async (record) => {
      const registered = presentOf(record);
      if (registered === undefined)
        throw new DeviceError(
          'unknown-device',
          `Cannot change the device ${quoted(deviceId)}: there is none of this id`,
        );
      if (expected !== undefined && expected !== registered.revision) throw changedMeanwhile(deviceId);
      return write(registered);
    });
  }
}

function presentOf(record: TableRecord<StoredDevice> | undefined): RegisteredDevice | undefined {
  if (record === undefined || record.value.removedAtMs !== undefined) return undefined;
  const { device, generation, trust } = record.value;
  return { device, generation, trust, revision: record.revision };
}

/** What of a query the table finds by itself: the condition that few devices fulfil, as a rule. */
function placeOf({ attribute, owner, group, enabled, type, prefix }: DeviceQuery): Omit<TableScan, 'limit'> {
  if (attribute !== undefined) return { index: 'attribute', exact: attribute };
  if (owner !== undefined) return { index: 'owner', exact: owner };
  if (group !== undefined) return { index: 'group', exact: group };
  if (enabled === false) return { index: 'disabled', exact: 'disabled' };
  if (prefix !== undefined) return { prefix };
  return type === undefined ? {} : { index: 'type', exact: type };
}

/** Whether the device is one that the query names. */
export function isWanted(device: Device, { type, group, owner, attribute, prefix, enabled }: DeviceQuery): boolean {
  return (
    (type === undefined || device.type === type) &&
    (group === undefined || device.groups.includes(group)) &&
    (owner === undefined || device.owner === owner) &&
    (attribute === undefined || hasAttribute(device, attribute)) &&
    (prefix === undefined || device.id.startsWith(prefix)) &&
    (enabled === undefined || device.enabled === enabled)
  );
}

function hasAttribute({ attributes }: Device, text: string): boolean {
  const at = text.indexOf('=');
  const name = text.slice(0, Math.max(at, 0));
  return Object.hasOwn(attributes, name) && attributes[name] === text.slice(at + 1);
}

/** Names of what differs, but for the time. */
function changedFields(before: Device, after: Device): string[] {
  const names = ['type', 'name', 'attributes', 'groups', 'owner', 'enabled', 'authority'] as const;
  return names.filter((name) => !isDeepStrictEqual(before[name], after[name]));
}

function alreadyThere(deviceId: string): DeviceError {
  return new DeviceError(
    'device-exists',
    `Cannot add the device ${quoted(deviceId)}: there is one already, an id of its own is expected`,
  );
}

function removing(deviceId: string): DeviceError {
  return new DeviceError(
    'device-removing',
    `Cannot add the device ${quoted(deviceId)}: the one that had this id is being removed; try again in a moment`,
  );
}

function changedMeanwhile(deviceId: string): DeviceError {
  return new DeviceError(
    'changed-meanwhile',
    `Cannot change the device ${quoted(deviceId)}: it was changed meanwhile, its present revision is expected`,
  );
}
