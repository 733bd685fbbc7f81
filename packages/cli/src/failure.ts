/** What the user reads when a command fails, and the exit code it ends with. */

import { MqttError } from '@dunlin/client';
import { MqttError as ProtocolError } from '@dunlin/protocol';
import { CommandError, ExitCode } from './exit-codes.ts';

/** A failure as the tool tells it. */
export interface Failure {
  readonly exitCode: number;
  /** A sentence; a hint may follow on lines of its own. */
  readonly text: string;
  /** The command line is wrong: told even with `--quiet`. */
  readonly isUsage: boolean;
}

/** Turns whatever a command threw into words and an exit code. */
export function failureOf(error: unknown): Failure {
  if (error instanceof CommandError) {
    return { exitCode: error.exitCode, text: error.message, isUsage: error.exitCode === ExitCode.usage };
  }
  if (error instanceof MqttError) return clientFailure(error);
  if (error instanceof ProtocolError) return { exitCode: ExitCode.network, text: error.message, isUsage: false };
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { exitCode: ExitCode.local, text: `This is a fault of dunlin: ${text}`, isUsage: false };
}

function clientFailure(error: MqttError): Failure {
  const hint = hintFor(error);
  const text = hint === undefined ? error.message : `${error.message}\n${hint}`;
  return { exitCode: exitCodeOf(error), text, isUsage: false };
}

function exitCodeOf({ code, reasonCode }: MqttError): number {
  if (reasonCode !== undefined && reasonCode >= 0x80) return reasonCode;
  return code === 'invalid' || code === 'not-supported' ? ExitCode.usage : ExitCode.network;
}

function hintFor(error: MqttError): string | undefined {
  if (error.code === 'connection-failed' || error.code === 'tls') return connectHint(error);
  if (error.code !== 'refused' && error.code !== 'server-disconnected') return undefined;
  switch (error.reasonCode) {
    case 0x85:
      return 'The server does not take this Client Identifier: try another with -i.';
    case 0x86:
      return 'Check the user name (-u) and the password (-P).';
    case 0x87:
      return 'Check the user name (-u), and what the server lets it do.';
    case 0x8e:
      return 'Another client connected with the same Client Identifier: each needs its own (-i).';
    default:
      return undefined;
  }
}

const NOT_SIGNED = 'Name the authority that signed it with --cafile.';
/** What to try where a certificate is not believed, by the code of the failure. */
export const TRUST_HINTS: Readonly<Record<string, string>> = {
  CERT_SIGNATURE_FAILURE: NOT_SIGNED,
  DEPTH_ZERO_SELF_SIGNED_CERT: NOT_SIGNED,
  SELF_SIGNED_CERT_IN_CHAIN: NOT_SIGNED,
  UNABLE_TO_GET_ISSUER_CERT: NOT_SIGNED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: NOT_SIGNED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: NOT_SIGNED,
};
/** What to try, by the code of what kept a connection from coming about. */
const CONNECT_HINTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Start a server with "npm start" or "dunlin serve", or name another one with -h and -p.',
  ENOTFOUND: 'Check the host name (-h).',
  EAI_AGAIN: 'Check the host name (-h).',
  ENOENT: 'Check the path of the Unix socket (--unix).',
  ...TRUST_HINTS,
  ERR_TLS_CERT_ALTNAME_INVALID: 'Connect to a name that it is of (-h), or say which one is expected with --servername.',
  ERR_SSL_WRONG_VERSION_NUMBER: 'Another port may speak TLS (-p), such as 8883; without TLS it is mqtt:// or ws://.',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'Another port may speak TLS (-p), such as 8883; without TLS it is mqtt:// or ws://.',
  DUNLIN_TLS_SETTINGS: 'Check --cert and --key; the password of an encrypted key comes from --key-pw-file.',
  DUNLIN_HTTP_STATUS: 'Check the path of the URL, such as ws://host:port/mqtt.',
};

function connectHint(error: MqttError): string | undefined {
  const code = (error.cause as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' && Object.hasOwn(CONNECT_HINTS, code) ? CONNECT_HINTS[code] : undefined;
}
