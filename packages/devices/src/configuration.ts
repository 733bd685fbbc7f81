/**
 * What a server needs of devices to read its configuration and to tell its events, also where it has none: types, limits,
 * the authority. It is an entry of its own because it is small beside the service.
 */
export { AUDITED_ACTIONS } from './audit/audited-actions.ts';
export { isServerName } from './authority/authority.ts';
export { IssuingAuthority } from './authority/issuing-authority.ts';
export { MasterKeyError, readMasterKey } from './authority/master-key.ts';
export type { DeviceType } from './device-type.ts';
export { DEVICE_EVENTS, type DeviceEvent, type DeviceEventName } from './events.ts';
export { CLAIM_LIMITS, type ClaimLimit } from './limits/claim-limits.ts';
export { COMMAND_LIMITS, type CommandLimit } from './limits/command-limits.ts';
export { CREDENTIAL_LIMITS, type CredentialLimit } from './limits/credential-limits.ts';
export { deniedTopics } from './registry/denied-topics.ts';
export { sharedTopics } from './registry/shared-topics.ts';
export { DeviceTypeError, DeviceTypes } from './registry/types.ts';
export { rulesWithDevices } from './rules.ts';
