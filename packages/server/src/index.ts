/** What the package offers: a server to start, its configuration, the command `dunlin serve`, its control and its store. */

export { type CheckReport, type Restored, StoreError, type StoreStats } from '@dunlin/lmdb';
export type { LocalAnswer, LocalRequest } from './api/api-host.ts';
export { apiKeyHash } from './api/configured-keys.ts';
export { PROBLEMS as API_PROBLEMS } from './api/problems.ts';
export { SCOPES as API_SCOPES } from './api/scopes.ts';
export { AUDIT_ACTIONS, AUDIT_ACTORS } from './audit-names.ts';
export {
  type Amount,
  type Configuration,
  ConfigurationError,
  type ConfigurationInput,
  completeConfiguration,
  type ListenerConfiguration,
  type ListenerInput,
  type LogFormat,
  type LogLevel,
  type PartialConfiguration,
} from './configuration.ts';
export { type CheckedConfiguration, checkConfigurationFile } from './configuration-check.ts';
export { parseConfiguration, readConfigurationFile } from './configuration-file.ts';
export { CONFIGURATION } from './configuration-table.ts';
export { type AskedClient, type ConfiguredClient, configuredClient } from './configured-client.ts';
export { type Answered, askServer } from './control-client.ts';
export {
  type BannedParty,
  type ControlCommandName,
  type ControlCommands,
  ControlError,
  type ControlRequest,
  type ControlResult,
  type GivenBan,
  type ServerIdentity,
} from './control-protocol.ts';
export type { DoorBan, ShadowReport } from './doors.ts';
export { effectiveConfiguration } from './effective-configuration.ts';
export { SERVER_EVENTS, type ServerEvent, type ServerEventName } from './events.ts';
export { FLAGS, type Flag, flagDefault, flagSpelling, flagVariable, readCommandLine } from './flags.ts';
export type { ReloadReport } from './in-force.ts';
export {
  type InitialDirectory,
  InitialDirectoryError,
  type InitialOptions,
  makeInitialDirectory,
} from './initial-directory.ts';
export { configurationSchemaText } from './json-schema.ts';
export { ServerStartError } from './listening.ts';
export type { ImportRemark } from './mosquitto-context.ts';
export { importMosquitto, type MosquittoImport } from './mosquitto-import.ts';
export { type Fate, MOSQUITTO_OPTIONS, type MosquittoOption } from './mosquitto-options.ts';
export { type OfflineApi, openOfflineApi } from './offline-api.ts';
export type { BoundListener } from './open-listener.ts';
export { configuredRules } from './rules.ts';
export { type RuleFiles, readRuleFiles } from './rules-file.ts';
export { serve } from './serve.ts';
export { type RunningServer, type ServerParts, startServer } from './server.ts';
export { type Shape, shownDefault } from './shape.ts';
export { shellWord } from './shell-word.ts';
export { shownConfiguration } from './shown-configuration.ts';
export {
  type BackupResult,
  dataDirectory,
  type StoreAnswer,
  storeBackup,
  storeCheck,
  storeRestore,
  storeStats,
} from './store-commands.ts';
export { systemClock } from './system-clock.ts';
export { systemRandom } from './system-random.ts';
export { toolCommand } from './tool-command.ts';
