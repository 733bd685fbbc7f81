/** How the tables of keys write down the shapes that they use most. */
import type { AmountShape, ListShape, MapShape, SwitchShape, TextShape } from './shape.ts';

export function text(example: string, description: string): TextShape {
  return { kind: 'text', example, default: undefined, description };
}

export function path(example: string, description: string): TextShape {
  return { ...text(example, description), isPath: true };
}

export function url(example: string, description: string): TextShape {
  return { ...text(example, description), isUrl: true };
}

export function secret(example: string, description: string): TextShape {
  return { ...text(example, description), isSecret: true };
}

export function toggle(standard: boolean, description: string): SwitchShape {
  return { kind: 'switch', default: standard, description };
}

export function texts(example: string, item: string, standard: string, description: string): ListShape {
  return { kind: 'list', items: text(example, item), default: standard, description };
}

/** A list that may be written as its only entry. */
export function someTexts(example: string, item: string, description: string): ListShape {
  return { ...texts(example, item, 'none', description), orOne: true };
}

export function map(names: string, example: string, value: string, description: string): MapShape {
  return { kind: 'map', names, values: text(example, value), description };
}

export function amount(
  unit: string,
  range: readonly [minimum: number, maximum: number],
  standard: number,
  description: string,
): AmountShape {
  return { kind: 'amount', unit, minimum: range[0], maximum: range[1], default: standard, description };
}
