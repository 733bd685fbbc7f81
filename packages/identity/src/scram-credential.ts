/** What a server keeps of a password for SCRAM (RFC 5802, 7677): enough to check it, not enough to pretend to have it. */
import { createHash, createHmac, pbkdf2, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { readBase64 } from './base64.ts';

const compute = promisify(pbkdf2);

/** Mechanisms, named as Authentication Methods of MQTT are. */
export type ScramMechanism = 'SCRAM-SHA-256' | 'SCRAM-SHA-512';

/** Node's name of the hash, and its bytes. */
export const SCRAM_MECHANISMS: Readonly<Record<ScramMechanism, { readonly hash: string; readonly bytes: number }>> = {
  'SCRAM-SHA-256': { hash: 'sha256', bytes: 32 },
  'SCRAM-SHA-512': { hash: 'sha512', bytes: 64 },
};

export interface ScramCredential {
  readonly mechanism: ScramMechanism;
  /** The client computes that many; the server none. */
  readonly iterations: number;
  readonly salt: Buffer;
  readonly storedKey: Buffer;
  readonly serverKey: Buffer;
  /** As it stands in a file. */
  readonly text: string;
}

/** A text is no SCRAM credential, or a password or user name is none that SCRAM can carry. Repeats nothing of it. */
export class ScramError extends Error {
  override readonly name = 'ScramError';
  readonly code = 'scram';
}

/** RFC 7677 asks for no less. */
const ITERATIONS_MIN = 4_096;
/** A client that is asked for more would take minutes, and a small device for ever. */
const ITERATIONS_MAX = 1_000_000;
/** As RFC 7677 recommends: every device that connects computes them. */
const ITERATIONS_WRITTEN = 15_000;
const SALT_BYTES_MIN = 8;
const SALT_BYTES_MAX = 64;
const SALT_BYTES_WRITTEN = 16;

/** What an unknown user looks like where there is no known one. */
export const SCRAM_WRITTEN = { iterations: ITERATIONS_WRITTEN, saltBytes: SALT_BYTES_WRITTEN };

/** Reads `SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey` (RFC 5803). Throws a `ScramError`. */
export function parseScramCredential(text: string): ScramCredential {
  const found = /^([\w-]+)\$(\d{1,9}):([^$:]+)\$([^$:]+):([^$:]+)$/.exec(text);
  if (found === null || !Object.hasOwn(SCRAM_MECHANISMS, found[1])) {
    const names = Object.keys(SCRAM_MECHANISMS).join(' or ');
    throw credentialError(
      `${names} and $iterations:salt$StoredKey:ServerKey are expected; dunlin passwd --hash --scram 256 makes one`,
    );
  }
  const mechanism = found[1] as ScramMechanism;
  const iterations = Number(found[2]);
  if (iterations < ITERATIONS_MIN || iterations > ITERATIONS_MAX)
    throw credentialError(`it has ${iterations} iterations, ${ITERATIONS_MIN} to ${ITERATIONS_MAX} are expected`);
  const [salt, storedKey, serverKey] = found.slice(3).map(readBase64);
  if (salt === undefined || salt.length < SALT_BYTES_MIN || salt.length > SALT_BYTES_MAX)
    throw credentialError(`a salt of ${SALT_BYTES_MIN} to ${SALT_BYTES_MAX} bytes in Base64 is expected`);
  const { bytes } = SCRAM_MECHANISMS[mechanism];
  if (storedKey?.length !== bytes || serverKey?.length !== bytes)
    throw credentialError(`keys of ${bytes} bytes in Base64 are expected`);
  return { mechanism, iterations, salt, storedKey, serverKey, text };
}

/** A new credential for the password, with a salt of its own. Rejects with a `ScramError`. */
export async function writeScramCredential(password: string, mechanism: ScramMechanism): Promise<string> {
  const problem = scramTextProblem(password);
  if (problem !== undefined) throw new ScramError(`Cannot use the password with SCRAM: ${problem}`);
  const { hash, bytes } = SCRAM_MECHANISMS[mechanism];
  const salt = randomBytes(SALT_BYTES_WRITTEN);
  const salted = await compute(password, salt, ITERATIONS_WRITTEN, bytes, hash);
  const clientKey = createHmac(hash, salted).update('Client Key').digest();
  const storedKey = createHash(hash).update(clientKey).digest();
  const serverKey = createHmac(hash, salted).update('Server Key').digest();
  const [saltText, storedText, serverText] = [salt, storedKey, serverKey].map((part) => part.toString('base64'));
  return `${mechanism}$${ITERATIONS_WRITTEN}:${saltText}$${storedText}:${serverText}`;
}

/**
 * What keeps a user name or password from being used, or undefined.
 *
 * SCRAM has both prepared by SASLprep (RFC 4013), so that two spellings of one text are one. Only text that it leaves as
 * it is passes: anything to be mapped, normalised or forbidden is refused, on both sides alike. Its rule on mixing
 * directions of writing is not checked.
 */
export function scramTextProblem(text: string): string | undefined {
  if (text === '') return 'it is empty';
  if (/[\p{C}\p{Default_Ignorable_Code_Point}]/u.test(text)) return 'it holds a control or invisible character';
  if (/[\p{Z}--[ ]]/v.test(text)) return 'it holds a blank other than U+0020';
  return text === text.normalize('NFKC') ? undefined : 'it is not in the normal form NFKC';
}

function credentialError(why: string): ScramError {
  return new ScramError(`Cannot use the SCRAM credential: ${why}`);
}
