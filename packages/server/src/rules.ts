/** The rules that the configuration names, wherever they stand. */
import { DeviceTypes, rulesWithDevices } from '@dunlin/devices/configuration';
import { compileRules, type RuleAuthorizer, type RuleSet, RulesError, readRules } from '@dunlin/identity';
import { ConfigurationError } from './configuration.ts';
import { type DevicesConfiguration, deviceTypes } from './device-configuration.ts';
import type { AuthorizationConfiguration } from './identity-configuration.ts';
import { readRuleFiles } from './rules-file.ts';

/**
 * Reads rules from the configuration itself or from its files, with those of the types of devices.
 * @throws ConfigurationError where a file cannot be read or a rule is wrong
 * @throws DeviceTypeError where a type is
 */
export function configuredRules(authorization: AuthorizationConfiguration, devices?: DevicesConfiguration): RuleSet {
  return withDevices(rulesOfOthers(authorization), devices);
}

/**
 * The rules that are only tried out; undefined where there are none.
 * @throws ConfigurationError, DeviceTypeError as `configuredRules` does
 */
export function shadowRules(
  { shadow, broaderFilter }: AuthorizationConfiguration,
  devices?: DevicesConfiguration,
): RuleAuthorizer | undefined {
  if (shadow === undefined) return undefined;
  const { rules, ...options } = withDevices(readRuleFiles({ rules: shadow, broaderFilter }), devices);
  return compileRules(rules, options);
}

function rulesOfOthers({ rules, roles, rulesFile, aclFile, broaderFilter }: AuthorizationConfiguration): RuleSet {
  if (rules === undefined && roles === undefined) return readRuleFiles({ rules: rulesFile, aclFile, broaderFilter });
  try {
    return { rules: readRules({ rules, roles }), broaderFilter };
  } catch (error) {
    if (!(error instanceof RulesError)) throw error;
    throw new ConfigurationError(error.problems.map((problem) => `authorization.${problem}`));
  }
}

function withDevices(set: RuleSet, devices: DevicesConfiguration | undefined): RuleSet {
  if (devices === undefined) return set;
  return { ...set, rules: rulesWithDevices(set.rules, new DeviceTypes(deviceTypes(devices))) };
}
