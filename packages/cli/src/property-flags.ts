/** The properties of `-D PACKET PROPERTY VALUE`, checked against the protocol's own table. */

import { PROPERTIES, type Properties, type PropertyRow } from '@dunlin/protocol';
import { usageError } from './exit-codes.ts';

/** The packets of a client that the user may give properties. */
export type PropertyTarget = 'connect' | 'publish' | 'subscribe' | 'unsubscribe' | 'disconnect' | 'will';
/** The properties given for each packet; absent packets were given none. */
export type GivenProperties = Partial<Record<PropertyTarget, Properties>>;

/** How many arguments belong to one `-D`: a User Property has a name besides its value. */
export function propertyArgumentCount(following: readonly string[]): number {
  return following[1] === 'user-property' ? 4 : 3;
}

/** A property's name on the command line, such as `message-expiry-interval`. */
function propertyArgument(property: PropertyRow): string {
  return property.name.toLowerCase().replaceAll(' ', '-');
}

/** Properties that the named packet may carry from a client. */
export function propertiesOf(target: PropertyTarget): readonly PropertyRow[] {
  return PROPERTIES.filter(
    (property) =>
      property.packets.includes(target) &&
      property.onlyFrom[target] !== 'server' &&
      !LEFT_OUT.has(`${target} ${property.key}`),
  );
}

/** Of the client's packets only AUTH and acknowledgements explain themselves. */
const LEFT_OUT: ReadonlySet<string> = new Set(['disconnect reasonString']);

/**
 * Adds one `-D` to what was given before.
 *
 * `targets` are the packets that the command sends. Throws a usage error for another packet, a property that has no
 * place in it, a second value for one that may stand once, and a value out of its range.
 */
export function addProperty(
  given: GivenProperties,
  targets: readonly PropertyTarget[],
  [packet, name, ...values]: readonly string[],
): void {
  const target = packet.toLowerCase() as PropertyTarget;
  if (!targets.includes(target)) {
    const known = targets.map((one) => one.toUpperCase()).join(', ');
    throw usageError(`Cannot set a property of "${packet}": expected one of ${known}`);
  }
  const property = propertiesOf(target).find((one) => propertyArgument(one) === name);
  if (property === undefined) {
    const known = propertiesOf(target).map(propertyArgument).join(', ');
    throw usageError(`Cannot set "${name}" of ${packet.toUpperCase()}: expected one of ${known}`);
  }
  const properties: Record<string, unknown> = { ...given[target] };
  if (property.key === 'userProperties') {
    properties[property.key] = [...((properties[property.key] as unknown[]) ?? []), values];
  } else if (properties[property.key] !== undefined) {
    throw usageError(`Cannot set "${name}" of ${packet.toUpperCase()} twice`);
  } else {
    properties[property.key] = readValue(property, values[0]);
  }
  given[target] = properties;
}

/** The note of the help that names every packet and its properties. */
export function propertyHelp(targets: readonly PropertyTarget[]): string[] {
  return targets.flatMap((target) => [
    `${target.toUpperCase()}:`,
    ...wrapped(propertiesOf(target).map(propertyArgument)),
  ]);
}

function wrapped(words: readonly string[]): string[] {
  const lines = ['  '];
  for (const word of words) {
    if ((lines.at(-1) ?? '').length + word.length > HELP_WIDTH) lines.push('  ');
    lines[lines.length - 1] += ` ${word}`;
  }
  return lines;
}

const HELP_WIDTH = 76;
const MAXIMUM: Readonly<Record<string, number>> = {
  byte: 255,
  uint16: 65_535,
  uint32: 0xffff_ffff,
  varint: 268_435_455,
};

function readValue(property: PropertyRow, text: string): unknown {
  if (property.type === 'text') return text;
  if (property.type === 'binary') return Buffer.from(text);
  const minimum = property.values === 'not-zero' ? 1 : 0;
  const maximum = property.values === 'bit' ? 1 : MAXIMUM[property.type];
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < minimum || value > maximum) {
    const name = propertyArgument(property);
    throw usageError(`Cannot set ${name} to "${text}": expected a whole number from ${minimum} to ${maximum}`);
  }
  return property.multiple.length > 0 ? [value] : value;
}

/** True when anything was given, which needs MQTT 5.0. */
export function anyProperties(given: GivenProperties): boolean {
  return Object.keys(given).length > 0;
}
