/** The files of an issued certificate: made before it is asked for, so that no key is lost for want of a place. */

import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { FileSet } from '@dunlin/client/node';
import { localError } from '../exit-codes.ts';
import { systemReason } from '../system-reason.ts';
import type { IssuedCertificateAnswer } from './answers.ts';

const FILES = [
  ['ca.pem', 'who vouches for the server: whom the device trusts', 0o644, 'authorities'],
  ['cert.pem', 'the certificate, and those between it and the root: what the device shows', 0o644, 'chain'],
  ['key.pem', 'its private key: nobody else has it', 0o600, 'key'],
] as const;

export class CertificateFiles {
  readonly #directory: string;
  readonly #files: readonly (typeof FILES)[number][];
  readonly #set: FileSet;

  /** Begins the files beside their places. Throws a local error where one is there, but for `force`, or cannot be made. */
  constructor(directory: string, { hasKey, force }: { readonly hasKey: boolean; readonly force: boolean }) {
    this.#directory = directory;
    this.#files = FILES.filter(([, , , part]) => part !== 'key' || hasKey);
    try {
      const there = this.#files.map(([name]) => join(directory, name)).find(isThere);
      if (!force && there !== undefined)
        throw localError(`Cannot write ${there}: it is there; --force puts the new one in its place`);
      const modes = Object.fromEntries(this.#files.map(([name, , mode]) => [name, mode]));
      this.#set = new FileSet(directory, modes, { replaces: force });
    } catch (error) {
      throw failure(directory, error);
    }
  }

  /** Writes them and puts them in their places all at once, for good when it returns. Throws a local error. */
  write(issued: IssuedCertificateAnswer): readonly { readonly file: string; readonly what: string }[] {
    try {
      this.#set.commit(Object.fromEntries(this.#files.map(([name, , , part]) => [name, issued[part] ?? ''])));
    } catch (error) {
      const hint = `\nThe certificate ${issued.serial} was issued all the same: dunlin device revoke ID --serial ${issued.serial}`;
      throw localError(`${failure(this.#directory, error).message}${hint}`);
    }
    return this.#files.map(([name, what]) => ({ file: join(this.#directory, name), what }));
  }

  /** Takes away what was not put in its place. */
  close(): void {
    this.#set.close();
  }
}

function isThere(file: string): boolean {
  return lstatSync(file, { throwIfNoEntry: false }) !== undefined;
}

function failure(directory: string, error: unknown): Error {
  return error instanceof Error && 'syscall' in error
    ? localError(`Cannot write the certificate into ${directory}: ${systemReason(error)}`)
    : (error as Error);
}
