/** What devices may do: what the rules of their type allow, and nothing else. */
import { type Rule, readRules } from '@dunlin/identity';
import { type DeviceTypes, TYPE_GROUP } from './registry/types.ts';

/** The rules of all types, each for the group of its type. */
export function deviceRules(types: DeviceTypes): readonly Rule[] {
  return types.all.flatMap(({ rules }) => rules);
}

/**
 * The rules of the configuration with those of devices. What the former allow they allow to others than devices, so that
 * neither a rule for everybody nor one for a user or group of the same name opens more to a device than its type says;
 * what they deny is denied to devices as well. `configured` undefined: others may do everything, as without devices.
 */
export function rulesWithDevices(configured: readonly Rule[] | undefined, types: DeviceTypes): readonly Rule[] {
  const devices = { groups: new Set(types.names.map((name) => TYPE_GROUP + name)) };
  const others = configured ?? EVERYTHING;
  return [
    ...others.map((rule) => (rule.effect === 'allow' ? { ...rule, except: [...rule.except, devices] } : rule)),
    ...deviceRules(types),
  ];
}

const EVERYTHING = readRules({ rules: [{ allow: 'all', topics: ['#', '$SYS/#'] }] });
