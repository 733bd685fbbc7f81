/** Device types for the tests beside it. */
import type { DeviceType } from '../device-type.ts';

/** A type that asks for nothing; `said` replaces parts of it. */
export function deviceType(said: Partial<DeviceType> & { readonly name: string }): DeviceType {
  return {
    credential: 'either',
    clientId: undefined,
    requiredAttributes: [],
    rules: [],
    presence: undefined,
    commands: {},
    claimable: false,
    ...said,
  };
}

/** One that has everything: a token, a Client Identifier with fields, rules and a command. */
export const CAMERA: DeviceType = deviceType({
  name: 'camera',
  credential: 'token',
  clientId: {
    template: '{partner}-{app}-{space}-{device}',
    patterns: { app: 'no-dash' },
    equals: { partner: '{attr.partner}', space: '{attr.space}', device: '{deviceId}' },
  },
  requiredAttributes: ['thing', 'partner', 'space'],
  rules: [{ allow: 'subscribe', topics: 'things/{attr.thing}/message' }],
  presence: { topic: 'presence/{deviceId}' },
  commands: {
    wake: {
      topic: 'things/{attr.thing}/message',
      payload: { id: '{commandId}', at: '{nowS}', body: { deviceId: '{deviceId}' } },
      inputSchema: undefined,
      ttlS: 60,
      qos: 1,
      acknowledgement: undefined,
    },
  },
});

/** One that takes either. */
export const LAMP: DeviceType = deviceType({ name: 'lamp' });

/** One with certificates. */
export const PLAYER: DeviceType = deviceType({
  name: 'player',
  credential: 'certificate',
  rules: [{ allow: 'publish', topics: 'player/{username}/status' }],
});
