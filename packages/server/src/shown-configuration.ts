/** The configuration in force as a file that could be read again, save for its secrets. */
import { DEFAULT_SETTINGS, LIMITS, type LimitName } from '@dunlin/broker';
import { stringify } from 'yaml';
import type { Configuration } from './configuration.ts';
import { CONFIGURATION } from './configuration-table.ts';
import { VERSIONS } from './listener-table.ts';
import { filledGroup, type GroupShape, HIDDEN, type ListShape, type Shape, type VariantsShape } from './shape.ts';

/** YAML of every key that is in force, defaults included; nothing secret. */
export function shownConfiguration(configuration: Configuration): string {
  const limits = Object.fromEntries((Object.keys(LIMITS) as LimitName[]).map((name) => [name, LIMITS[name].default]));
  const whole = {
    ...configuration,
    listeners: configuration.listeners.map((listener) => ({
      ...listener,
      tls: listener.tls && filledGroup(LISTENER.tls as GroupShape, listener.tls),
      proxy: listener.proxy && filledGroup(LISTENER.proxy as GroupShape, listener.proxy),
    })),
    authentication: configuration.authentication.map(({ method, ...entries }) => ({
      method,
      ...filledGroup(METHOD.variants[method], entries),
    })),
    guard: filledGroup(CONFIGURATION.entries.guard as GroupShape, configuration.guard),
    limits: { ...limits, ...configuration.limits },
    settings: { ...DEFAULT_SETTINGS, ...configuration.settings },
  };
  return stringify(shown(CONFIGURATION, whole), { lineWidth: 0 });
}

const METHOD = (CONFIGURATION.entries.authentication as ListShape).items as VariantsShape;
const LISTENER = ((CONFIGURATION.entries.listeners as ListShape).items as GroupShape).entries;

function shown(shape: Shape, value: unknown): unknown {
  switch (shape.kind) {
    case 'text':
      if (shape.isUrl) return shownUrl(value as string);
      return shape.isSecret ? HIDDEN : value;
    case 'choice':
      return versionName(shape.choices, value) ?? value;
    case 'list':
      return (value as unknown[]).map((item) => shown(shape.items, item));
    case 'map':
      return mapped(value, () => shape.values);
    case 'variants': {
      const variant = shape.variants[(value as Record<string, string>)[shape.key]];
      return mapped(value, (name) => variant.entries[name]);
    }
    case 'group':
      return mapped(value, (name) => shape.entries[name]);
    default:
      return value;
  }
}

/** Scheme, host and path; that there is more is said. */
function shownUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null) return HIDDEN;
  if (!/[@?#]/.test(text)) return text;
  const user = url.username === '' && url.password === '' ? '' : `${HIDDEN}@`;
  const query = url.search === '' && url.hash === '' ? '' : `?${HIDDEN}`;
  return `${url.protocol}//${user}${url.host}${url.pathname}${query}`;
}

/** Without what is not given. */
function mapped(value: unknown, shapeOf: (name: string) => Shape | undefined): Record<string, unknown> {
  const given = Object.entries(value as object).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(
    given.map(([name, inner]) => {
      const shape = shapeOf(name);
      return [name, shape === undefined ? inner : shown(shape, inner)];
    }),
  );
}

/** Code knows versions by their Protocol Level. */
function versionName(choices: readonly string[], value: unknown): string | undefined {
  return Object.entries(VERSIONS).find(([name, level]) => level === value && choices.includes(name))?.[0];
}
