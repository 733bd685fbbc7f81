/** What differs between the configuration in force and another one: what a reload can change, and what needs a restart. */
import { isDeepStrictEqual } from 'node:util';
import type { Configuration, ListenerConfiguration } from './configuration.ts';

/** Paths of keys, each once, in the order of the reference. */
export interface ConfigurationChanges {
  /** Taken over by a reload. */
  readonly reloaded: readonly string[];
  /** Stay as they were until the server starts anew. */
  readonly needsRestart: readonly string[];
}

/** Top-level keys that a reload takes over; listeners are looked at key by key. */
const RELOADED: readonly (keyof Configuration)[] = [
  'authorities',
  'authentication',
  'clientIds',
  'guard',
  'authorization',
];
/** Keys of a listener that a reload takes over; what TLS files hold is read again in any case. */
const RELOADED_OF_LISTENER: readonly (keyof ListenerConfiguration)[] = ['authentication', 'allowAnonymous'];

export function configurationChanges(former: Configuration, next: Configuration): ConfigurationChanges {
  const changes = { reloaded: [] as string[], needsRestart: [] as string[] };
  for (const key of Object.keys(former) as (keyof Configuration)[]) {
    if (key === 'listeners') addListenerChanges(former.listeners, next.listeners, changes);
    else if (!isDeepStrictEqual(former[key], next[key]))
      changes[RELOADED.includes(key) ? 'reloaded' : 'needsRestart'].push(key);
  }
  return changes;
}

/** Listeners are the same where their names are. */
function addListenerChanges(
  former: readonly ListenerConfiguration[],
  next: readonly ListenerConfiguration[],
  changes: { readonly reloaded: string[]; readonly needsRestart: string[] },
): void {
  const names = new Set([...former, ...next].map(({ name }) => name));
  for (const name of names) {
    const path = `listeners[${name}]`;
    const [before, after] = [former, next].map((list) => list.find((listener) => listener.name === name));
    if (before === undefined || after === undefined) {
      changes.needsRestart.push(path);
      continue;
    }
    for (const key of Object.keys(before) as (keyof ListenerConfiguration)[])
      if (!isDeepStrictEqual(before[key], after[key]))
        changes[RELOADED_OF_LISTENER.includes(key) ? 'reloaded' : 'needsRestart'].push(`${path}.${key}`);
  }
}

/** The configuration that is in force after a reload: what needs a restart is as it was. */
export function reloadedConfiguration(former: Configuration, next: Configuration): Configuration {
  const { authorities, authentication, clientIds, guard, authorization } = next;
  const listeners = former.listeners.map((listener) => {
    const after = next.listeners.find(({ name }) => name === listener.name);
    if (after === undefined) return listener;
    return { ...listener, authentication: after.authentication, allowAnonymous: after.allowAnonymous };
  });
  return { ...former, listeners, authorities, authentication, clientIds, guard, authorization };
}
