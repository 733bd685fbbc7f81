/** Makes a connected client from options and a way to dial; knows no transport by name. */

import { PacketWriter, writeClientPacket } from '@dunlin/protocol';
import type { Wire } from '@dunlin/transport';
import { Client } from './client.ts';
import { ClientError } from './errors.ts';
import { aborted } from './operation.ts';
import { type ConnectOptions, settingsOf } from './options.ts';

/** Makes a wire; gives up when the signal says so. */
export type Dial = (bounds: { readonly signal: AbortSignal; readonly timeoutMs: number }) => Promise<Wire>;

/**
 * Connects over a wire that `dial` makes, or over `options.wire`.
 *
 * Settles with a client whose CONNECT the server has accepted. Rejects with `ClientError`: 'refused' (by Reason Code),
 * 'connection-failed', 'connection-lost', 'timed-out' (`connectTimeoutMs`), 'aborted', 'invalid',
 * 'not-supported'; or with `MqttError` for a CONNECT that cannot be written or an answer that breaks the standard.
 */
export async function connectOver(dial: Dial, options: ConnectOptions): Promise<Client> {
  const settings = settingsOf(options);
  // What cannot be written is told before anything is dialled.
  writeClientPacket(new PacketWriter(), settings.connect, settings.connect.protocolVersion);
  const { signal, connectTimeoutMs } = settings;
  if (signal?.aborted) throw aborted('Cannot connect', signal);

  const bounds = new AbortController();
  const giveUp = (error: ClientError): void => bounds.abort(error);
  const onAbort = (): void => giveUp(aborted('Cannot connect', signal));
  signal?.addEventListener('abort', onAbort);
  const timer = setTimeout(() => giveUp(timedOutConnecting(connectTimeoutMs)), connectTimeoutMs);
  try {
    const wire = options.wire ?? (await dialled(dial, bounds.signal, connectTimeoutMs));
    return await new Promise<Client>((resolve, reject) => {
      const client = new Client(settings, wire, { resolve, reject });
      const abandon = (): void => client.abandon(bounds.signal.reason as ClientError);
      bounds.signal.addEventListener('abort', abandon);
      if (bounds.signal.aborted) abandon();
    });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}

async function dialled(dial: Dial, signal: AbortSignal, timeoutMs: number): Promise<Wire> {
  try {
    return await dial({ signal, timeoutMs });
  } catch (cause) {
    if (signal.aborted) throw signal.reason;
    throw cause instanceof ClientError
      ? cause
      : new ClientError('connection-failed', (cause as Error).message, { cause });
  }
}

function timedOutConnecting(timeoutMs: number): ClientError {
  return new ClientError('timed-out', `Cannot connect: no answer within ${timeoutMs} ms`);
}
