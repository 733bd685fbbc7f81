/** Reads files that the configuration names, as parts of it: what is wrong with one is wrong with the configuration. */
import { NamedFileError, readNamedFile } from '@dunlin/identity';
import { ConfigurationError } from './configuration.ts';

/** @throws ConfigurationError that says what the file was to be */
export function readConfiguredFile(path: string, what: string): Buffer {
  try {
    return readNamedFile(path, what);
  } catch (error) {
    throw error instanceof NamedFileError ? new ConfigurationError([error.message]) : error;
  }
}
