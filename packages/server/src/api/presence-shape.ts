/** Presence of a device, as the API answers it. */
import type { PresenceRecord } from '@dunlin/devices';
import { Type } from 'typebox';
import { timeMs } from './page-schemas.ts';

export const PRESENCE = Type.Object({
  deviceId: Type.String(),
  connected: Type.Boolean(),
  session: Type.Integer({
    description: 'Rises with every connection: of two messages the higher one is newer; 0: it never came.',
  }),
  clientId: Type.Optional(Type.String()),
  address: Type.Optional(Type.String()),
  listener: Type.Optional(Type.String()),
  protocolVersion: Type.Optional(Type.Integer({ description: '3: MQTT 3.1, 4: 3.1.1, 5: 5.0.' })),
  reason: Type.Optional(Type.String({ description: 'Why the last connection ended.' })),
  connectedAtMs: Type.Optional(timeMs('When it connected last.')),
  disconnectedAtMs: Type.Optional(timeMs('When its last connection ended.')),
  lastSeenAtMs: Type.Optional(timeMs('When the server last heard of its coming or going.')),
});

export function shownPresence({ reason, disconnectedAtMs, topic: _, ...rest }: PresenceRecord) {
  return { ...rest, ...(reason !== '' && { reason }), ...(disconnectedAtMs !== undefined && { disconnectedAtMs }) };
}
