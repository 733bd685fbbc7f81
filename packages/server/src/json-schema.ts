/** The JSON Schema of the configuration file, for editors: written from the table of keys. */
import { CONFIGURATION } from './configuration-table.ts';
import type { AmountShape, GroupShape, Shape } from './shape.ts';

/** What a text with a suffix looks like, by unit; other units are bare numbers. */
const PATTERNS: Readonly<Record<string, string>> = {
  bytes: '^[0-9][0-9_]*(\\.[0-9]+)? ?(([kKmMgG][iI]?)?[bB])?$',
  milliseconds: '^[0-9][0-9_]*(\\.[0-9]+)? ?(ms|s|min|h|d)?$',
  seconds: '^[0-9][0-9_]*(\\.[0-9]+)? ?(ms|s|min|h|d)?$',
};

/** The whole schema as plain data (JSON Schema 2020-12). */
export function configurationSchema(): Record<string, unknown> {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Dunlin',
    ...schemaOf(CONFIGURATION),
  };
}

const LINE_CHARACTERS_MAX = 120;

/** The schema as the text of its file, lists of words on one line each. */
export function configurationSchemaText(): string {
  const text = JSON.stringify(configurationSchema(), undefined, 2);
  // Lists stand on one line where they fit, as Biome has them.
  const compact = text.replace(
    /^(.*)\[\s+([^[\]{}]*?)\s+\](,?)$/gm,
    (long, before: string, items: string, end: string) => {
      const line = `${before}[${items.replace(/\s*\n\s*/g, ' ')}]${end}`;
      return line.length > LINE_CHARACTERS_MAX ? long : line;
    },
  );
  return `${compact}\n`;
}

function schemaOf(shape: Shape): Record<string, unknown> {
  const { description } = shape;
  switch (shape.kind) {
    case 'amount':
      return { description, default: shape.default, ...amountSchema(shape) };
    case 'switch':
      return { description, type: 'boolean', default: shape.default };
    case 'choice':
      return { description, ...choiceSchema(shape.choices), default: shape.default };
    case 'text':
      return {
        description,
        type: 'string',
        minLength: 1,
        ...(shape.default !== undefined && { default: shape.default }),
      };
    case 'list': {
      const items = schemaOf(shape.items);
      const list = { type: 'array', minItems: shape.mayBeEmpty ? 0 : 1, items };
      return shape.orOne ? { description, anyOf: [items, list] } : { description, ...list };
    }
    case 'group': {
      const properties = Object.fromEntries(
        Object.entries(shape.entries).map(([name, entry]) => [name, schemaOf(entry)]),
      );
      const { required } = shape;
      return { description, type: 'object', properties, ...(required && { required }), additionalProperties: false };
    }
    case 'variants':
      return { description, oneOf: Object.entries(shape.variants).map((variant) => variantSchema(shape.key, variant)) };
    case 'map':
      return { description, type: 'object', additionalProperties: schemaOf(shape.values) };
    case 'json':
      return { description };
  }
}

function variantSchema(key: string, [name, shape]: [string, GroupShape]): Record<string, unknown> {
  const { properties, required = [], ...schema } = schemaOf(shape) as { properties: object; required?: string[] };
  return { ...schema, properties: { [key]: { const: name }, ...properties }, required: [key, ...required] };
}

function amountSchema({ unit, minimum, maximum }: AmountShape): Record<string, unknown> {
  const whole = { type: 'integer', minimum, maximum };
  const pattern = PATTERNS[unit];
  return pattern === undefined ? whole : { anyOf: [whole, { type: 'string', pattern }] };
}

/** A choice that looks like a number (3.1) may be written as one. */
function choiceSchema(choices: readonly string[]): Record<string, unknown> {
  const numbers = choices.filter((choice) => /^\d+(\.\d+)?$/.test(choice)).map(Number);
  return { enum: [...choices, ...numbers] };
}
