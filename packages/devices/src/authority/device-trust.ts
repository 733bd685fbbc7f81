/** The say of the registry in which certificates are issued to a device. */
import { quoted } from '@dunlin/protocol';
import type { Device } from '../device.ts';
import { DeviceError } from '../device-error.ts';
import type { RegisteredDevice, Registry } from '../registry/registry.ts';

/** Whom a certificate is for, as the registry has it. */
export type CertifiedDevice = Pick<RegisteredDevice, 'generation' | 'trust'> & {
  readonly device: Pick<Device, 'id'>;
};

export interface DeviceTrust {
  /**
   * Rejects with `DeviceError`: 'unknown-device' where the device is not there, or was disabled or lost credentials since it was
   * read, 'credential-kind' where its type takes tokens only.
   */
  readonly check: (device: CertifiedDevice) => Promise<void>;
  /** As `Registry.withdrawTrust`. */
  readonly withdraw: (deviceId: string) => Promise<void>;
}

/** Whoever asks for a certificate has seen to that. */
export const TRUSTED: DeviceTrust = { check: async () => undefined, withdraw: async () => undefined };

export function deviceTrust(registry: Pick<Registry, 'get' | 'credentialOf' | 'withdrawTrust'>): DeviceTrust {
  return {
    async check({ device: { id }, generation, trust }) {
      const now = await registry.get(id);
      if (now?.generation !== generation || now.trust !== trust)
        throw new DeviceError(
          'unknown-device',
          `Cannot certify ${quoted(id)}: it was removed or disabled, or lost credentials meanwhile`,
        );
      const { type } = now.device;
      if (registry.credentialOf(type) === 'token')
        throw new DeviceError(
          'credential-kind',
          `Cannot give ${quoted(id)} a certificate: devices of the type ${quoted(type)} come in with tokens only; a token is expected`,
        );
    },
    withdraw: (deviceId) => registry.withdrawTrust(deviceId),
  };
}
