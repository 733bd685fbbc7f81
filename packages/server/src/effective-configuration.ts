/** What a configuration file, the environment and the flags of `dunlin serve` say together. */
import { quoted } from '@dunlin/protocol';
import {
  type Configuration,
  ConfigurationError,
  completeConfiguration,
  mergeConfigurations,
  type PartialConfiguration,
} from './configuration.ts';
import { readConfigurationFile } from './configuration-file.ts';
import { defaultDataDirectory } from './data-directory.ts';
import type { CommandLine } from './flags.ts';

/** What file, environment and flags say together, now. @throws ConfigurationError */
export function effectiveConfiguration({ configFile, configuration: flags }: CommandLine): Configuration {
  const file = configFile === undefined ? {} : readConfigurationFile(configFile);
  return completeConfiguration(effectiveInput(file, flags));
}

/** What file and flags say together, with the place of the data. @throws ConfigurationError where they contradict */
export function effectiveInput(file: PartialConfiguration, flags: PartialConfiguration): PartialConfiguration {
  const given = mergeConfigurations(file, flags);
  const isNamed = flags.data !== undefined && flags.data !== process.env.DUNLIN_DATA;
  if (isNamed && given.durability === 'memory') throw nothingKept(flags.data as string);
  const data = given.durability === 'memory' ? undefined : (given.data ?? defaultDataDirectory());
  return { ...given, data };
}

/**
 * File and environment may have both, so that a flag can leave their directory alone for once; who names one expects it to
 * be used.
 */
function nothingKept(data: string): ConfigurationError {
  return new ConfigurationError([
    `--data is ${quoted(data)} and durability is "memory", which keeps nothing: one of both is expected`,
  ]);
}
