/** Connects many clients, so many in a second. */

import { type Client, type CloseReason, MqttError } from '@dunlin/client';
import { connectTarget, type Target } from '../connecting.ts';
import type { ConnectionFlags } from '../connection-flags.ts';
import type { ErrorTally } from '../error-tally.ts';
import type { Histogram } from '../histogram.ts';
import { filled } from '../text-template.ts';

/** What the ramp is made of. */
export interface RampPlan {
  readonly count: number;
  /** Begun in a second. */
  readonly connectRate: number;
}

/** What came of it, live. */
export interface Ramp {
  /** Those that are connected now. */
  readonly connected: Set<Client>;
  /** Microseconds from dialling to CONNACK. */
  readonly times: Histogram;
  readonly errors: ErrorTally;
}

/** Connections that are being made at once: more would only wait for each other. */
const UNDER_WAY_MAX = 2000;
const TICK_MS = 5;

/**
 * Connects `count` clients as the target says; settles with those that are connected, by their number, when each is
 * connected or has failed, or when the signal says that it is enough. Never rejects.
 */
export async function connectAll(
  target: Target,
  { count, connectRate }: RampPlan,
  { connected, times, errors }: Ramp,
  signal: AbortSignal,
): Promise<Map<number, Client>> {
  const clients = new Map<number, Client>();
  const underWay = new Set<Promise<void>>();
  const beganMs = performance.now();
  const connectOne = async (number: number): Promise<void> => {
    const dialledMs = performance.now();
    try {
      const client = await connectTarget(target, { ...namesOf(target, number), signal });
      times.record((performance.now() - dialledMs) * 1000);
      clients.set(number, client);
      connected.add(client);
      void client.closed.then((reason) => gone(client, reason));
    } catch (error) {
      if (!signal.aborted) errors.add(error);
    }
  };
  const gone = (client: Client, { by, error }: CloseReason): void => {
    connected.delete(client);
    if (by !== 'client') errors.add(error ?? new MqttError('connection-lost', 'The connection was lost'));
  };
  for (let number = 0; number < count && !signal.aborted; ) {
    const due = Math.min(count, Math.floor(((performance.now() - beganMs) / 1000) * connectRate) + 1);
    while (number < due && underWay.size < UNDER_WAY_MAX) {
      const attempt = connectOne(number).finally(() => underWay.delete(attempt));
      underWay.add(attempt);
      number += 1;
    }
    if (number < count) await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
  await Promise.all(underWay);
  return clients;
}

/** The names of a client among many: `{i}` is its number. */
function namesOf(
  { options: { clientId, username } }: Target,
  number: number,
): { clientId?: string; username?: string } {
  const values = { i: number };
  return {
    ...(clientId === undefined ? {} : { clientId: filled(clientId, values) }),
    ...(typeof username === 'string' ? { username: filled(username, values) } : {}),
  };
}

/** The flags with a Client Identifier that is another one for each client. */
export function numberedFlags<Flags extends ConnectionFlags>(flags: Flags): Flags {
  return flags.idPrefix === undefined ? flags : { ...flags, idPrefix: `${flags.idPrefix}{i}-` };
}
