/** Says what is wrong with a PEM before OpenSSL does: mostly its line breaks were lost on the way through a setting. */

import { MqttError } from './errors.ts';

const BEGIN = '-----BEGIN ';
const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----([\s\S]*?)-----END \1-----/g;

/**
 * Throws `MqttError` 'invalid', which names the option and never repeats the text, unless every block of `pem` has its
 * lines and one of them is a `kind`.
 */
export function checkPem(option: string, pem: string | Uint8Array, kind: 'CERTIFICATE' | 'PRIVATE KEY'): void {
  const text = typeof pem === 'string' ? pem : new TextDecoder('latin1').decode(pem);
  const fault = faultOf(text, kind);
  if (fault !== undefined) throw new MqttError('invalid', `Cannot use ${option}: ${fault}`);
}

function faultOf(text: string, kind: string): string | undefined {
  if (!text.includes(BEGIN)) {
    return 'it holds no "-----BEGIN", PEM text is expected; tlsFiles() of @dunlin/client/node reads files';
  }
  const blocks = [...text.matchAll(BLOCK)];
  if (blocks.length === 0 || blocks.length < text.split(BEGIN).length - 1) {
    return 'a block has no "-----END" of its own: it is cut off';
  }
  if (text.includes('\\n')) {
    return 'its line breaks were lost: "\\n" stands in it as two characters, where line breaks are expected';
  }
  for (const [, , body] of blocks) {
    if (!/^\r?\n[\s\S]*\r?\n$/.test(body)) {
      return 'its line breaks were lost: it is one line, and line breaks are expected behind BEGIN and before END';
    }
  }
  const names = blocks.map(([, name]) => name);
  if (names.some((name) => name.endsWith(kind))) return undefined;
  return `it holds ${names.join(' and ')}, ${kind} is expected`;
}
