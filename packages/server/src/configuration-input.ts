/** Checks the configuration that an embedding program gives: by the same table as the file, with the same words. */
import { quoted } from '@dunlin/protocol';
import type { ConfigurationInput, PartialConfiguration } from './configuration.ts';
import { Problems, printable, readConfiguration, type Source } from './configuration-reading.ts';
import { VERSIONS } from './listener-table.ts';
import type { ScalarShape } from './shape.ts';

/**
 * The values of a configuration, amounts as numbers. What is undefined counts as not given.
 * @throws ConfigurationError for an unknown key and for a value that the file would not accept
 */
export function checkInput(input: ConfigurationInput): PartialConfiguration {
  const problems = new Problems();
  const values = readConfiguration(sourceOf(input, problems), 'the configuration');
  problems.throwIfAny();
  return values ?? {};
}

function sourceOf(value: unknown, problems: Problems): Source {
  const base = { shown: shown(value), report: (problem: string) => problems.add(problem) };
  if (Array.isArray(value))
    return { ...base, kind: 'list', items: () => Array.from(value, (item) => sourceOf(item, problems)) };
  if (value === undefined || value === null) return { ...base, kind: 'empty' };
  if (typeof value === 'object') {
    const given = Object.entries(value).filter(([, inner]) => inner !== undefined);
    const entries = given.map(([key, inner]) => {
      const source = sourceOf(inner, problems);
      return { key, at: source, value: source };
    });
    return { ...base, kind: 'group', entries: () => entries };
  }
  if (typeof value === 'function' || typeof value === 'symbol') return { ...base, kind: 'other' };
  return {
    ...base,
    kind: 'scalar',
    textFor: (shape) => textFor(shape, value as string | number | boolean | bigint),
    plain: () => plain(value),
  };
}

/** In a program a text is a string; a version may be its Protocol Level. */
function textFor(shape: ScalarShape, value: string | number | boolean | bigint): string | undefined {
  if (typeof value === 'string') return value;
  if (shape.kind === 'text') return undefined;
  if (shape.kind !== 'choice') return String(value);
  const named = Object.entries(VERSIONS).find(([name, level]) => level === value && shape.choices.includes(name));
  return named?.[0] ?? String(value);
}

function plain(value: unknown): string | number | boolean | undefined {
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  return Number.isFinite(value) ? (value as number) : undefined;
}

function shown(value: unknown): string {
  if (typeof value === 'string') return quoted(value);
  if (Array.isArray(value)) return 'a list';
  if (value === undefined || value === null) return 'empty';
  if (typeof value === 'object') return 'a group';
  return typeof value === 'function' ? 'a function' : printable(String(value));
}
