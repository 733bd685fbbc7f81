/** Turns a value that cannot be decoded into an error that names its key. */
import { keyName } from './keys.ts';
import { DamagedValue } from './reader.ts';
import { StoreError } from './store-error.ts';

/** @throws StoreError 'damaged' */
export function decoded<T>(key: Uint8Array, value: Buffer, decode: (value: Buffer) => T): T {
  try {
    return decode(value);
  } catch (error) {
    if (!(error instanceof DamagedValue)) throw error;
    throw damaged(key, error.message, error);
  }
}

const ADVICE = '; restore a backup';

export function damaged(key: Uint8Array, found: string, cause?: unknown): StoreError {
  return new StoreError('damaged', `Cannot read ${keyName(key)}: ${found}${ADVICE}`, cause);
}

/** What is wrong, for a list of it: without the advice, which would stand there many times. */
export function findingOf({ message }: Error): string {
  return message.endsWith(ADVICE) ? message.slice(0, -ADVICE.length) : message;
}
