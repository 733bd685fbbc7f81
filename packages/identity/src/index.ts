/** What the package offers: methods of authentication, and rules of what a client may do. */

export { type AccessQuestion, type AccessReport, explainAccess } from './access-report.ts';
export type { Method } from './method.ts';
export { readMosquittoAcl } from './mosquitto-acl.ts';
export {
  type ReplaceableAuthorizer,
  type RuleSet,
  type RulesChange,
  replaceableAuthorizer,
} from './replaceable-authorizer.ts';
export { type Rule, type RuleAction, ruleText, type Subjects } from './rule.ts';
export {
  CLAIM_RULES_MAX,
  type CompileOptions,
  compileRules,
  type RuleAuthorizer,
  type RuleClaims,
  type SkippedRule,
} from './rule-authorizer.ts';
export {
  type RoleInput,
  RULES_MAX,
  type RuleInput,
  type RulePath,
  RulesError,
  type RulesInput,
  type RulesPlace,
  readRules,
  type SubjectsInput,
} from './rule-input.ts';
export type { BroaderFilter } from './rule-permissions.ts';
export { type Shadow, type ShadowDifference, type ShadowOptions, shadowed } from './shadow.ts';
