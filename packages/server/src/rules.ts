/** The rules that the configuration names, wherever they stand. */
import type { DeviceTypes } from '@dunlin/devices';
import { compileRules, type RuleAuthorizer, type RuleSet, RulesError, readRules } from '@dunlin/identity';
import { ConfigurationError } from './configuration.ts';
import type { AuthorizationConfiguration } from './identity-configuration.ts';
import { readRuleFiles } from './rules-file.ts';

/**
 * Reads rules from the configuration itself or from its files.
 * @throws ConfigurationError where a file cannot be read or a rule is wrong
 */
export function configuredRules(authorization: AuthorizationConfiguration): RuleSet {
  const { rules, roles, rulesFile, aclFile, broaderFilter } = authorization;
  if (rules === undefined && roles === undefined) return readRuleFiles({ rules: rulesFile, aclFile, broaderFilter });
  try {
    return { rules: readRules({ rules, roles }), broaderFilter };
  } catch (error) {
    if (!(error instanceof RulesError)) throw error;
    throw new ConfigurationError(error.problems.map((problem) => `authorization.${problem}`));
  }
}

/**
 * The rules that are only tried out; undefined where there are none.
 * @throws ConfigurationError as `configuredRules` does
 */
export function shadowRules({ shadow, broaderFilter }: AuthorizationConfiguration): RuleAuthorizer | undefined {
  if (shadow === undefined) return undefined;
  const { rules, ...options } = readRuleFiles({ rules: shadow, broaderFilter });
  return compileRules(rules, options);
}

/** What the devices of all types may do: what the rules of their type allow, and nothing else. */
export function deviceRules(types: DeviceTypes | undefined): RuleAuthorizer {
  return compileRules((types?.all ?? []).flatMap(({ rules }) => rules));
}
