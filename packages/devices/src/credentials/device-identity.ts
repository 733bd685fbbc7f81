/**
 * The identity of a device, which its sessions are bound to: method, id and the one device that has the id now. Whoever has
 * the id after it was removed is somebody else.
 */

export interface DeviceIdentity {
  readonly deviceId: string;
  /** As `RegisteredDevice.generation`. */
  readonly generation: string;
}

/** `method`: the name of one, without `:`; an id has no `/`. */
export function deviceIdentity(
  method: string,
  { device, generation }: { readonly device: { readonly id: string }; readonly generation: string },
): string {
  return `${method}:${device.id}/${generation}`;
}

export class DeviceIdentities {
  readonly #methods = new Set<string>();

  /** Clients that this method of authentication lets in are devices. */
  add(method: string): void {
    this.#methods.add(method);
  }

  /** Undefined where it is not that of a device. */
  read(identity: string | undefined): DeviceIdentity | undefined {
    const found = /^([^:]*):([^/]+)\/([^/]+)$/.exec(identity ?? '');
    if (found === null || !this.#methods.has(found[1])) return undefined;
    return { deviceId: found[2], generation: found[3] };
  }
}
