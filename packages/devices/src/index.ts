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
export {
  type Batch,
  GroupCommands,
  type GroupCommandsOptions,
  type GroupPage,
  type GroupRequest,
} from './commands/group-commands.ts';
export type { TokenInfo } from './credentials/stored-tokens.ts';
export {
  type IssuedToken,
  type IssueOptions,
  type RotateOptions,
  Tokens,
  type TokensListener,
  type TokenVerdict,
} from './credentials/tokens.ts';
export type { Device } from './device.ts';
export { DEVICE_ERRORS, DeviceError, type DeviceErrorCode } from './device-error.ts';
export type { AcknowledgementForm, ClientIdForm, CommandForm, DeviceType, PresenceForm } from './device-type.ts';
export { DEVICE_EVENTS, type DeviceEvent, type DeviceEventDescription, type DeviceEventName } from './events.ts';
export type { DeviceLookup, KnownDevice } from './known-device.ts';
export type { DeliveryOutcome, DeviceBroker, ReceivedByService, ServiceParts, Tables } from './ports.ts';
export { type Connected, type ConnectionEvent, type ConnectionListener, Connections } from './presence/connections.ts';
export { Presence, type PresenceList, type PresenceOptions } from './presence/presence.ts';
export type { PresenceRecord } from './presence/presence-table.ts';
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
  type CompiledAcknowledgement,
  type CompiledCommand,
  type CompiledType,
  compileType,
  DeviceTypeError,
  DeviceTypes,
  TYPE_GROUP,
} from './registry/types.ts';
