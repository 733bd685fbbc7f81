/** Makes a connected client from options and a way to dial; knows no transport by name. */

import { PacketWriter, writeClientPacket } from '@dunlin/protocol';
import type { Wire } from '@dunlin/transport';
import { Client } from './client.ts';
import { MqttError, mqttError } from './errors.ts';
import { aborted } from './operation.ts';
import { settingsOf, type WiredOptions } from './settings.ts';

/** Makes a wire; gives up when the signal says so. */
export type DialWithin = (bounds: { readonly signal: AbortSignal; readonly timeoutMs: number }) => Promise<Wire>;

/**
 * Connects over a wire that `dial` makes, or over `options.wire`.
 *
 * Settles with a client whose CONNECT the server has accepted. Rejects with `MqttError`: 'refused' (by Reason Code),
 * 'connection-failed', 'connection-lost', 'timed-out' (`connectTimeoutMs`), 'aborted', 'invalid',
 * 'not-supported'; and the codes of the protocol for a CONNECT that cannot be written or an answer that breaks the standard.
 */
export async function connectOver(dial: DialWithin, options: WiredOptions): Promise<Client> {
  const settings = settingsOf(options);
  // What cannot be written is told before anything is dialled.
  try {
    writeClientPacket(new PacketWriter(), settings.connect, settings.connect.protocolVersion);
  } catch (error) {
    throw mqttError(error);
  }
  const { signal, connectTimeoutMs } = settings;
  if (signal?.aborted) throw aborted('Cannot connect', signal);

  const bounds = new AbortController();
  const giveUp = (error: MqttError): void => bounds.abort(error);
  const onAbort = (): void => giveUp(aborted('Cannot connect', signal));
  signal?.addEventListener('abort', onAbort);
  const timer = setTimeout(() => giveUp(timedOutConnecting(connectTimeoutMs)), connectTimeoutMs);
  try {
    const wire = options.wire ?? (await dialled(dial, bounds.signal, connectTimeoutMs));
    return await new Promise<Client>((resolve, reject) => {
      const client = new Client(settings, wire, { resolve, reject });
      const abandon = (): void => client.abandon(bounds.signal.reason as MqttError);
      bounds.signal.addEventListener('abort', abandon);
      if (bounds.signal.aborted) abandon();
    });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}

async function dialled(dial: DialWithin, signal: AbortSignal, timeoutMs: number): Promise<Wire> {
  try {
    return await dial({ signal, timeoutMs });
  } catch (cause) {
    if (signal.aborted) throw signal.reason;
    throw mqttError(cause, 'connection-failed');
  }
}

function timedOutConnecting(timeoutMs: number): MqttError {
  return new MqttError('timed-out', `Cannot connect: no answer within ${timeoutMs} ms`);
}
