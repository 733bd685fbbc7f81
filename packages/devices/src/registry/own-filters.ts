/** Topics that are of one device alone, as the rules of its type say: what nobody else of its kind publishes to or hears. */
import { isPasteable, type Rule } from '@dunlin/identity';
import type { Device } from '../device.ts';
import type { CompiledType } from './types.ts';

type Template = Rule['topics'][number];
type Piece = Template['pieces'][number];

/**
 * The Topic Filters that the type allows to the device and that are other ones for each of its devices: those with a level
 * that is made of the id, or of a unique attribute, and of text around it.
 */
export function ownFilters({ type, rules }: CompiledType, device: Device): string[] {
  const own = new Set([
    'username',
    'cn',
    'attr.deviceId',
    ...(type.uniqueAttributes ?? []).map((name) => `attr.${name}`),
  ]);
  const allowed = rules.filter(({ effect }) => effect === 'allow').flatMap(({ topics }) => topics);
  const filters = allowed.filter((topic) => hasLevelOf(topic, own)).flatMap((topic) => filled(topic, device) ?? []);
  return [...new Set(filters)];
}

/** Of several variables in a level nobody can tell where one ends: two devices may have the same text. */
function hasLevelOf({ pieces }: Template, own: ReadonlySet<string>): boolean {
  const levels: string[][] = [[]];
  for (const piece of pieces)
    if (typeof piece !== 'string') levels[levels.length - 1].push(piece.variable);
    else for (const _ of piece.matchAll(/\//g)) levels.push([]);
  return levels.some((variables) => variables.length === 1 && own.has(variables[0]));
}

/** Undefined where the device has not all that is in it, such as a Client Identifier, and for topics of the server. */
function filled({ pieces }: Template, device: Device): string | undefined {
  const texts = pieces.map((piece) => (typeof piece === 'string' ? piece : textOf(piece, device)));
  const filter = texts.join('');
  return texts.includes(undefined) || filter.startsWith('$') ? undefined : filter;
}

function textOf({ variable }: Exclude<Piece, string>, { id, type, attributes }: Device): string | undefined {
  // A certificate of the device has its id as Common Name.
  if (variable === 'username' || variable === 'cn' || variable === 'attr.deviceId') return id;
  if (variable === 'attr.deviceType') return type;
  const name = variable.slice('attr.'.length);
  const value = variable !== 'clientId' && Object.hasOwn(attributes, name) ? attributes[name] : undefined;
  return value !== undefined && isPasteable(value) ? value : undefined;
}
