/** What a device is refused for: the words, and what of the registry and of its type has to hold once it is proven. */
import type { Refusal } from '@dunlin/broker';
import { certificateRefusal } from '@dunlin/identity';
import { quoted, ReasonCode } from '@dunlin/protocol';
import type { Device } from '../device.ts';
import type { DeviceTypes } from '../registry/types.ts';

/** Every check of devices, beside `certificate-…` of identity. */
export const DEVICE_CHECKS = {
  'unknown-device': {
    reasonCode: ReasonCode.badUserNameOrPassword,
    description: 'There is no device of the User Name; 0x87 for one with a good certificate.',
  },
  token: {
    reasonCode: ReasonCode.badUserNameOrPassword,
    description: 'The password is none of the tokens of the device.',
  },
  'token-expired': { reasonCode: ReasonCode.notAuthorized, description: 'The token has expired, or was rotated out.' },
  'token-revoked': {
    reasonCode: ReasonCode.notAuthorized,
    description: 'The token was revoked during the connection.',
  },
  'token-backlog': { reasonCode: ReasonCode.serverBusy, description: 'Too many short tokens wait to be checked.' },
  'device-disabled': { reasonCode: ReasonCode.notAuthorized, description: 'The device is not enabled.' },
  'device-type': {
    reasonCode: ReasonCode.notAuthorized,
    description: 'The configuration has no longer the type of the device.',
  },
  'device-attributes': {
    reasonCode: ReasonCode.notAuthorized,
    description: 'The device lacks an attribute that its type requires, or has one that no topic can hold.',
  },
  'device-credential': {
    reasonCode: ReasonCode.notAuthorized,
    description:
      'The device comes in with the other kind of credential, by its type or because it has no token; 0x86 where no certificate was looked at.',
  },
  'client-id': {
    reasonCode: ReasonCode.clientIdentifierNotValid,
    description: 'The Client Identifier is not one of the device; the detail names the field that differs.',
  },
  'certificate-authority': {
    reasonCode: ReasonCode.notAuthorized,
    description: 'The certificate is of an authority that does not vouch for this device.',
  },
  'device-changed': {
    reasonCode: ReasonCode.notAuthorized,
    description: 'Type, groups or attributes of the device changed during the connection.',
  },
  'device-removed': {
    reasonCode: ReasonCode.notAuthorized,
    description: 'The device was removed during the connection.',
  },
} as const satisfies Record<string, { readonly reasonCode: number; readonly description: string }>;

export type DeviceCheck = keyof typeof DEVICE_CHECKS;

/** What proved that a client is the device. */
export type DeviceProof =
  | { readonly kind: 'token'; readonly tokenId: string; readonly endsAtMs: number }
  /** `authority`: the one that issued it. */
  | { readonly kind: 'certificate'; readonly authority: string };

/** What came of a client whose certificate was not looked at. */
export interface ShownCredentials {
  readonly hasPassword: boolean;
  /** The device that it named has tokens. */
  readonly hasTokens: boolean;
  readonly listener: string;
}

/** `detail` is for operators; a client of 5.0 learns `reason`. */
export function deviceRefusal(check: DeviceCheck, detail: string, reason?: string): Refusal {
  const { reasonCode } = DEVICE_CHECKS[check];
  return { kind: 'refuse', reasonCode, check, detail, ...(reason !== undefined && { reason }) };
}

/** As for any certificate that is not accepted: whether there is such a device is not told. */
export function unacceptedCertificate(check: 'unknown-device' | 'certificate-authority', detail: string): Refusal {
  return { ...certificateRefusal('foreign', detail), check };
}

export class DeviceChecks {
  readonly #types: DeviceTypes;
  readonly #ownAuthority: string | undefined;

  /** `ownAuthority`: name of the authority that counts for devices that name none. */
  constructor(types: DeviceTypes, ownAuthority: string | undefined) {
    this.#types = types;
    this.#ownAuthority = ownAuthority;
  }

  /** The check that fails for a device whose client has shown this proof; undefined where it may come in. */
  refusal(device: Device, proof: DeviceProof, clientId: string): Refusal | undefined {
    if (proof.kind === 'certificate') {
      const expected = this.authorityOf(device);
      if (proof.authority !== expected)
        return unacceptedCertificate(
          'certificate-authority',
          `the certificate is of ${proof.authority}, one of ${expected ?? 'an authority, of which none is set,'} is expected`,
        );
    }
    if (!device.enabled) return deviceRefusal('device-disabled', 'the device is disabled, an enabled one is expected');
    const compiled = this.#types.get(device.type);
    if (compiled === undefined)
      return deviceRefusal('device-type', `the type ${quoted(device.type)} is expected in the configuration`);
    const { credential } = compiled.type;
    if (credential !== 'either' && credential !== proof.kind)
      return deviceRefusal(
        'device-credential',
        `a ${proof.kind} was shown, a ${credential} is expected of the type ${device.type}`,
      );
    const problems = compiled.attributeProblems(device.attributes);
    if (problems.length > 0) return deviceRefusal('device-attributes', problems.join('; '));
    const problem = compiled.clientId?.problem(clientId, device);
    return problem === undefined ? undefined : deviceRefusal('client-id', problem);
  }

  /** Name of the authority whose certificates count for the device; undefined where none is set. */
  authorityOf(device: Device): string | undefined {
    return device.authority ?? this.#ownAuthority;
  }

  /**
   * What operators learn where the device comes with certificates, or has nothing else that it could come with, and the client
   * showed none that counts; undefined for other devices. To the client it is a token that is wrong: whether there is such a
   * device it does not learn.
   */
  missingCertificate(device: Device, { hasPassword, hasTokens, listener }: ShownCredentials): Refusal | undefined {
    const credential = this.#types.get(device.type)?.type.credential;
    if (credential !== 'certificate' && (credential !== 'either' || hasTokens)) return undefined;
    const why =
      credential === 'certificate' ? `the type ${device.type} takes certificates only` : 'the device has no token';
    const found = hasPassword
      ? 'a password was sent, which counts before a certificate; none, or an empty one, is expected'
      : `no certificate came at the listener ${quoted(listener)}, which has to ask for one (clientCertificate: optional)`;
    const { reasonCode } = DEVICE_CHECKS.token;
    return { ...deviceRefusal('device-credential', `${found}: ${why}`), reasonCode };
  }

  /** Another object, or none, where the type was replaced since. */
  typeOf(device: Device): object | undefined {
    return this.#types.get(device.type);
  }
}
