/** Files of lines `user:credential`, as mosquitto_passwd writes them: read with every fault named, and edited in place. */
import { NamedFileError, readNamedFile } from './named-file.ts';

/** Bytes: half a million users. */
export const CREDENTIAL_FILE_BYTES_MAX = 67_108_864;

/** Faults that one error names; more are counted. */
const PROBLEMS_SHOWN = 20;

/** A file of credentials cannot be used. Says where, and repeats no credential. */
export class CredentialFileError extends Error {
  override readonly name = 'CredentialFileError';
  readonly code = 'credential-file';
  readonly file: string;

  constructor(file: string, problems: readonly string[]) {
    const more = problems.length > PROBLEMS_SHOWN ? [`and ${problems.length - PROBLEMS_SHOWN} more`] : [];
    super([`Cannot use ${file}:`, ...problems.slice(0, PROBLEMS_SHOWN), ...more].join('\n  '));
    this.file = file;
  }
}

/** One line, read. */
export interface Credential<Value> {
  readonly user: string;
  /** From 1. */
  readonly line: number;
  readonly value: Value;
}

/** The text of the file. Throws a `CredentialFileError` where it cannot be read or is too large. */
export function readCredentialText(file: string): string {
  try {
    return readNamedFile(file, 'credentials', CREDENTIAL_FILE_BYTES_MAX).toString('utf8');
  } catch (error) {
    throw error instanceof NamedFileError ? new CredentialFileError(file, [error.message]) : error;
  }
}

/**
 * The credentials of a text in their order. Lines that are empty or begin with `#` say nothing; blanks around a line and
 * a user name do not count.
 *
 * `parse` reads what stands behind the first colon and throws what is wrong with it; `kindOf` tells apart credentials of
 * which a user may have one each. Throws a `CredentialFileError` that names every line at fault.
 */
export function parseCredentials<Value>(
  file: string,
  text: string,
  parse: (credential: string) => Value,
  kindOf: (value: Value) => string = () => '',
): Credential<Value>[] {
  const credentials: Credential<Value>[] = [];
  const problems: string[] = [];
  const lineOf = new Map<string, number>();
  for (const [index, written] of text.split('\n').entries()) {
    const line = index + 1;
    const parts = partsOf(written);
    if (parts === undefined) continue;
    try {
      if (parts.credential === undefined) throw new Error('expected "user:credential", there is no ":"');
      const problem = userProblem(parts.user);
      if (problem !== undefined) throw new Error(problem);
      const value = parse(parts.credential);
      const key = `${parts.user}\0${kindOf(value)}`;
      const former = lineOf.get(key);
      if (former !== undefined) throw new Error(`the user of line ${former} is here again, expected once`);
      lineOf.set(key, line);
      credentials.push({ user: parts.user, line, value });
    } catch (error) {
      problems.push(`${file}:${line}: ${(error as Error).message}`);
    }
  }
  if (problems.length > 0) throw new CredentialFileError(file, problems);
  return credentials;
}

/**
 * The text with another credential for the user: in place of the first one that `replaces` says yes to, or behind all.
 * Undefined removes them. Every other line stays as it is.
 */
export function withCredential(
  text: string,
  user: string,
  credential: string | undefined,
  replaces: (credential: string) => boolean = () => true,
): string {
  let next = credential === undefined ? undefined : `${user}:${credential}`;
  const lines = text.split('\n').flatMap((line) => {
    const parts = partsOf(line);
    if (parts?.user !== user || !replaces(parts.credential ?? '')) return [line];
    const here = next === undefined ? [] : [next];
    next = undefined;
    return here;
  });
  if (next === undefined) return lines.join('\n');
  if (lines.at(-1) === '') lines.pop();
  return `${[...lines, next].join('\n')}\n`;
}

/** The text with what `change` makes of every credential; a line without a colon stays as it is. */
export async function withEveryCredential(
  text: string,
  change: (credential: string) => Promise<string>,
): Promise<string> {
  const lines: string[] = [];
  for (const line of text.split('\n')) {
    const parts = partsOf(line);
    if (parts?.credential === undefined) lines.push(line);
    else lines.push(`${parts.user}:${await change(parts.credential)}`);
  }
  return lines.join('\n');
}

/** What is wrong with a user name, or undefined: it stands before a colon on a line, and MQTT has no control characters. */
export function userProblem(user: string): string | undefined {
  if (user === '') return 'there is no user name';
  if (user.includes(':')) return 'the user name holds ":", which ends it in such a file';
  if (user.startsWith('#')) return 'the user name begins with "#", which is for comments';
  if (user !== user.trim()) return 'the user name begins or ends with a blank';
  if (/[\p{Cc}\u2028\u2029]/u.test(user)) return 'the user name holds a control character';
  if (user.includes('\ufffd') || !user.isWellFormed()) return 'the user name is not UTF-8';
  return Buffer.byteLength(user) > 65_535 ? 'the user name has more than 65535 bytes, more than MQTT has' : undefined;
}

function partsOf(line: string): { user: string; credential: string | undefined } | undefined {
  const content = line.trim();
  if (content === '' || content.startsWith('#')) return undefined;
  const colon = content.indexOf(':');
  if (colon < 0) return { user: content, credential: undefined };
  return { user: content.slice(0, colon).trim(), credential: content.slice(colon + 1).trim() };
}
