/** Devices as rows of CSV: a column for each field, one for each attribute, and one in JSON for attributes without a column. */

import { quoted } from '@dunlin/protocol';
import type { Device } from '../device.ts';
import { throwProblems } from '../device-error.ts';
import { GROUP_SEPARATOR } from '../registry/device-input.ts';
import { isAttributeName } from '../registry/types.ts';

const FIELDS = ['id', 'type', 'name', 'groups', 'owner', 'enabled', 'authority', 'attributes'] as const;
/** Only of imports. */
const TOKEN = 'token';
const ATTRIBUTE = 'attr.';

/** What a device is exported as, and imported from: the fields of `DeviceInput`. */
export function exportedDevice(device: Device): Readonly<Record<string, unknown>> {
  const { id, type, name, attributes, groups, owner, enabled, authority } = device;
  return { id, type, name, attributes, groups, owner: owner ?? null, enabled, authority: authority ?? null };
}

export function headerOf(attributes: readonly string[]): readonly string[] {
  return [...FIELDS, ...attributes.map((name) => ATTRIBUTE + name)];
}

export function rowOf(device: Device, attributes: readonly string[]): readonly string[] {
  const rest = Object.entries(device.attributes).filter(([name]) => !attributes.includes(name));
  return [
    device.id,
    device.type,
    device.name,
    device.groups.join(GROUP_SEPARATOR),
    device.owner ?? '',
    String(device.enabled),
    device.authority ?? '',
    rest.length === 0 ? '' : JSON.stringify(Object.fromEntries(rest)),
    ...attributes.map((name) => (Object.hasOwn(device.attributes, name) ? device.attributes[name] : '')),
  ];
}

/** Reads rows below a header. */
export interface RowForm {
  /** The device as it was said; a text where the row cannot be read. */
  read(fields: readonly string[]): Readonly<Record<string, unknown>> | string;
}

/** @throws DeviceError 'invalid' for a header with columns that are unknown, there twice, or without `id` */
export function readHeader(header: readonly string[]): RowForm {
  const known = (column: string): boolean =>
    FIELDS.some((field) => field === column) ||
    column === TOKEN ||
    (column.startsWith(ATTRIBUTE) && isAttributeName(column.slice(ATTRIBUTE.length)));
  const problems = header.flatMap((column, index) => {
    if (!known(column))
      return [`the column ${quoted(column)} is unknown: ${FIELDS.join(', ')}, token or attr.NAME is expected`];
    return header.indexOf(column) === index ? [] : [`the column ${quoted(column)} is there twice, expected once`];
  });
  if (!header.includes('id')) problems.push('there is no column id, one is expected in the first line');
  throwProblems('import devices', problems);
  return {
    read: (fields) =>
      fields.length === header.length
        ? inputOf(new Map(header.map((column, index) => [column, fields[index]])))
        : `it has ${fields.length} fields: ${header.length} are expected, as in the first line`,
  };
}

/** An empty field takes away what can be taken away; of type and enabled it says nothing. */
function inputOf(cells: ReadonlyMap<string, string>): Readonly<Record<string, unknown>> | string {
  const input: Record<string, unknown> = {};
  const attributes: [string, unknown][] = [];
  for (const [column, text] of cells) {
    if (column.startsWith(ATTRIBUTE)) attributes.push([column.slice(ATTRIBUTE.length), text === '' ? null : text]);
    else if (column === 'attributes') {
      const rest = text === '' ? {} : parsedGroup(text);
      if (rest === undefined) return 'attributes is no group in JSON, such as {"room":"hall"}, which is expected';
      attributes.unshift(...Object.entries(rest));
    } else if (column === 'groups') input.groups = text.split(GROUP_SEPARATOR).filter((group) => group !== '');
    else if (column === 'owner' || column === 'authority') input[column] = text === '' ? null : text;
    else if (column === 'enabled') input.enabled = text === '' ? undefined : (ENABLED.get(text.toLowerCase()) ?? text);
    else input[column] = text === '' && column !== 'name' ? undefined : text;
  }
  if (attributes.length > 0) input.attributes = Object.fromEntries(attributes);
  return input;
}

/** Spreadsheets write them in capitals. */
const ENABLED: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['false', false],
]);

function parsedGroup(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
