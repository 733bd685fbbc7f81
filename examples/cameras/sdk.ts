/**
 * What a camera asks its firmware for. Replace this file by one that calls the SDK of yours.
 *
 * Here the folder named by `CAMERA` (default: `camera`) stands for the firmware: `device.json` as `dunlin device add --json`
 * prints it, and `token` as `dunlin device token` does.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Registered {
  readonly id: string;
  readonly attributes: { readonly partner: string; readonly space: string; readonly thingName: string };
}

export const getDeviceId = (): string => registered().id;
export const getPartnerId = (): string => registered().attributes.partner;
export const getSpaceId = (): string => registered().attributes.space;
export const getThingName = (): string => registered().attributes.thingName;

/** The token that counts now: asked for before each connection, so that a rotated one is used by the next. */
export const getAccessToken = (): string => read('token').trim();

const registered = (): Registered => JSON.parse(read('device.json')) as Registered;

function read(file: string): string {
  return readFileSync(join(process.env.CAMERA ?? 'camera', file), 'utf8');
}
