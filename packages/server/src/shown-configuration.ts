/** The configuration in force as a file that could be read again, save for its secrets. */
import { DEFAULT_SETTINGS, LIMITS, type LimitName } from '@dunlin/broker';
import { stringify } from 'yaml';
import type { Configuration } from './configuration.ts';
import { CONFIGURATION } from './configuration-table.ts';
import { VERSIONS } from './listener-table.ts';
import { type GroupShape, HIDDEN, type ListShape, type Shape, type VariantsShape } from './shape.ts';

/** YAML of every key that is in force, defaults included; nothing secret. */
export function shownConfiguration(configuration: Configuration): string {
  const limits = Object.fromEntries((Object.keys(LIMITS) as LimitName[]).map((name) => [name, LIMITS[name].default]));
  const whole = {
    ...configuration,
    listeners: configuration.listeners.map((listener) => ({
      ...listener,
      tls: listener.tls && filled(LISTENER.tls, listener.tls),
      proxy: listener.proxy && filled(LISTENER.proxy, listener.proxy),
    })),
    authentication: configuration.authentication.map(({ method, ...entries }) => ({
      method,
      ...filled(METHOD.variants[method], entries),
    })),
    guard: filled(CONFIGURATION.entries.guard, configuration.guard),
    limits: { ...limits, ...configuration.limits },
    settings: { ...DEFAULT_SETTINGS, ...configuration.settings },
  };
  return stringify(shown(CONFIGURATION, whole), { lineWidth: 0 });
}

const METHOD = (CONFIGURATION.entries.authentication as ListShape).items as VariantsShape;
const LISTENER = ((CONFIGURATION.entries.listeners as ListShape).items as GroupShape).entries;

/** With the defaults of the table; a group in it that is not there stays away. */
function filled(shape: Shape, value: object): object {
  const given = value as Readonly<Record<string, object | undefined>>;
  const entries = Object.entries((shape as GroupShape).entries).map(([name, inner]) => {
    const own = given[name];
    return [name, inner.kind === 'group' && own !== undefined ? filled(inner, own) : (own ?? standardOf(inner))];
  });
  return Object.fromEntries(entries);
}

function standardOf(shape: Shape): unknown {
  if (shape.kind === 'list') return shape.standard;
  return 'default' in shape ? shape.default : undefined;
}

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
