/** What fuzzing begins with: the golden vectors of the protocol package. */
import { readdirSync, readFileSync } from 'node:fs';
import type { ProtocolVersion, Side } from '@dunlin/protocol';

export interface Seedling {
  readonly bytes: Buffer;
  readonly version: ProtocolVersion;
  readonly receiver: Side;
  /** Whether it decodes. */
  readonly isValid: boolean;
}

interface Vector {
  readonly version: ProtocolVersion;
  readonly receiver: Side;
  readonly bytes: string;
  readonly error?: unknown;
}

const directory = new URL('../../packages/protocol/vectors/', import.meta.url);

/** Every golden vector, valid or not, in the order of the files. */
export const CORPUS: readonly Seedling[] = readdirSync(directory)
  .filter((name) => name.endsWith('.json'))
  .sort()
  .flatMap((name) => JSON.parse(readFileSync(new URL(name, directory), 'utf8')) as Vector[])
  .map(({ bytes, version, receiver, error }) => ({
    bytes: Buffer.from(bytes, 'hex'),
    version,
    receiver,
    isValid: error === undefined,
  }));
