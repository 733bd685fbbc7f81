/** Builds MQTT packets of every version byte by byte, valid or deliberately wrong; shares no code with the product. */

export type Version = 3 | 4 | 5;

/** Properties of MQTT 5.0 by name; a repeated one is an array. */
export interface Properties {
  payloadFormatIndicator?: number;
  messageExpiryInterval?: number;
  contentType?: string;
  responseTopic?: string;
  correlationData?: Uint8Array;
  subscriptionIdentifiers?: number[];
  sessionExpiryInterval?: number;
  assignedClientIdentifier?: string;
  serverKeepAlive?: number;
  authenticationMethod?: string;
  authenticationData?: Uint8Array;
  requestProblemInformation?: number;
  willDelayInterval?: number;
  requestResponseInformation?: number;
  responseInformation?: string;
  serverReference?: string;
  reasonString?: string;
  receiveMaximum?: number;
  topicAliasMaximum?: number;
  topicAlias?: number;
  maximumQoS?: number;
  retainAvailable?: number;
  userProperties?: [string, string][];
  maximumPacketSize?: number;
  wildcardSubscriptionAvailable?: number;
  subscriptionIdentifierAvailable?: number;
  sharedSubscriptionAvailable?: number;
}

export type PropertyType = 'byte' | 'two' | 'four' | 'varint' | 'text' | 'binary' | 'pair';

/** Identifier, type and the server's packets (plus `publish` for its own) of each property. */
export const PROPERTIES: readonly [id: number, name: keyof Properties, type: PropertyType, fromServer: string][] = [
  [0x01, 'payloadFormatIndicator', 'byte', 'publish'],
  [0x02, 'messageExpiryInterval', 'four', 'publish'],
  [0x03, 'contentType', 'text', 'publish'],
  [0x08, 'responseTopic', 'text', 'publish'],
  [0x09, 'correlationData', 'binary', 'publish'],
  [0x0b, 'subscriptionIdentifiers', 'varint', 'publish'],
  [0x11, 'sessionExpiryInterval', 'four', 'connack'],
  [0x12, 'assignedClientIdentifier', 'text', 'connack'],
  [0x13, 'serverKeepAlive', 'two', 'connack'],
  [0x15, 'authenticationMethod', 'text', 'connack auth'],
  [0x16, 'authenticationData', 'binary', 'connack auth'],
  [0x17, 'requestProblemInformation', 'byte', ''],
  [0x18, 'willDelayInterval', 'four', ''],
  [0x19, 'requestResponseInformation', 'byte', ''],
  [0x1a, 'responseInformation', 'text', 'connack'],
  [0x1c, 'serverReference', 'text', 'connack disconnect'],
  [0x1f, 'reasonString', 'text', 'connack puback pubrec pubrel pubcomp suback unsuback disconnect auth'],
  [0x21, 'receiveMaximum', 'two', 'connack'],
  [0x22, 'topicAliasMaximum', 'two', 'connack'],
  [0x23, 'topicAlias', 'two', 'publish'],
  [0x24, 'maximumQoS', 'byte', 'connack'],
  [0x25, 'retainAvailable', 'byte', 'connack'],
  [0x26, 'userProperties', 'pair', 'connack publish puback pubrec pubrel pubcomp suback unsuback disconnect auth'],
  [0x27, 'maximumPacketSize', 'four', 'connack'],
  [0x28, 'wildcardSubscriptionAvailable', 'byte', 'connack'],
  [0x29, 'subscriptionIdentifierAvailable', 'byte', 'connack'],
  [0x2a, 'sharedSubscriptionAvailable', 'byte', 'connack'],
];

/** A string, or bytes that need not be valid UTF-8. */
export type Text = string | Uint8Array;

export const bytes = (...values: number[]): Buffer => Buffer.from(values);
export const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');

export function u16(value: number): Buffer {
  return bytes((value >> 8) & 0xff, value & 0xff);
}

export function u32(value: number): Buffer {
  const out = Buffer.alloc(4);
  out.writeUInt32BE(value);
  return out;
}

export function varint(value: number): Buffer {
  const out: number[] = [];
  do {
    const group = value % 128;
    value = Math.floor(value / 128);
    out.push(value > 0 ? group | 0x80 : group);
  } while (value > 0);
  return Buffer.from(out);
}

/** A string or binary field: two length bytes, then the bytes as they are. */
export function field(value: Text): Buffer {
  const body = typeof value === 'string' ? Buffer.from(value) : Buffer.from(value);
  return Buffer.concat([u16(body.length), body]);
}

/** A whole packet: first byte, Remaining Length, body. */
export function packet(firstByte: number, ...parts: Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([bytes(firstByte), varint(body.length), body]);
}

/** One property with its identifier, in the form its table row says. */
export function property(name: keyof Properties, value: unknown): Buffer {
  const row = PROPERTIES.find((candidate) => candidate[1] === name);
  if (row === undefined) throw new Error(`no such property: ${name}`);
  return Buffer.concat([bytes(row[0]), propertyValue(row[2], value)]);
}

function propertyValue(type: PropertyType, value: unknown): Buffer {
  if (type === 'byte') return bytes(value as number);
  if (type === 'two') return u16(value as number);
  if (type === 'four') return u32(value as number);
  if (type === 'varint') return varint(value as number);
  if (type === 'pair') return Buffer.concat((value as [Text, Text]).map(field));
  return field(value as Text);
}

