/** What the package offers: the device service and its parts, and an X.509 authority of one's own. */

export { type Actor, actingAs } from './actor.ts';
export { AUDIT_TABLE, type AuditEntry, AuditLog, REFUSALS_TABLE } from './audit/audit-log.ts';
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
export { CertificateError, type CertificateErrorCode } from './authority/certificate-error.ts';
export {
  type CertificateRecord,
  REVOCATION_REASONS,
  type RevocationReason,
  type StoredCertificate,
} from './authority/certificate-record.ts';
export { type CertificateOptions, type CertificateSettings, Certificates } from './authority/certificates.ts';
export { CrlPublisher, type PublishedCrl } from './authority/crl-publisher.ts';
export { EXPIRY_DEFAULTS, ExpiryWatch } from './authority/expiry-watch.ts';
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
export { type OcspAnswer, OcspResponder } from './authority/ocsp-responder.ts';
export { Registration, type RegistrationRule } from './authority/registration.ts';
export { Revocations } from './authority/revocations.ts';
export { normalSerial } from './authority/serial-number.ts';
export type { StatusUrls } from './authority/x509-writer.ts';
export { CODE_CHARACTERS } from './claims/claim-code.ts';
export {
  type BegunClaim,
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
export type { CommandRequest } from './commands/command-request.ts';
export { type CommandList, Commands } from './commands/commands.ts';
export { type Batch, GroupCommands, type GroupRequest } from './commands/group-commands.ts';
export { DEVICE_CHECKS, DeviceChecks } from './credentials/device-checks.ts';
export { DeviceMethod } from './credentials/device-method.ts';
export { LiveDevices } from './credentials/live-devices.ts';
export { RefusalLog, type RefusalRecord } from './credentials/refusal-log.ts';
export type { TokenInfo } from './credentials/stored-tokens.ts';
export {
  type IssuedToken,
  type IssueOptions,
  type RotateOptions,
  Tokens,
  type TokenVerdict,
} from './credentials/tokens.ts';
export type { Device } from './device.ts';
export { DeviceError, type DeviceErrorCode } from './device-error.ts';
export { DEVICE_NUMBERS } from './device-numbers.ts';
export type { FoundDevice, SearchPage, SearchQuery } from './device-search.ts';
export type { AcknowledgementForm, ClientIdForm, CommandForm, DeviceType, PresenceForm } from './device-type.ts';
export { DEVICE_EVENTS, type DeviceEvent, type DeviceEventName } from './events.ts';
export { CLAIM_LIMITS, type ClaimLimit, type ClaimLimits } from './limits/claim-limits.ts';
export { COMMAND_LIMITS, type CommandLimit, type CommandLimits } from './limits/command-limits.ts';
export { CREDENTIAL_LIMITS, type CredentialLimit, type CredentialLimits } from './limits/credential-limits.ts';
export type { PageEnd } from './lists/bounded-page.ts';
export type { DeliveryOutcome, DeviceBroker, ReceivedByService, ServiceParts, Tables, TakeByService } from './ports.ts';
export { type Connected, Connections } from './presence/connections.ts';
export { Presence, type PresenceList } from './presence/presence.ts';
export type { PresenceRecord } from './presence/presence-table.ts';
export { DEVICE_ID_EXPECTED, isDeviceId } from './registry/device-id.ts';
export { DEVICE_LIMITS, type DeviceInput, type DevicePatch } from './registry/device-input.ts';
export type { DeviceLookup, KnownDevice } from './registry/known-device.ts';
export {
  type ChangeOptions,
  type DevicePage,
  type DeviceQuery,
  type RegisteredDevice,
  Registry,
} from './registry/registry.ts';
export { type CompiledType, DeviceTypeError, DeviceTypes } from './registry/types.ts';
export { RoomNotice } from './room-notice.ts';
export { rulesWithDevices } from './rules.ts';
export { DeviceService, type DeviceServiceOptions } from './service.ts';
export type { CertificateService } from './service-parts.ts';
export { importPieces } from './transfer/import-pieces.ts';
export {
  exportDevices,
  type ImportFault,
  type ImportOptions,
  type ImportReport,
  importDevices,
  type TransferFormat,
} from './transfer/transfer.ts';
export { Turns } from './turns.ts';
export { type DatedCertificate, explainDevice, type WhyReport } from './why.ts';
