/** What is remembered of a device that asks for a place in the registry: its key in the table is the code that it shows. */
import type { TableDefinition } from '@dunlin/broker';
import type { RegisteredDevice } from '../registry/registry.ts';

export interface Claim {
  readonly id: string;
  readonly type: string;
  /** What the device says of itself. */
  readonly attributes: Readonly<Record<string, string>>;
  /** PKCS#10 (PEM) for a key of the device. */
  readonly csr: string | undefined;
  /** Where it came from. */
  readonly address: string;
  /** SHA-256 of the secret that the device alone has. */
  readonly secretHash: Uint8Array;
  /** Wall clock, as the other. */
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly state: ClaimState;
}

/** Each follows the one before, or the claim ends. */
export type ClaimState =
  | { readonly kind: 'open' }
  /** The code has been used; the device has to be made yet, which whoever comes next does where nobody did. */
  | ({ readonly kind: 'confirming'; readonly name: string; readonly attributes: Claim['attributes'] } & Confirmed)
  | ({ readonly kind: 'confirmed' } & Made)
  /** `sealed`: the answer, for the case that it was lost. */
  | ({ readonly kind: 'collected'; readonly sealed: Uint8Array } & Made);

/** Of the device: nobody collects for another one of its id, or for one that was disabled or lost its credentials since. */
export type Made = Confirmed & Pick<RegisteredDevice, 'generation' | 'trust'>;

export interface Confirmed {
  readonly owner: string;
  readonly deviceId: string;
}

export const CLAIMS: TableDefinition<Claim> = {
  name: 'device-claims',
  indexes: {
    id: ({ id }) => [id],
    device: ({ state }) => (state.kind === 'open' ? [] : [state.deviceId]),
    expires: ({ expiresAtMs }) => [String(expiresAtMs).padStart(15, '0')],
  },
};
