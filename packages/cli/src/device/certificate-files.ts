/** The files of an issued certificate: made before it is asked for, so that no key is lost for want of a place. */

import { closeSync, fsyncSync, linkSync, lstatSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { localError } from '../exit-codes.ts';
import { systemReason } from '../system-reason.ts';
import type { IssuedCertificateAnswer } from './answers.ts';

interface Place {
  readonly file: string;
  readonly temporary: string;
  readonly descriptor: number;
  readonly what: string;
  readonly text: (issued: IssuedCertificateAnswer) => string | undefined;
}

const FILES = [
  ['ca.pem', 'who vouches for the server: whom the device trusts', 0o644, 'authorities'],
  ['cert.pem', 'the certificate, and those between it and the root: what the device shows', 0o644, 'chain'],
  ['key.pem', 'its private key: nobody else has it', 0o600, 'key'],
] as const;

export class CertificateFiles {
  readonly #places: Place[] = [];
  readonly #force: boolean;
  readonly #directory: string;

  /** Begins the files beside their places. Throws a local error where one is there, but for `force`, or cannot be made. */
  constructor(directory: string, { hasKey, force }: { readonly hasKey: boolean; readonly force: boolean }) {
    this.#directory = directory;
    this.#force = force;
    try {
      if (!isThere(directory)) mkdirSync(directory, { mode: 0o700 });
      for (const [name, what, mode, part] of FILES) {
        if (part === 'key' && !hasKey) continue;
        const file = join(directory, name);
        if (!force && isThere(file))
          throw localError(`Cannot write ${file}: it is there; --force puts the new one in its place`);
        const temporary = `${file}.new-${process.pid}`;
        const descriptor = openSync(temporary, 'wx', mode);
        this.#places.push({ file, temporary, descriptor, what, text: (issued) => issued[part] });
      }
    } catch (error) {
      this.close();
      throw failure(directory, error);
    }
  }

  /** Writes them and puts them in their places, which they are in for good when it returns. Throws a local error. */
  write(issued: IssuedCertificateAnswer): readonly { readonly file: string; readonly what: string }[] {
    try {
      for (const { descriptor, text } of this.#places) {
        writeSync(descriptor, text(issued) ?? '');
        fsyncSync(descriptor);
      }
      for (const { file, temporary } of this.#places)
        if (this.#force) renameSync(temporary, file);
        else linkSync(temporary, file);
    } catch (error) {
      const hint = `\nThe certificate ${issued.serial} was issued all the same: dunlin device revoke ID --serial ${issued.serial}`;
      throw localError(`${failure(this.#directory, error).message}${hint}`);
    }
    return this.#places;
  }

  /** Takes away what was not put in its place. */
  close(): void {
    for (const { descriptor, temporary } of this.#places) {
      closeSync(descriptor);
      rmSync(temporary, { force: true });
    }
    this.#places.length = 0;
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
