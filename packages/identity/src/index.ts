/** What the package offers: methods of authentication, and rules of what a client may do. */

export { type AccessQuestion, type AccessReport, explainAccess } from './access-report.ts';
export { type AnonymousOptions, anonymousMethod } from './anonymous.ts';
export {
  type AttemptEvent,
  type AttemptGuard,
  type AttemptOptions,
  attemptGuard,
  type Ban,
  type CurrentBan,
} from './attempts.ts';
export {
  Authorities,
  type AuthoritiesOptions,
  type AuthorityDefinition,
  type CertificateProblem,
  type IssuedCertificate,
  type UnprovenCertificate,
} from './authorities.ts';
export { type AuthorityFiles, readAuthorityFiles } from './authority-files.ts';
export { BoundedMap } from './bounded-map.ts';
export { type CarriedAction, type CarriedRule, type CarriedRules, readCarriedRules } from './carried-rules.ts';
export {
  type Certificate,
  type Extension,
  KEY_USAGE,
  readCertificate,
  readCommonNames,
  readExtensionList,
  type SubjectAltNames,
} from './certificate.ts';
export { type ChainProblem, issuerProblem } from './certificate-chain.ts';
export { type CertificateCheckOptions, guardCertificates, withCertificateCheck } from './certificate-check.ts';
export {
  type CertificateMethodOptions,
  certificateMethod,
  certificateRefusal,
  certificateText,
  problemDetail,
} from './certificate-method.ts';
export { type AuthenticatorChain, authenticatorChain, type ChainOptions } from './chain.ts';
export {
  type ClientIdAudience,
  type ClientIdRule,
  type ClientIdRules,
  type ClientIdVerdict,
  clientIdRules,
} from './client-id-rules.ts';
export {
  CredentialFileError,
  parseCredentials,
  readCredentialText,
  userProblem,
  withCredential,
  withEveryCredential,
} from './credential-file.ts';
export { mayRunOver } from './field-pattern.ts';
export {
  type FlappingClient,
  type FlappingEvent,
  type FlappingGuard,
  type FlappingOptions,
  flappingGuard,
} from './flapping.ts';
export { type HttpMethod, type HttpOptions, httpMethod } from './http.ts';
export { type JwtMethod, type JwtOptions, jwtMethod } from './jwt.ts';
export type { Method } from './method.ts';
export { METHOD_EVENTS, type MethodEvent, type MethodEventName, type TellMethodEvent } from './method-events.ts';
export { readMosquittoAcl } from './mosquitto-acl.ts';
export { fileFault, NamedFileError, readNamedFile } from './named-file.ts';
export { type PasswordFileMethod, type PasswordFileOptions, passwordFile } from './password-file.ts';
export { hashPassword, type PasswordHash, PasswordHashError, parseHash, type WrittenFormat } from './password-hash.ts';
export { PasswordVerifier, type PasswordVerifierOptions, type Verdict } from './password-verifier.ts';
export { isPasteable } from './pasteable.ts';
export {
  CertificateFileError,
  type CertificateWarning,
  certificateWarnings,
  checkKeyBelongs,
  nameOf,
  readCertificates,
  readPrivateKey,
} from './pem.ts';
export { isReadable } from './readable-text.ts';
export type { RemoteKeySetOptions } from './remote-key-set.ts';
export {
  type ReplaceableAuthorizer,
  type RuleSet,
  type RulesChange,
  replaceableAuthorizer,
} from './replaceable-authorizer.ts';
export { replaceFile } from './replaced-file.ts';
export type { RevocationSource } from './revocation.ts';
export { type Rule, type RuleAction, ruleText, type Subjects } from './rule.ts';
export {
  type CompileOptions,
  compileRules,
  type RuleAuthorizer,
  type RuleClaims,
  type SkippedRule,
} from './rule-authorizer.ts';
export {
  type RoleInput,
  type RuleInput,
  type RulePath,
  RulesError,
  type RulesInput,
  type RulesPlace,
  readRules,
  type SubjectsInput,
} from './rule-input.ts';
export type { BroaderFilter } from './rule-permissions.ts';
export { type ScramMethod, type ScramOptions, type ScramUser, scram } from './scram.ts';
export {
  parseScramCredential,
  ScramError,
  type ScramMechanism,
  scramTextProblem,
  writeScramCredential,
} from './scram-credential.ts';
export { type Shadow, type ShadowDifference, type ShadowOptions, shadowed } from './shadow.ts';
export { isSignedBy, keyWeakness, readSignatureAlgorithm, type SignatureAlgorithm } from './signature.ts';
export { TOKEN_ALGORITHMS, type TokenAlgorithm, type TokenKey } from './token-keys.ts';
export type { UserChanges } from './user-table.ts';
export { type ConfiguredUser, UsersError, type UsersMethod, type UsersOptions, users } from './users.ts';
export { WatchedFiles, type WatchedFilesOptions } from './watched-file.ts';
