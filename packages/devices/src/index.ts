/** What the package offers: the device service and its parts, and an X.509 authority of one's own. */

export { type Actor, actingAs, BY_SERVICE, currentActor } from './audit/actor.ts';
export {
  AUDIT_TABLE,
  type AuditEntry,
  AuditLog,
  type AuditOptions,
  REFUSALS_TABLE,
  type Recorded,
} from './audit/audit-log.ts';
export { auditedTables } from './audit/audited-tables.ts';
export { type Change, type ChangeOf, NO_CHANGE } from './audit/change.ts';
export { DEVICE_CHANGES } from './audit/device-changes.ts';
export { gathered } from './audit/gathering.ts';
export { Refusals } from './audit/refusals.ts';
export {
  type CertifiedKey,
  type ClientCertificate,
  createAuthority,
  createCrl,
  isServerName,
  issueClientCertificate,
  issueServerCertificate,
} from './authority/authority.ts';
export { CERTIFICATE_ERRORS, CertificateError, type CertificateErrorCode } from './authority/certificate-error.ts';
export { IssuedCertificatePolicy } from './authority/certificate-policy.ts';
export { type CertificateRecord, REVOCATION_REASONS, type RevocationReason } from './authority/certificate-record.ts';
export {
  CERTIFICATE_DEFAULTS,
  type CertificateOptions,
  type CertificateSettings,
  Certificates,
  type StoredCertificate,
} from './authority/certificates.ts';
export { CRL_DEFAULTS, CrlPublisher, type CrlSettings, type PublishedCrl } from './authority/crl-publisher.ts';
export {
  EXPIRING_TOPIC,
  EXPIRY_DEFAULTS,
  type ExpiryCounts,
  type ExpirySettings,
  ExpiryWatch,
} from './authority/expiry-watch.ts';
export {
  type IssuedCertificate,
  type IssueRequest,
  IssuingAuthority,
  type IssuingAuthorityOptions,
} from './authority/issuing-authority.ts';
export type { NamedText } from './authority/key-file.ts';
export {
  MasterKey,
  MasterKeyError,
  type MasterKeyPlace,
  type MasterKeySource,
  newMasterKeyText,
  parseMasterKey,
  readMasterKey,
} from './authority/master-key.ts';
export {
  type AuthorityTexts,
  type BroughtAuthority,
  broughtAuthority,
  type NewAuthority,
  newAuthority,
} from './authority/new-authority.ts';
export { OCSP_BYTES_MAX } from './authority/ocsp-request.ts';
export { OCSP_DEFAULTS, type OcspAnswer, OcspResponder, type OcspSettings } from './authority/ocsp-responder.ts';
export {
  REGISTRATION_DEFAULTS,
  Registration,
  type RegistrationRule,
  type RegistrationSettings,
} from './authority/registration.ts';
export { Revocations, type RevokedCertificate } from './authority/revocations.ts';
export { normalSerial } from './authority/serial-number.ts';
export type { StatusUrls } from './authority/x509-writer.ts';
export { CODE_ALPHABET, CODE_CHARACTERS } from './claims/claim-code.ts';
export { CLAIM_LIMITS, type ClaimLimit, type ClaimLimitName, type ClaimLimits } from './claims/claim-limits.ts';
export {
  type BegunClaim,
  CLAIM_COMMON_NAME,
  type ClaimInput,
  type ClaimPage,
  Claims,
  type Collected,
  type ConfirmOptions,
  type ShownClaim,
} from './claims/claims.ts';
export {
  CredentialDesk,
  type CredentialState,
  type DeviceCredentials,
  type GivenCertificate,
} from './claims/device-credentials.ts';
export type { RenewalToken } from './claims/renewals.ts';
export { type Command, type CommandState, isCommandId } from './commands/command.ts';
export {
  COMMAND_LIMITS,
  type CommandLimit,
  type CommandLimitName,
  type CommandLimits,
} from './commands/command-limits.ts';
export type { CommandRequest } from './commands/command-request.ts';
export type { TypeList } from './commands/command-types.ts';
export { type CommandList, Commands, type CommandsOptions } from './commands/commands.ts';
export { type Batch, GroupCommands, type GroupRequest } from './commands/group-commands.ts';
export { CREDENTIAL_LIMITS, type CredentialLimit, type CredentialLimits } from './credentials/credential-limits.ts';
export {
  DEVICE_CHECKS,
  type DeviceCheck,
  DeviceChecks,
  type DeviceProof,
  deviceRefusal,
} from './credentials/device-checks.ts';
export {
  type CertificatePolicy,
  DeviceMethod,
  type DeviceMethodParts,
  type RefusedDevice,
} from './credentials/device-method.ts';
export { LiveDevices, type LiveDevicesParts } from './credentials/live-devices.ts';
export { RefusalLog, type RefusalRecord } from './credentials/refusal-log.ts';
export type { TokenInfo } from './credentials/stored-tokens.ts';
export {
  type IssuedToken,
  type IssueOptions,
  type RotateOptions,
  Tokens,
  type TokensListener,
  type TokenVerdict,
} from './credentials/tokens.ts';
export { type DatedCertificate, explainDevice, type WhyParts, type WhyReport } from './credentials/why.ts';
export type { Device } from './device.ts';
export { DEVICE_ERRORS, DeviceError, type DeviceErrorCode } from './device-error.ts';
export { DEVICE_NUMBERS } from './device-numbers.ts';
export type { FoundDevice, SearchPage, SearchQuery } from './device-search.ts';
export type { AcknowledgementForm, ClientIdForm, CommandForm, DeviceType, PresenceForm } from './device-type.ts';
export { DEVICE_EVENTS, type DeviceEvent, type DeviceEventDescription, type DeviceEventName } from './events.ts';
export type { DeviceLookup, KnownDevice } from './known-device.ts';
export type { DeliveryOutcome, DeviceBroker, ReceivedByService, ServiceParts, Tables, TakeByService } from './ports.ts';
export { type Connected, type ConnectionEvent, type ConnectionListener, Connections } from './presence/connections.ts';
export { Presence, type PresenceList, type PresenceOptions } from './presence/presence.ts';
export type { PresenceRecord } from './presence/presence-table.ts';
export { DEVICE_ID_EXPECTED, isDeviceId } from './registry/device-id.ts';
export { DEVICE_LIMITS, type DeviceInput, type DevicePatch } from './registry/device-input.ts';
export { type ImportPiece, importPieces } from './registry/import-pieces.ts';
export {
  type ChangeOptions,
  type DevicePage,
  type DeviceQuery,
  type RegisteredDevice,
  Registry,
  type RegistryListener,
} from './registry/registry.ts';
export {
  type PayloadForm,
  TemplateError,
  type TemplateValues,
  type TopicForm,
  type TopicVariable,
} from './registry/template.ts';
export {
  exportDevices,
  type ImportFault,
  type ImportOptions,
  type ImportReport,
  importDevices,
  type TransferFormat,
} from './registry/transfer.ts';
export {
  type CompiledAcknowledgement,
  type CompiledCommand,
  type CompiledType,
  compileType,
  DeviceTypeError,
  DeviceTypes,
  TYPE_GROUP,
} from './registry/types.ts';
export { RoomNotice } from './room-notice.ts';
export { deviceRules, rulesWithDevices } from './rules.ts';
export { type CertificateService, DeviceService, type DeviceServiceOptions } from './service.ts';
