/** Schemas of devices, as the API takes and answers them. */
import type { RegisteredDevice } from '@dunlin/devices';
import { Type } from 'typebox';
import { CLOSED } from './api-route.ts';
import { timeMs } from './page-schemas.ts';

export const DEVICE_PARAMS = Type.Object({
  id: Type.String({ minLength: 1, maxLength: 128, description: 'Id of the device.' }),
});

const text = (description: string) => Type.String({ maxLength: 1_024, description });
const NAME = text('For people.');
const GROUPS = Type.Array(Type.String({ maxLength: 128 }), { maxItems: 64, description: 'Groups of devices.' });
const OWNER = text('User name of whoever it belongs to.');
const ENABLED = Type.Boolean({ description: 'Whether it is let in.' });
const AUTHORITY = text('Authority whose certificates count for it; default: that of the device service.');
const TYPE = text('Name of a device type of the configuration.');

/** Details are checked by the registry, which names each fault. */
export const NEW_DEVICE = Type.Object(
  {
    id: Type.String({
      minLength: 1,
      maxLength: 128,
      description: 'Its User Name, and Common Name of its certificate.',
    }),
    type: TYPE,
    name: Type.Optional(NAME),
    attributes: Type.Optional(Type.Record(Type.String(), Type.String(), { description: 'Facts by name.' })),
    groups: Type.Optional(GROUPS),
    owner: Type.Optional(OWNER),
    enabled: Type.Optional(ENABLED),
    authority: Type.Optional(AUTHORITY),
  },
  CLOSED,
);

export const DEVICE_PATCH = Type.Object(
  {
    type: Type.Optional(TYPE),
    name: Type.Optional(NAME),
    attributes: Type.Optional(
      Type.Record(Type.String(), Type.Union([Type.String(), Type.Null()]), {
        description: 'Those that are named; null takes one away.',
      }),
    ),
    groups: Type.Optional(GROUPS),
    owner: Type.Optional(Type.Union([OWNER, Type.Null()])),
    enabled: Type.Optional(ENABLED),
    authority: Type.Optional(Type.Union([AUTHORITY, Type.Null()])),
  },
  CLOSED,
);

export const DEVICE = Type.Object({
  id: Type.String(),
  type: Type.String(),
  name: Type.String(),
  attributes: Type.Record(Type.String(), Type.String()),
  groups: Type.Array(Type.String()),
  owner: Type.Optional(Type.String()),
  enabled: Type.Boolean(),
  authority: Type.Optional(Type.String()),
  createdAtMs: timeMs('When it was added.'),
  changedAtMs: timeMs('When it was changed last.'),
  revision: Type.Integer({ description: 'Rises with every change; as ETag, for If-Match.' }),
});

export function shownDevice({ device, revision }: RegisteredDevice) {
  const { owner, authority, groups, attributes, ...rest } = device;
  return {
    ...rest,
    attributes: { ...attributes },
    groups: [...groups],
    ...(owner !== undefined && { owner }),
    ...(authority !== undefined && { authority }),
    revision,
  };
}

/** A certificate as a device, its owner or an operator gets it. */
export const ISSUED_CERTIFICATE = Type.Object({
  serial: Type.String(),
  notBeforeMs: timeMs('From when on it counts.'),
  notAfterMs: timeMs('Until when it counts.'),
  certificate: Type.String({ description: 'The certificate alone (PEM).' }),
  chain: Type.String({
    description: 'The certificate and those between it and the root (PEM): what the device shows.',
  }),
  authorities: Type.String({ description: 'Who vouches for the server (PEM): whom the device trusts.' }),
  key: Type.Optional(Type.String({ description: 'The private key (PEM), where it was made here; shown this once.' })),
});
