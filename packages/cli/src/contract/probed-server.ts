/** The checks of a probe against Dunlin, or against what an altering wire makes of it. */

import assert from 'node:assert/strict';
import type { Packet, Properties, ProtocolVersion } from '@dunlin/protocol';
import { connectTcp } from '@dunlin/transport';
import type { Check, Outcome } from '../probe/check.ts';
import { tryCheck, tryVersions } from '../probe/probing.ts';
import type { VisitOptions } from '../probe/visit.ts';
import { type Alter, type Alteration, alteringWire } from './altering-wire.ts';
import { port } from './local-server.ts';

let visits = 0;

/** A visit to the server of `local-server.ts` through the alteration. */
export function visiting(alteration: Alteration = {}, more: Partial<VisitOptions> = {}): VisitOptions {
  visits += 1;
  return {
    dial: async ({ signal, timeoutMs }) =>
      alteringWire(await connectTcp({ host: '127.0.0.1', port: port(), signal, timeoutMs }), alteration),
    username: undefined,
    password: undefined,
    clientIdPrefix: `p${process.pid}-${visits}-`,
    topicPrefix: `probed/${process.pid}/${visits}`,
    timeoutMs: 20_000,
    payloadMax: 10_000,
    signal: new AbortController().signal,
    onlookers: { sent: () => {}, received: () => {} },
    ...more,
  };
}

/** What one check says of the altered server. */
export async function probed(
  checks: readonly Check[],
  id: string,
  alteration: Alteration = {},
  more: Partial<VisitOptions> & { readonly version?: ProtocolVersion } = {},
): Promise<Outcome> {
  const visit = visiting(alteration, more);
  const { entrance } = await tryVersions(visit, more.version);
  const check = checks.find((one) => one.id === id);
  assert.ok(check !== undefined && entrance !== undefined, id);
  return tryCheck(visit, entrance, check);
}

/** Changes the packets of one type. */
export function altered<Type extends Packet['type']>(
  type: Type,
  change: (
    packet: Extract<Packet, { type: Type }>,
    ...rest: Parameters<Alter> extends [unknown, ...infer Rest] ? Rest : never
  ) => ReturnType<Alter>,
): Alter {
  return (packet, ...rest) =>
    packet.type === type ? change(packet as Extract<Packet, { type: Type }>, ...rest) : packet;
}

/** Takes one property out of the packets of a type. */
export function without(type: 'connect' | 'connack' | 'publish' | 'subscribe', name: keyof Properties): Alter {
  return altered(type, (packet) => {
    const { [name]: _, ...properties } = packet.properties;
    return { ...packet, properties };
  });
}
