/** What callers say of a device, checked: every fault in one error. */
import { isReadable } from '@dunlin/identity';
import { quoted } from '@dunlin/protocol';
import type { Device } from '../device.ts';
import { throwProblems } from '../device-error.ts';
import { DEVICE_ID_EXPECTED, isDeviceId } from './device-id.ts';
import { ATTRIBUTE_EXPECTED, type DeviceTypes, isAttributeName, TYPE_GROUP } from './types.ts';

/** A device to be added. What is left out is empty; it is enabled. */
export interface DeviceInput {
  readonly id: string;
  readonly type: string;
  readonly name?: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly groups?: readonly string[];
  readonly owner?: string;
  readonly enabled?: boolean;
  readonly authority?: string;
}

/** What of a device is to be changed. What is left out stays; `null` takes away. */
export interface DevicePatch {
  readonly type?: string;
  readonly name?: string;
  /** Those that are named; the others stay. */
  readonly attributes?: Readonly<Record<string, string | null>>;
  /** In place of all it had. */
  readonly groups?: readonly string[];
  readonly owner?: string | null;
  readonly enabled?: boolean;
  readonly authority?: string | null;
}

/** Limits of one device, in characters (units of UTF-16) where it is not a number of things. */
export const DEVICE_LIMITS = {
  nameCharactersMax: 256,
  attributesMax: 64,
  attributeCharactersMax: 1_024,
  groupsMax: 64,
  groupCharactersMax: 128,
  ownerCharactersMax: 256,
} as const;

const FIELDS = ['type', 'name', 'attributes', 'groups', 'owner', 'enabled', 'authority'];
/** As `Authorities` of identity names them. */
const AUTHORITY = /^[\w.-]{1,64}$/;
/** Between groups in CSV; a group holds none. */
export const GROUP_SEPARATOR = ';';

/** The device that was said. @throws DeviceError 'invalid' with every fault; `input` comes from anywhere */
export function readDeviceInput(input: unknown, types: DeviceTypes, nowMs: number): Device {
  const reader = new DeviceReader(types);
  const fields = reader.fields(input, ['id', ...FIELDS]);
  const id = typeof fields.id === 'string' ? fields.id : '';
  if (!isDeviceId(id)) reader.report('id', fields.id, DEVICE_ID_EXPECTED);
  const empty = { name: '', attributes: {}, groups: [], owner: undefined, enabled: true, authority: undefined };
  const device = reader.device({ id, type: '', ...empty, createdAtMs: nowMs, changedAtMs: nowMs }, fields);
  throwProblems(id === '' ? 'add a device' : `add the device ${quoted(id)}`, reader.problems);
  return device;
}

/** The device as it is with the patch. @throws DeviceError 'invalid' with every fault; `patch` comes from anywhere */
export function patchedDevice(device: Device, patch: unknown, types: DeviceTypes, nowMs: number): Device {
  const reader = new DeviceReader(types);
  const fields = reader.fields(patch, FIELDS);
  const changed = reader.device({ ...device, changedAtMs: nowMs }, fields);
  throwProblems(`change the device ${quoted(device.id)}`, reader.problems);
  return changed;
}

type Fields = Readonly<Record<string, unknown>>;

class DeviceReader {
  readonly problems: string[] = [];
  readonly #types: DeviceTypes;

  constructor(types: DeviceTypes) {
    this.#types = types;
  }

