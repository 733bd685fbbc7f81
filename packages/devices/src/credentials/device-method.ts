/**
 * The method `devices`: a client is a device where its User Name is the id of one and its password a token of it, or where
 * its certificate has that id as Common Name. Nobody learns by it which ids there are.
 */
import {
  type AuthenticationRequest,
  type AuthenticationResult,
  type Awaitable,
  type CertificateFacts,
  NOBODY,
  type Principal,
  type Refusal,
  shownUsername,
} from '@dunlin/broker';
import {
  type Authorities,
  certificateRefusal,
  certificateText,
  type IssuedCertificate,
  type Method,
  problemDetail,
} from '@dunlin/identity';
import { quoted } from '@dunlin/protocol';
import { after } from '../awaitable.ts';
import type { RegisteredDevice, Registry } from '../registry/registry.ts';
import { TYPE_GROUP } from '../registry/types.ts';
import { type DeviceChecks, type DeviceProof, deviceRefusal, unacceptedCertificate } from './device-checks.ts';
import { deviceIdentity } from './device-identity.ts';
import type { FormerSessions } from './former-sessions.ts';
import type { LiveDevices } from './live-devices.ts';
import type { Tokens, TokenVerdict } from './tokens.ts';

/** What the part that issues certificates says of those that are shown. */
export interface CertificatePolicy {
  /**
   * A device shows a certificate of its authority that is good. Why it does not count all the same, such as that it was
   * given to another device that had the id before; undefined where it does.
   */
  shown(registered: RegisteredDevice, facts: CertificateFacts): Awaitable<Refusal | undefined>;
  /**
   * Nobody has the id of a good certificate. The device that is made of it, where its authority is one for that and no device of
   * the id was removed.
   */
  register(deviceId: string, facts: CertificateFacts): Awaitable<RegisteredDevice | Refusal | undefined>;
}

export interface DeviceMethodParts {
  /** As the configuration calls this entry; without `:`, so that identities made of it are unambiguous. */
  readonly name: string;
  readonly registry: Registry;
  readonly tokens: Tokens;
  readonly checks: DeviceChecks;
  readonly live: LiveDevices;
  /** Undefined: certificates are not looked at. */
  readonly authorities: Authorities | undefined;
  readonly certificates: CertificatePolicy | undefined;
  /** Undefined: nothing is known of sessions that removed devices left. */
  readonly sessions?: FormerSessions;
  /**
   * Told of each client that the method did not let in, under the User Name that it showed; where its certificate is a good
   * one of another name, under that too. Of one without a User Name: only where its certificate is a good one of a device.
   */
  readonly onRefused: (refused: RefusedDevice) => void;
}

export interface RefusedDevice {
  readonly deviceId: string;
  readonly isKnown: boolean;
  readonly clientId: string;
  readonly address: string;
  readonly listener: string;
  readonly refusal: Refusal;
}

const NO_BYTES = new Uint8Array(0);

/** Lets nobody in, and refuses nobody, without a User Name. With a password the token counts, without one the certificate. */
export class DeviceMethod implements Method {
  readonly name: string;
  readonly #parts: DeviceMethodParts;

  constructor(parts: DeviceMethodParts) {
    const { name } = parts;
    if (name === '' || name.includes(':'))
      throw new TypeError(`Cannot name a method ${quoted(name)}: a name without ":" is expected`);
    this.name = name;
    this.#parts = parts;
  }

  authenticate(request: AuthenticationRequest): Awaitable<AuthenticationResult | undefined> {
    const { username = '', password = NO_BYTES } = request.connect;
    const { certificates } = request.peer;
    const { authorities } = this.#parts;
    const found =
      password.length === 0 && authorities !== undefined && certificates !== undefined && certificates.length > 0
        ? authorities.examine(certificates, authorities.names)
        : undefined;
    if (username === '') return found && this.#tellUnnamed(request, found);
    return found === undefined
      ? this.#byToken(request, username, password)
      : this.#byCertificate(request, username, found);
  }

  review(principal: Principal): Refusal | undefined {
    const { certificate } = principal;
    const problem = certificate && this.#parts.authorities?.hasToGo(certificate);
    if (problem !== undefined) return certificateRefusal(problem, certificateText(certificate as CertificateFacts));
    return this.#parts.live.review(principal);
  }

