/** The simulated devices: what each is called, and what it shows to be let in. */
import { createHash, createHmac } from 'node:crypto';

/** A certificate and its key (PEM). */
export interface DeviceCertificate {
  readonly chain: string;
  readonly key: string;
}

export interface SimulatedDevice {
  readonly id: string;
  readonly type: 'camera' | 'player';
  readonly clientId: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly token: string;
  /** Where it has one it comes over TLS with that, and its token stays unused. */
  readonly certificate: DeviceCertificate | undefined;
  /** Where its commands come. */
  readonly commandTopic: string;
}

const PARTNER = 'partner1';

/** Camera number `n`. `secret`: what its token is made of, which nobody else knows. */
export function camera(n: number, secret: string): SimulatedDevice {
  const id = uuid(`camera ${n}`);
  const attributes = { thingName: `camera-${n}`, partner: PARTNER, space: `space${n % 100}` };
  return {
    ...{ id, type: 'camera', attributes, token: token(id, secret), certificate: undefined },
    clientId: `${PARTNER}-simulator-${attributes.space}-${id}`,
    commandTopic: `device/things/${attributes.thingName}/message`,
  };
}

/** Player number `n`. */
export function player(n: number, secret: string): SimulatedDevice {
  const id = uuid(`player ${n}`);
  const commandTopic = `players/${id}/command`;
  return {
    ...{ id, type: 'player', attributes: {}, token: token(id, secret), certificate: undefined },
    ...{ clientId: id, commandTopic },
  };
}

/** The group of all devices of a type. */
export function groupOf(type: SimulatedDevice['type']): string {
  return `simulated-${type}s`;
}

/** The same in every run: who is registered already stays as it is. */
function uuid(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

function token(id: string, secret: string): string {
  return createHmac('sha256', secret).update(id).digest('base64url');
}
