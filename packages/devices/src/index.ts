/** What the package offers: a registry of devices, their credentials, and an X.509 authority of one's own. */

export {
  type CertifiedKey,
  type ClientCertificate,
  createAuthority,
  createCrl,
  isServerName,
  issueClientCertificate,
  issueServerCertificate,
} from './authority.ts';
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
export type { AcknowledgementForm, ClientIdForm, CommandForm, DeviceType, PresenceForm } from './device-type.ts';
export { DEVICE_EVENTS, type DeviceEvent, type DeviceEventDescription, type DeviceEventName } from './events.ts';
export type { DeliveryOutcome, DeviceBroker, ReceivedByService, ServiceParts, Tables } from './ports.ts';
export { DEVICE_ID_EXPECTED, isDeviceId } from './registry/device-id.ts';
export { DEVICE_LIMITS, type DeviceInput, type DevicePatch } from './registry/device-input.ts';
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
export { deviceRules, rulesWithDevices } from './rules.ts';
