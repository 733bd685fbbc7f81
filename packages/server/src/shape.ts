/** The shapes that values of the configuration have: what is accepted, how it is called in errors, help and reference. */
import { formatAmount, parseAmount } from './amount.ts';

interface Described {
  /** One sentence for the reference and the JSON Schema. */
  readonly description: string;
}

/** A whole number of something. */
export interface AmountShape extends Described {
  readonly kind: 'amount';
  /** `bytes`, `milliseconds` and `seconds` accept suffixes; any other word is only shown. */
  readonly unit: string;
  readonly minimum: number;
  readonly maximum: number;
  readonly default: number;
}
export interface SwitchShape extends Described {
  readonly kind: 'switch';
  readonly default: boolean;
}
export interface ChoiceShape extends Described {
  readonly kind: 'choice';
  readonly choices: readonly string[];
  readonly default: string;
}
export interface TextShape extends Described {
  readonly kind: 'text';
  /** Shown where there is no default. */
  readonly example: string;
  readonly default: string | undefined;
  /** A file or folder: one that is relative starts from the folder of the configuration file. */
  readonly isPath?: true;
  /** Never shown. */
  readonly isSecret?: true;
  /** A URL, of which only scheme, host and path are shown: user, password and query may be secrets. */
  readonly isUrl?: true;
}
export type ScalarShape = AmountShape | SwitchShape | ChoiceShape | TextShape;

export interface ListShape extends Described {
  readonly kind: 'list';
  readonly items: ScalarShape | GroupShape | VariantsShape | JsonShape;
  /** In words. */
  readonly default: string;
  /** The same as a value, where it is one of few. */
  readonly standard?: readonly string[];
  readonly mayBeEmpty?: true;
  /** One item may stand for a list of it. */
  readonly orOne?: true;
}
/** Named entries; unknown names are errors. */
export interface GroupShape extends Described {
  readonly kind: 'group';
  readonly entries: Readonly<Record<string, Shape>>;
  /** Entries that must be there. */
  readonly required?: readonly string[];
}
/** Groups of several forms; the value of one entry says which. */
export interface VariantsShape extends Described {
  readonly kind: 'variants';
  /** The name of that entry. */
  readonly key: string;
  readonly variants: Readonly<Record<string, GroupShape>>;
}
/** Entries whose names are free. */
export interface MapShape extends Described {
  readonly kind: 'map';
  readonly values: ScalarShape | ListShape | GroupShape;
  /** What a name stands for, such as `claim`. */
  readonly names: string;
}
/** Any JSON, such as the payload of a message. */
export interface JsonShape extends Described {
  readonly kind: 'json';
  readonly example: string;
}
export type Shape = ScalarShape | ListShape | GroupShape | VariantsShape | MapShape | JsonShape;

/** What stands in place of a secret. */
export const HIDDEN = '(hidden)';

/** Whether values of the shape are, or hold, what is not shown. */
export function holdsSecrets(shape: Shape): boolean {
  switch (shape.kind) {
    case 'text':
      return shape.isSecret === true || shape.isUrl === true;
    case 'list':
      return holdsSecrets(shape.items);
    case 'map':
      return holdsSecrets(shape.values);
    case 'group':
      return Object.values(shape.entries).some(holdsSecrets);
    default:
      // A text in place of variants is the name of one.
      return false;
  }
}

/** A value, or what was expected in its place. */
export type Reading = { readonly value: string | number | boolean } | { readonly expected: string };

/** Reads one value from its text, as it stands in a file or behind a flag. An empty text is never a value. */
export function readScalar(shape: ScalarShape, text: string): Reading {
  const value = scalarOf(shape, text);
  return value === undefined ? { expected: expectation(shape) } : { value };
}

function scalarOf(shape: ScalarShape, text: string): string | number | boolean | undefined {
  switch (shape.kind) {
    case 'amount': {
      const amount = parseAmount(text, shape.unit);
      return amount !== undefined && amount >= shape.minimum && amount <= shape.maximum ? amount : undefined;
    }
    case 'switch':
      return text === 'true' ? true : text === 'false' ? false : undefined;
    case 'choice':
      return shape.choices.includes(text) ? text : undefined;
    case 'text':
      return text === '' ? undefined : text;
  }
}

/** What a shape accepts, as the end of a sentence: `a whole number from 0 to 65535`. */
export function expectation(shape: Shape): string {
  switch (shape.kind) {
    case 'amount':
      return amountExpectation(shape);
    case 'switch':
      return 'true or false';
    case 'choice':
      return shape.choices.length === 1 ? `"${shape.choices[0]}"` : `one of ${shape.choices.join(', ')}`;
    case 'text':
      return `a text such as "${shape.default ?? shape.example}"`;
    case 'list':
      return 'a list';
    case 'group':
      return `a group of ${Object.keys(shape.entries).slice(0, 4).join(', ')}…`;
    case 'variants':
      return `a group with ${shape.key}: ${Object.keys(shape.variants).join(', ')}`;
    case 'map':
      return `a group whose keys are each a ${shape.names}`;
    case 'json':
      return `a value such as ${shape.example}`;
  }
}

const KINDS: Readonly<Record<string, readonly [kind: string, example: string]>> = {
  bytes: ['a size', '4MiB'],
  milliseconds: ['a time', '10s'],
  seconds: ['a time', '10min'],
};

function amountExpectation({ unit, minimum, maximum }: AmountShape): string {
  const [kind, example] = KINDS[unit] ?? ['a whole number', undefined];
  const range = `from ${formatAmount(minimum, unit)} to ${formatAmount(maximum, unit)}`;
  return `${kind} ${range}${example === undefined ? '' : `, such as ${example},`}`;
}

/** The default of a shape as the reference shows it. */
export function shownDefault(shape: Shape): string {
  if (shape.kind === 'amount') return formatAmount(shape.default, shape.unit);
  if (!('default' in shape)) return '';
  return shape.default === undefined ? 'none' : String(shape.default);
}

/** A group with the defaults of its table where nothing is given; what has none stays away, as a group in it does. */
export function filledGroup(shape: GroupShape, given: object): Record<string, unknown> {
  const values = given as Readonly<Record<string, object | undefined>>;
  const entries = Object.entries(shape.entries).map(([name, entry]) => {
    const own = values[name];
    return [name, entry.kind === 'group' && own !== undefined ? filledGroup(entry, own) : (own ?? standardOf(entry))];
  });
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

function standardOf(shape: Shape): unknown {
  if (shape.kind === 'list') return shape.standard;
  return 'default' in shape ? shape.default : undefined;
}
