/** The messages of a SCRAM client (RFC 5802, section 7), read strictly. */
import { readBase64 } from './base64.ts';

/** More is no SCRAM message that anybody sends. A user name of MQTT may be longer; one for SCRAM may not. */
const MESSAGE_BYTES_MAX = 4_096;
const NONCE_CHARACTERS_MAX = 256;

export interface ClientFirst {
  readonly username: string;
  readonly nonce: string;
  /** The gs2-header, which client-final repeats. */
  readonly header: string;
  /** What both sides sign. */
  readonly bare: string;
}

export interface ClientFinal {
  /** The gs2-header again. */
  readonly header: Buffer;
  readonly nonce: string;
  readonly proof: Buffer;
  /** What both sides sign. */
  readonly withoutProof: string;
}

/** Client-first, or a text that says what is wrong with it. Extensions behind the nonce say nothing. */
export function parseClientFirst(data: Uint8Array | undefined): ClientFirst | string {
  const text = textOf(data);
  if (text === undefined) return 'client-first is missing, too long or not UTF-8';
  const found = /^((n|y|p=[^,]*),(a=[^,]*)?,)((m=)?.*)$/s.exec(text);
  if (found === null) return 'client-first has no gs2-header';
  const [, header, binding, authzid, bare, mandatory] = found;
  // No mechanism with -PLUS is offered, so "y" is as it should be.
  if (binding.startsWith('p')) return 'channel binding is not offered';
  if (mandatory !== undefined) return 'a mandatory extension is not known';
  const parts = /^n=([^,]*),r=([\x21-\x2b\x2d-\x7e]+)(,.*)?$/s.exec(bare);
  if (parts === null || parts[2].length > NONCE_CHARACTERS_MAX) return 'client-first has no user name or nonce';
  const username = unescaped(parts[1]);
  if (username === undefined) return '"=" in the user name is neither =2C nor =3D';
  if (authzid !== undefined && unescaped(authzid.slice(2)) !== username) return 'it wants to act as another user';
  return { username, nonce: parts[2], header, bare };
}

/** The user that client-first names; undefined where it is none. */
export function usernameOfClientFirst(data: Uint8Array | undefined): string | undefined {
  const first = parseClientFirst(data);
  return typeof first === 'string' ? undefined : first.username;
}

/** Client-final, or a text that says what is wrong with it. */
export function parseClientFinal(data: Uint8Array | undefined): ClientFinal | string {
  const text = textOf(data);
  if (text === undefined) return 'client-final is missing, too long or not UTF-8';
  const found = /^(c=([^,]*),r=([^,]*)(?:,[A-Za-z]=[^,]*)*),p=([^,]*)$/s.exec(text);
  const header = readBase64(found?.[2] ?? '=');
  const proof = readBase64(found?.[4] ?? '=');
  if (found === null || header === undefined || proof === undefined) return 'client-final is malformed';
  return { header, nonce: found[3], proof, withoutProof: found[1] };
}

function textOf(data: Uint8Array | undefined): string | undefined {
  if (data === undefined || data.length > MESSAGE_BYTES_MAX) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data);
  } catch {
    return undefined;
  }
}

function unescaped(name: string): string | undefined {
  if (/=(?!2C|3D)/.test(name)) return undefined;
  return name.replaceAll('=2C', ',').replaceAll('=3D', '=');
}
