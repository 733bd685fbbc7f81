/** What the package offers: methods of authentication, and rules of what a client may do. */

export { CredentialFileError } from './credential-file.ts';
export type { Method } from './method.ts';
export { type PasswordFileMethod, type PasswordFileOptions, passwordFile } from './password-file.ts';
export { hashPassword, type PasswordHash, PasswordHashError, parseHash, type WrittenFormat } from './password-hash.ts';
export type { UserChanges } from './password-users.ts';
export { PasswordVerifier, type PasswordVerifierOptions, type Verdict } from './password-verifier.ts';
export { type ConfiguredUser, UsersError, type UsersMethod, type UsersOptions, users } from './users.ts';
