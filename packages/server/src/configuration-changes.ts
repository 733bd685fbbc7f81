/** What differs between the configuration in force and another one: what a reload can change, and what needs a restart. */
import { isDeepStrictEqual } from 'node:util';
import type { Configuration, ListenerConfiguration, LogConfiguration } from './configuration.ts';

/** Paths of keys, each once, in the order of the reference. */
export interface ConfigurationChanges {
  /** Taken over by a reload. */
  readonly reloaded: readonly string[];
  /** Stay as they were until the server starts anew. */
  readonly needsRestart: readonly string[];
}

/** Top-level keys that a reload takes over; listeners are looked at key by key. */
const RELOADED: readonly (keyof Configuration)[] = ['authorities', 'authentication', 'clientIds', 'authorization'];
/** Keys of a listener that a reload takes over; what TLS files hold is read again in any case. */
const RELOADED_OF_LISTENER: readonly (keyof ListenerConfiguration)[] = ['authentication', 'allowAnonymous'];

export function configurationChanges(former: Configuration, next: Configuration): ConfigurationChanges {
  const changes = { reloaded: [] as string[], needsRestart: [] as string[] };
  const isTakenOver = asksAlike(former, next);
  const add = (path: string, isReloaded: boolean): void => {
    changes[isReloaded ? 'reloaded' : 'needsRestart'].push(path);
  };
  for (const key of Object.keys(former) as (keyof Configuration)[]) {
    if (key === 'listeners') addListenerChanges(former, next, add);
    else if (key === 'log') addLogChanges(former.log, next.log, add);
    else if (key === 'devices') addDeviceChanges(former.devices, next.devices, add);
    else if (!isDeepStrictEqual(former[key], next[key])) add(key, isTakenOver && RELOADED.includes(key));
  }
  return changes;
}

type Add = (path: string, isReloaded: boolean) => void;

/**
 * Whether clients are asked who they are is decided at the start: connections that came in before would not be. Without
 * methods it is nobody, or a part of the server, which stays.
 */
function asksAlike(former: Configuration, next: Configuration): boolean {
  return former.authentication.length > 0 === next.authentication.length > 0;
}

/** Listeners are the same where their names are. */
function addListenerChanges(former: Configuration, next: Configuration, add: Add): void {
  // Without methods these keys have done their work at the start.
  const isTakenOver = asksAlike(former, next) && next.authentication.length > 0;
  const names = new Set([...former.listeners, ...next.listeners].map(({ name }) => name));
  for (const name of names) {
    const path = `listeners[${name}]`;
    const [before, after] = [former, next].map(({ listeners }) => listeners.find((listener) => listener.name === name));
    if (before === undefined || after === undefined) {
      add(path, false);
      continue;
    }
    for (const key of Object.keys(before) as (keyof ListenerConfiguration)[])
      if (!isDeepStrictEqual(before[key], after[key]))
        add(`${path}.${key}`, isTakenOver && RELOADED_OF_LISTENER.includes(key));
  }
}

/** Types of devices come and go while the server runs; the service itself does not. */
function addDeviceChanges(former: Devices, next: Devices, add: Add): void {
  if (former === undefined || next === undefined) {
    if (former !== next) add('devices', false);
    return;
  }
  for (const key of Object.keys(former) as (keyof typeof former)[])
    if (!isDeepStrictEqual(former[key], next[key])) add(`devices.${key}`, key === 'types');
}

type Devices = Configuration['devices'];

function reloadedDevices(former: Devices, next: Devices): Devices {
  return former && next && { ...former, types: next.types };
}

function addLogChanges(former: LogConfiguration, next: LogConfiguration, add: Add): void {
  for (const key of Object.keys(former) as (keyof LogConfiguration)[])
    if (!isDeepStrictEqual(former[key], next[key])) add(`log.${key}`, key === 'level');
}

/** The configuration that is in force after a reload: what needs a restart is as it was. */
export function reloadedConfiguration(former: Configuration, next: Configuration): Configuration {
  const log = { ...former.log, level: next.log.level };
  const devices = reloadedDevices(former.devices, next.devices) ?? former.devices;
  if (!asksAlike(former, next)) return { ...former, log, devices };
  const { authorities, authentication, clientIds, authorization } = next;
  if (authentication.length === 0) return { ...former, log, devices, authorities, clientIds, authorization };
  const listeners = former.listeners.map((listener) => {
    const after = next.listeners.find(({ name }) => name === listener.name);
    if (after === undefined) return listener;
    return { ...listener, authentication: after.authentication, allowAnonymous: after.allowAnonymous };
  });
  return { ...former, log, devices, listeners, authorities, authentication, clientIds, authorization };
}
