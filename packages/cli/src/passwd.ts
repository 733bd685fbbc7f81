/** `dunlin passwd`: users and passwords in files, and hashes for the configuration. */

import { existsSync } from 'node:fs';
import { CommandError, ExitCode, localError, usageError } from './exit-codes.ts';
import { type PasswdRequest, type PasswordKind, readPasswdFlags } from './passwd-flags.ts';
import { newPassword } from './secrets.ts';
import type { Terminal } from './terminal.ts';

type Identity = typeof import('@dunlin/identity');
type Of<Action extends PasswdRequest['action']> = Extract<PasswdRequest, { action: Action }>;

/** Runs the command and returns its exit code. Rejects with what `failureOf` understands. */
export async function passwd(argv: readonly string[], terminal: Terminal): Promise<number> {
  const request = readPasswdFlags(argv);
  // Loaded when asked for: `pub` and `sub` start faster without it.
  const identity = await import('@dunlin/identity');
  try {
    await perform(identity, request, terminal);
    return ExitCode.done;
  } catch (error) {
    if (error instanceof CommandError) throw error;
    if (error instanceof identity.ScramError) throw usageError(error.message);
    if (error instanceof identity.CredentialFileError) throw localError(error.message);
    if (error instanceof Error && 'syscall' in error) throw localError(`Cannot write the file: ${error.message}`);
    throw error;
  }
}

/** What a script reads goes to the output, what was done to a file, for a person, to the errors. */
async function perform(identity: Identity, request: PasswdRequest, terminal: Terminal): Promise<void> {
  switch (request.action) {
    case 'set':
    case 'create':
      terminal.errors.write(await setPassword(identity, request, terminal));
      return;
    case 'delete':
      terminal.errors.write(deleteUser(identity, request));
      return;
    case 'upgrade':
      terminal.output.write(await upgrade(identity, request));
      return;
    case 'hash': {
      const password = await newPassword(terminal, request.passwordFile, 'the hash');
      terminal.output.write(`${await credentialOf(identity, password, request.kind)}\n`);
    }
  }
}

async function setPassword(
  identity: Identity,
  { action, file, user, kind, passwordFile }: Of<'set' | 'create'>,
  terminal: Terminal,
): Promise<string> {
  const isScram = kind.startsWith('SCRAM');
  const problem = identity.userProblem(user) ?? (isScram ? identity.scramTextProblem(user) : undefined);
  if (problem !== undefined) throw usageError(`Cannot use the user ${JSON.stringify(user)}: ${problem}`);
  const isThere = existsSync(file);
  if (action === 'create' && isThere)
    throw localError(`Cannot begin ${file}: it is there; leave out -c to add a user, or remove it first`);
  if (action === 'set' && !isThere) throw localError(`Cannot open ${file}: it is not there; -c begins it`);
  const text = isThere ? identity.readCredentialText(file) : '';
  // A file of the other kind, or one with a fault, would make the server refuse it: say so now.
  if (isScram) identity.parseCredentials(file, text, identity.parseScramCredential, ({ mechanism }) => mechanism);
  else identity.parseCredentials(file, text, identity.parseHash);
  const password = await newPassword(terminal, passwordFile, user);
  const credential = await credentialOf(identity, password, kind);
  const replaces = isScram ? (former: string) => former.startsWith(`${kind}$`) : undefined;
  const isKnown = identity.withCredential(text, user, undefined, replaces) !== text;
  identity.replaceFile(file, identity.withCredential(text, user, credential, replaces));
  return doneText(isKnown ? 'changed' : 'added', user);
}

function deleteUser(identity: Identity, { file, user }: Of<'delete'>): string {
  const text = identity.readCredentialText(file);
  const changed = identity.withCredential(text, user, undefined);
  if (changed === text) throw localError(`Cannot delete ${JSON.stringify(user)}: ${file} has no such user`);
  identity.replaceFile(file, changed);
  return doneText('removed', user);
}

function doneText(what: string, user: string): string {
  return `${what} ${JSON.stringify(user)}; a running server reads the file at "dunlin reload"\n`;
}

async function upgrade(identity: Identity, { file, kind }: Of<'upgrade'>): Promise<string> {
  const text = identity.readCredentialText(file);
  // A hash with a fault is none to be hashed once more: that would bury it.
  const read = identity.parseCredentials(file, text, (former) => {
    if (former === '') throw new Error('the password is empty, expected one');
    return isMeantAsHash(former) ? identity.parseHash(former) : undefined;
  });
  const count = read.filter(({ value }) => value === undefined).length;
  const changed = await identity.withEveryCredential(text, async (former) =>
    isMeantAsHash(former) ? former : credentialOf(identity, former, kind),
  );
  if (count > 0) identity.replaceFile(file, changed);
  return `${count} ${count === 1 ? 'password' : 'passwords'} of ${file} hashed\n`;
}

function isMeantAsHash(text: string): boolean {
  return /^(\$\w+\$|SCRAM-)/.test(text);
}

function credentialOf(identity: Identity, password: string, kind: PasswordKind): Promise<string> {
  if (kind === 'SCRAM-SHA-256' || kind === 'SCRAM-SHA-512') return identity.writeScramCredential(password, kind);
  return identity.hashPassword(Buffer.from(password), kind);
}
