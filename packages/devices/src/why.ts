/** Why a device does not come in, or what it needs: all that the service knows of it, in one report. */
import type { Awaitable, Clock } from '@dunlin/broker';
import { quoted } from '@dunlin/protocol';
import { isValid } from './authority/certificate-record.ts';
import type { RefusalLog, RefusalRecord } from './credentials/refusal-log.ts';
import type { TokenInfo } from './credentials/stored-tokens.ts';
import type { Tokens } from './credentials/tokens.ts';
import type { Device } from './device.ts';
import type { Registry } from './registry/registry.ts';
import type { RemovedId } from './registry/removed-ids.ts';
import type { DeviceTypes } from './registry/types.ts';

/** What of a certificate says whether it counts. */
export interface DatedCertificate {
  readonly serial: string;
  /** Wall clock. */
  readonly notAfterMs: number;
  readonly revokedAtMs: number | undefined;
}

export interface WhyParts<Certificate extends DatedCertificate, Presence> {
  readonly registry: Registry;
  readonly types: DeviceTypes;
  readonly tokens: Tokens;
  readonly refusals: RefusalLog;
  readonly clock: Clock;
  /** Of a device that does not come back by itself. */
  readonly removed: (deviceId: string) => Awaitable<RemovedId | undefined>;
  readonly certificates: (deviceId: string) => Awaitable<readonly Certificate[]>;
  readonly presence: (deviceId: string) => Awaitable<Presence | undefined>;
}

/** Holds no secret. */
export interface WhyReport<Certificate, Presence> {
  readonly deviceId: string;
  /** Undefined: it is not registered. */
  readonly device: Device | undefined;
  /** What keeps it out as things are, each as a sentence; none where nothing does. */
  readonly hindrances: readonly string[];
  readonly tokens: readonly TokenInfo[];
  readonly certificates: readonly Certificate[];
  readonly presence: Presence | undefined;
  /** Since the server started, the newest first. */
  readonly refusals: readonly RefusalRecord[];
}

export async function explainDevice<Certificate extends DatedCertificate, Presence>(
  deviceId: string,
  parts: WhyParts<Certificate, Presence>,
): Promise<WhyReport<Certificate, Presence>> {
  const refusals = parts.refusals.of(deviceId);
  const registered = await parts.registry.get(deviceId);
  if (registered === undefined) {
    const removed = await parts.removed(deviceId);
    const hindrances = [
      `no device has the id ${quoted(deviceId)}: one that is registered is expected`,
      ...(removed === undefined
        ? []
        : [
            `the device was removed at ${new Date(removed.removedAtMs).toISOString()}: it does not come back by its certificate ` +
              'alone, that somebody adds it is expected',
          ]),
    ];
    return { deviceId, device: undefined, hindrances, tokens: [], certificates: [], presence: undefined, refusals };
  }
  const [tokens, certificates, presence] = await Promise.all([
    parts.tokens.list(registered),
    parts.certificates(deviceId),
    parts.presence(deviceId),
  ]);
  const { device } = registered;
  const credentials = { tokens, certificates, nowMs: parts.clock.nowMs() };
  const hindrances = [...ofDevice(device, parts.types), ...ofCredentials(device, parts.types, credentials)];
  return { deviceId, device, hindrances, tokens, certificates, presence, refusals };
}

function ofDevice(device: Device, types: DeviceTypes): string[] {
  const compiled = types.get(device.type);
  return [
    ...(device.enabled ? [] : ['the device is disabled: an enabled one is expected']),
    ...(compiled?.attributeProblems(device.attributes) ?? [
      `its type is ${quoted(device.type)}: one of the configuration is expected`,
    ]),
  ];
}

interface Credentials {
  readonly tokens: readonly TokenInfo[];
  readonly certificates: readonly DatedCertificate[];
  readonly nowMs: number;
}

function ofCredentials(device: Device, types: DeviceTypes, { tokens, certificates, nowMs }: Credentials): string[] {
  const credential = types.get(device.type)?.type.credential ?? 'either';
  // Certificates of another authority are not issued here: what it has of them nobody knows.
  if (device.authority !== undefined && credential !== 'token') return [];
  const hasToken = credential !== 'certificate' && tokens.some(({ endsAtMs }) => endsAtMs > nowMs);
  const hasCertificate = credential !== 'token' && certificates.some((certificate) => isValid(certificate, nowMs));
  if (hasToken || hasCertificate) return [];
  const former =
    (credential === 'certificate' ? 0 : tokens.length) + (credential === 'token' ? 0 : certificates.length);
  const what = credential === 'either' ? 'token or certificate' : credential;
  const found = former === 0 ? `it has no ${what}` : `it has no ${what} that counts any longer`;
  return [`${found}: one that counts is expected`];
}
