/** Reads files that the configuration names. */
import { readFileSync } from 'node:fs';
import { ConfigurationError } from './configuration.ts';

/** @throws ConfigurationError that says what the file was to be */
export function readNamedFile(path: string, what: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reasons: Readonly<Record<string, string>> = {
      ENOENT: 'there is no such file',
      EACCES: 'this user may not read it',
      EISDIR: 'it is a folder',
    };
    throw new ConfigurationError([
      `Cannot read ${what} from ${JSON.stringify(path)}: ${reasons[code ?? ''] ?? message}`,
    ]);
  }
}