  fields(value: unknown, known: readonly string[]): Fields {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      this.problems.push(`a device is expected to be a group of ${known.join(', ')}`);
      return {};
    }
    for (const name of Object.keys(value))
      if (!known.includes(name)) this.problems.push(`${quoted(name)} is unknown: ${known.join(', ')} are known here`);
    return value as Fields;
  }

  report(place: string, found: unknown, expected: string): void {
    this.problems.push(`${place} is ${shown(found)}: ${expected} is expected`);
  }

  /** The device with what the fields say in place of what it had. */
  device(before: Device, fields: Fields): Device {
    const given = (name: string): unknown => (Object.hasOwn(fields, name) ? fields[name] : undefined);
    const device: Device = {
      ...before,
      type: this.#type(given('type'), before.type),
      name: this.#name(given('name'), before.name),
      attributes: this.#attributes(given('attributes'), before.attributes),
      groups: this.#groups(given('groups'), before.groups),
      owner: this.#optional('owner', given('owner'), before.owner, isOwner, OWNER_EXPECTED),
      enabled: this.#enabled(given('enabled'), before.enabled),
      authority: this.#optional('authority', given('authority'), before.authority, isAuthority, AUTHORITY_EXPECTED),
    };
    this.problems.push(...(this.#types.get(device.type)?.attributeProblems(device.attributes) ?? []));
    return device;
  }

  #type(found: unknown, before: string): string {
    const type = found ?? before;
    if (typeof type === 'string' && this.#types.get(type) !== undefined) return type;
    const known = this.#types.names;
    this.report(
      'type',
      type,
      known.length === 0 ? 'a device type of the configuration, which has none,' : known.join(' or '),
    );
    return before;
  }

  #name(found: unknown, before: string): string {
    if (found === undefined) return before;
    if (typeof found === 'string' && (found === '' || isReadable(found))) return found;
    this.report('name', found, `a text of up to ${DEVICE_LIMITS.nameCharactersMax} readable characters`);
    return before;
  }

  #enabled(found: unknown, before: boolean): boolean {
    if (found === undefined) return before;
    if (typeof found === 'boolean') return found;
    this.report('enabled', found, 'true or false');
    return before;
  }

  #optional(
    place: string,
    found: unknown,
    before: string | undefined,
    fits: (text: string) => boolean,
    expected: string,
  ): string | undefined {
    if (found === undefined) return before;
    if (found === null) return undefined;
    if (typeof found === 'string' && fits(found)) return found;
    this.report(place, found, expected);
    return before;
  }

  #attributes(found: unknown, before: Device['attributes']): Device['attributes'] {
    if (found === undefined) return before;
    if (typeof found !== 'object' || found === null || Array.isArray(found)) {
      this.report('attributes', found, 'a group of texts');
      return before;
    }
    const attributes = new Map(Object.entries(before));
    for (const [name, value] of Object.entries(found)) {
      if (!isAttributeName(name)) this.report('an attribute', name, ATTRIBUTE_EXPECTED);
      else if (value === null) attributes.delete(name);
      else if (typeof value === 'string' && isAttributeValue(value)) attributes.set(name, value);
      else this.report(`attributes.${name}`, value, ATTRIBUTE_VALUE_EXPECTED);
    }
    const { attributesMax } = DEVICE_LIMITS;
    if (attributes.size > attributesMax) this.report('attributes', attributes.size, `at most ${attributesMax}`);
    return Object.fromEntries([...attributes].sort(([one], [other]) => (one < other ? -1 : 1)));
  }

  #groups(found: unknown, before: readonly string[]): readonly string[] {
    if (found === undefined) return before;
    const { groupsMax } = DEVICE_LIMITS;
    if (!Array.isArray(found) || found.length > groupsMax) {
      this.report('groups', found, `a list of up to ${groupsMax} names`);
      return before;
    }
    for (const group of found)
      if (typeof group !== 'string' || !isGroup(group)) this.report('a group', group, GROUP_EXPECTED);
    return [...new Set(found as string[])].sort();
  }
}

const OWNER_EXPECTED = `a user name of 1 to ${DEVICE_LIMITS.ownerCharactersMax} readable characters`;
const AUTHORITY_EXPECTED = 'the name of an authority, of letters, digits, ".", "_" and "-",';
export const ATTRIBUTE_VALUE_EXPECTED = `a text of 1 to ${DEVICE_LIMITS.attributeCharactersMax} characters without control, invisible and direction characters and outer spaces`;
const GROUP_EXPECTED =
  `1 to ${DEVICE_LIMITS.groupCharactersMax} readable characters without white space, "${GROUP_SEPARATOR}" and ` +
  `"${TYPE_GROUP}" in front`;

function isOwner(text: string): boolean {
  return text.length <= DEVICE_LIMITS.ownerCharactersMax && isReadable(text);
}

function isAuthority(text: string): boolean {
  return AUTHORITY.test(text);
}

/** Whether a text can be the value of an attribute: two that look alike are the same, as with ids. */
export function isAttributeValue(text: string): boolean {
  return (
    text !== '' &&
    text.length <= DEVICE_LIMITS.attributeCharactersMax &&
    text === text.trim() &&
    text.isWellFormed() &&
    !/[\p{Cc}\p{Zl}\p{Zp}\p{Noncharacter_Code_Point}\p{Default_Ignorable_Code_Point}\p{Bidi_Control}]/u.test(text)
  );
}

function isGroup(text: string): boolean {
  return (
    text.length <= DEVICE_LIMITS.groupCharactersMax &&
    isReadable(text) &&
    !/\p{Z}/u.test(text) &&
    !text.includes(GROUP_SEPARATOR) &&
    !text.startsWith(TYPE_GROUP)
  );
}

function shown(value: unknown): string {
  if (value === undefined) return 'missing';
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'a group';
  return String(value);
}
