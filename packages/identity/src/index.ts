/** What the package offers: methods of authentication, and rules of what a client may do. */

export { type AttemptEvent, type AttemptGuard, type AttemptOptions, type Ban, guardAttempts } from './attempts.ts';
export {
  CredentialFileError,
  parseCredentials,
  readCredentialText,
  userProblem,
  withCredential,
  withEveryCredential,
} from './credential-file.ts';
export { type FlappingClient, type FlappingGuard, type FlappingOptions, guardFlapping } from './flapping.ts';
export type { Method } from './method.ts';
export { type PasswordFileMethod, type PasswordFileOptions, passwordFile } from './password-file.ts';
export { hashPassword, type PasswordHash, PasswordHashError, parseHash, type WrittenFormat } from './password-hash.ts';
export { PasswordVerifier, type PasswordVerifierOptions, type Verdict } from './password-verifier.ts';
export { replaceFile } from './replaced-file.ts';
export { type ScramMethod, type ScramOptions, type ScramUser, scram } from './scram.ts';
export {
  parseScramCredential,
  ScramError,
  type ScramMechanism,
  scramTextProblem,
  writeScramCredential,
} from './scram-credential.ts';
export type { UserChanges } from './user-table.ts';
export { type ConfiguredUser, UsersError, type UsersMethod, type UsersOptions, users } from './users.ts';