/** A property list with its length; a Uint8Array is taken as the properties' own bytes, valid or not. */
export function propertyList(properties: Properties | Uint8Array = {}): Buffer {
  if (properties instanceof Uint8Array) return Buffer.concat([varint(properties.length), properties]);
  const parts: Buffer[] = [];
  for (const [name, value] of Object.entries(properties) as [keyof Properties, unknown][]) {
    if (value === undefined) continue;
    const many = name === 'userProperties' || name === 'subscriptionIdentifiers';
    for (const one of many ? (value as unknown[]) : [value]) parts.push(property(name, one));
  }
  const body = Buffer.concat(parts);
  return Buffer.concat([varint(body.length), body]);
}

export interface WillFields {
  topic: Text;
  payload?: Text;
  qos?: number;
  retain?: boolean;
  properties?: Properties | Uint8Array;
}

export interface ConnectFields {
  version?: Version;
  clientId?: Text;
  /** Clean Start, Clean Session; true if absent. */
  clean?: boolean;
  keepAlive?: number;
  username?: Text;
  password?: Text;
  will?: WillFields;
  properties?: Properties | Uint8Array;
  /** Replace what the version calls for. */
  protocolName?: Text;
  level?: number;
  flags?: number;
  /** Replaces the payload (everything behind keep alive and properties). */
  payload?: Uint8Array;
}

export function connect(fields: ConnectFields = {}): Buffer {
  const version = fields.version ?? 4;
  const { will } = fields;
  const five = version === 5;
  let flags = (fields.clean ?? true) ? 0x02 : 0;
  if (will !== undefined) flags |= 0x04 | ((will.qos ?? 0) << 3) | (will.retain === true ? 0x20 : 0);
  if (fields.username !== undefined) flags |= 0x80;
  if (fields.password !== undefined) flags |= 0x40;
  const payload = [field(fields.clientId ?? '')];
  if (will !== undefined) {
    if (five) payload.push(propertyList(will.properties));
    payload.push(field(will.topic), field(will.payload ?? ''));
  }
  if (fields.username !== undefined) payload.push(field(fields.username));
  if (fields.password !== undefined) payload.push(field(fields.password));
  return packet(
    0x10,
    field(fields.protocolName ?? (version === 3 ? 'MQIsdp' : 'MQTT')),
    bytes(fields.level ?? version, fields.flags ?? flags),
    u16(fields.keepAlive ?? 0),
    five ? propertyList(fields.properties) : bytes(),
    fields.payload ?? Buffer.concat(payload),
  );
}

export interface PublishFields {
  topic: Text;
  payload?: Text;
  qos?: number;
  retain?: boolean;
  dup?: boolean;
  id?: number;
  properties?: Properties | Uint8Array;
}

export function publish(version: Version, fields: PublishFields): Buffer {
  const qos = fields.qos ?? 0;
  const first = 0x30 | (fields.dup === true ? 8 : 0) | (qos << 1) | (fields.retain === true ? 1 : 0);
  return packet(
    first,
    field(fields.topic),
    qos > 0 ? u16(fields.id ?? 1) : bytes(),
    version === 5 ? propertyList(fields.properties) : bytes(),
    Buffer.from(fields.payload ?? ''),
  );
}

const ACK_FIRST_BYTE = { puback: 0x40, pubrec: 0x50, pubrel: 0x62, pubcomp: 0x70 };
export type AckName = keyof typeof ACK_FIRST_BYTE;

/** PUBACK, PUBREC, PUBREL or PUBCOMP; in its short form unless a code or properties are given. */
export function ack(name: AckName, id: number, code?: number, properties?: Properties | Uint8Array): Buffer {
  const rest = code === undefined ? [] : [bytes(code)];
  if (properties !== undefined) rest.push(propertyList(properties));
  return packet(ACK_FIRST_BYTE[name], u16(id), ...rest);
}

/** A filter with its QoS (3.x) or options byte (5.0). */
export type FilterFields = readonly [filter: Text, options: number];

export function subscribe(
  version: Version,
  id: number,
  filters: readonly FilterFields[],
  properties?: Properties | Uint8Array,
): Buffer {
  return packet(
    0x82,
    u16(id),
    version === 5 ? propertyList(properties) : bytes(),
    ...filters.map(([filter, options]) => Buffer.concat([field(filter), bytes(options)])),
  );
}

export function unsubscribe(
  version: Version,
  id: number,
  filters: readonly Text[],
  properties?: Properties | Uint8Array,
): Buffer {
  return packet(0xa2, u16(id), version === 5 ? propertyList(properties) : bytes(), ...filters.map(field));
}

export const pingreq = (): Buffer => bytes(0xc0, 0x00);

/** DISCONNECT; the two-byte form unless a code is given. */
export function disconnect(code?: number, properties?: Properties | Uint8Array): Buffer {
  if (code === undefined) return packet(0xe0);
  return packet(0xe0, bytes(code), properties === undefined ? bytes() : propertyList(properties));
}

export function auth(code: number, properties?: Properties | Uint8Array): Buffer {
  return packet(0xf0, bytes(code), propertyList(properties));
}
