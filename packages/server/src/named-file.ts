/** Reads files that the configuration names. */
import { readFileSync, statSync } from 'node:fs';
import { ConfigurationError } from './configuration.ts';

/** @throws ConfigurationError that says what the file was to be */
export function readNamedFile(path: string, what: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reasons: Readonly<Record<string, string>> = {
      ENOENT: 'there is no such file',
      EACCES: notAllowed(path),
      EISDIR: 'it is a folder',
    };
    throw new ConfigurationError([
      `Cannot read ${what} from ${JSON.stringify(path)}: ${reasons[code ?? ''] ?? message}`,
    ]);
  }
}

function notAllowed(path: string): string {
  const user = `user ${process.geteuid?.()}, as whom this server runs, may not read it`;
  try {
    const { uid, gid, mode } = statSync(path);
    const rights = (mode & 0o777).toString(8).padStart(4, '0');
    return `${user}: it belongs to user ${uid} and group ${gid} with mode ${rights}; give it to one of them that the server has`;
  } catch {
    return `${user}: a folder above it is closed to this user`;
  }
}