  #byToken(
    request: AuthenticationRequest,
    username: string,
    presented: Uint8Array,
  ): Awaitable<AuthenticationResult | undefined> {
    const { registry, tokens } = this.#parts;
    return after(registry.get(username), (registered) => {
      const checked = tokens.check(registered, presented, request.gone);
      return after(checked, (verdict) => {
        if (verdict.kind === 'right' && registered !== undefined) {
          const proof: DeviceProof = { ...verdict, kind: 'token' };
          return checked instanceof Promise
            ? this.#admitAsItIs(request, registered, proof, undefined)
            : this.#admit(request, registered, proof, undefined);
        }
        const refusal =
          (verdict.kind === 'wrong' &&
            registered &&
            this.#parts.checks.missingCertificate(registered.device, {
              hasPassword: presented.length > 0,
              hasTokens: verdict.hasTokens,
              listener: request.listener,
            })) ||
          tokenRefusal(verdict, registered, presented);
        return this.#refuse(request, registered, refusal);
      });
    });
  }

  #byCertificate(
    request: AuthenticationRequest,
    username: string,
    found: ReturnType<Authorities['examine']>,
  ): Awaitable<AuthenticationResult | undefined> {
    if (found.problem !== undefined) {
      const refusal = certificateRefusal(found.problem, problemDetail(found));
      return this.#refuse(request, undefined, refusal);
    }
    const { commonName } = found.facts;
    if (commonName !== username) {
      const refusal = otherName(commonName, username);
      // Its certificate is good: who looks for why this device does not come in has to find it.
      if (commonName !== undefined) this.#tell(request, commonName, true, refusal);
      return this.#refuse(request, undefined, refusal);
    }
    return after(this.#registered(username, found.facts), (registered) => {
      if (registered === undefined) {
        const detail = `no device has the id ${quoted(username)}, one that is registered is expected`;
        return this.#refuse(request, undefined, unacceptedCertificate('unknown-device', detail));
      }
      if ('kind' in registered) return this.#refuse(request, undefined, registered);
      const proof: DeviceProof = { kind: 'certificate', authority: found.facts.authority };
      const refusal = this.#parts.checks.refusal(registered.device, proof, request.connect.clientId);
      if (refusal !== undefined) return this.#refuse(request, registered, refusal);
      return after(this.#parts.certificates?.shown(registered, found.facts), (why) =>
        why === undefined
          ? this.#admitAsItIs(request, registered, proof, found)
          : this.#refuse(request, registered, why),
      );
    });
  }

  /**
   * The next method may know the client. Its certificate is a good one of a device: who looks for why that does not come in
   * has to find that the User Name is missing.
   */
  #tellUnnamed(request: AuthenticationRequest, found: ReturnType<Authorities['examine']>): Awaitable<undefined> {
    const commonName = found.problem === undefined ? found.facts.commonName : undefined;
    if (commonName === undefined) return undefined;
    return after(this.#parts.registry.get(commonName), (registered) => {
      if (registered !== undefined && this.#parts.checks.authorityOf(registered.device) === found.facts?.authority)
        this.#tell(request, commonName, true, otherName(commonName, ''));
      return undefined;
    });
  }

  #registered(deviceId: string, facts: CertificateFacts): Awaitable<RegisteredDevice | Refusal | undefined> {
    return after(
      this.#parts.registry.get(deviceId),
      (registered) => registered ?? this.#parts.certificates?.register(deviceId, facts),
    );
  }

  /**
   * After something was waited for: what counts is what holds now, not what held when the proof was looked for. What changes
   * from here on marks the seat, and what changed before is read once the seat is there: nothing falls between.
   */
  #admitAsItIs(
    request: AuthenticationRequest,
    proven: RegisteredDevice,
    proof: DeviceProof,
    certificate: IssuedCertificate | undefined,
  ): Awaitable<AuthenticationResult | undefined> {
    const answer = this.#admit(request, proven, proof, certificate);
    if (answer?.kind !== 'accept') return answer;
    const { live } = this.#parts;
    return after(live.refresh(proven.device.id), () => {
      const refusal = live.review(answer.principal);
      return refusal === undefined ? answer : this.#refuse(request, proven, refusal);
    });
  }

  #admit(
    request: AuthenticationRequest,
    registered: RegisteredDevice,
    proof: DeviceProof,
    certificate: IssuedCertificate | undefined,
  ): AuthenticationResult | undefined {
    const { checks, live } = this.#parts;
    const { clientId } = request.connect;
    const refusal = checks.refusal(registered.device, proof, clientId);
    if (refusal !== undefined) return this.#refuse(request, registered, refusal);
    this.#parts.sessions?.end(clientId, registered.device.id, registered.generation);
    const principal = this.#principal(registered, proof, certificate);
    return { kind: 'accept', principal: live.seated(principal, registered, proof, clientId) };
  }

  #principal(registered: RegisteredDevice, proof: DeviceProof, certificate: IssuedCertificate | undefined): Principal {
    const { device } = registered;
    return {
      ...NOBODY,
      username: device.id,
      identity: deviceIdentity(this.name, registered),
      attributes: { ...device.attributes, deviceId: device.id, deviceType: device.type },
      groups: [...device.groups, TYPE_GROUP + device.type],
      certificate: certificate?.facts,
      expiresAtMs: proof.kind === 'token' ? proof.endsAtMs : (certificate?.notAfterMs ?? Infinity),
    };
  }

  #refuse(request: AuthenticationRequest, registered: RegisteredDevice | undefined, refusal: Refusal): Refusal {
    this.#tell(request, request.connect.username ?? '', registered !== undefined, refusal);
    return refusal;
  }

  #tell(
    { connect, peer, listener }: AuthenticationRequest,
    deviceId: string,
    isKnown: boolean,
    refusal: Refusal,
  ): void {
    const { clientId } = connect;
    this.#parts.onRefused({ deviceId, isKnown, clientId, address: peer.address, listener, refusal });
  }
}

function tokenRefusal(verdict: TokenVerdict, registered: RegisteredDevice | undefined, presented: Uint8Array): Refusal {
  if (verdict.kind === 'busy') return deviceRefusal('token-backlog', 'too many short tokens wait to be checked');
  if (verdict.kind === 'expired') {
    const when = new Date(verdict.endsAtMs).toISOString();
    return deviceRefusal(
      'token-expired',
      `the token ${verdict.tokenId} counted until ${when}`,
      'the token has expired',
    );
  }
  if (registered === undefined)
    return deviceRefusal('unknown-device', 'no device has this id, a registered one is expected');
  const found = presented.length === 0 ? 'there is no password' : 'the password is none of the tokens of the device';
  return deviceRefusal('token', `${found}, one of them is expected`);
}

function otherName(commonName: string | undefined, username: string): Refusal {
  const found = commonName === undefined ? 'no single, readable Common Name' : `the Common Name ${quoted(commonName)}`;
  const shown = shownUsername(username);
  const name = shown === undefined ? `one of ${username.length} characters` : quoted(shown);
  const sent = username === '' ? 'no User Name' : `the User Name ${name}`;
  return certificateRefusal(
    'username',
    `it has ${found}, the client sent ${sent}; the same is expected`,
    'the User Name is not the name in the certificate',
  );
}
