/**
 * Who was let in as which device, and what that rests on: so that a change of the device, its type or its token is known of
 * at once, and a review answers from memory.
 *
 * A seat goes along with its principal, wherever that is copied, and is forgotten with it: nobody has to tell when a
 * connection has ended, or that it never came to be.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Awaitable, Clock, Principal, Refusal, Timer } from '@dunlin/broker';
import { after } from '../awaitable.ts';
import type { Device } from '../device.ts';
import type { RegisteredDevice, Registry } from '../registry/registry.ts';
import type { DeviceTypes } from '../registry/types.ts';
import { type DeviceChecks, type DeviceProof, deviceRefusal } from './device-checks.ts';
import type { TokenInfo } from './stored-tokens.ts';
import type { Tokens } from './tokens.ts';

export interface LiveDevicesParts {
  readonly registry: Registry;
  readonly tokens: Tokens;
  readonly types: DeviceTypes;
  readonly checks: DeviceChecks;
  readonly clock: Clock;
  /** Has everybody reviewed who is connected: `DeviceBroker.review`. */
  readonly review: () => void;
}

/** One who was let in. */
interface Seat {
  readonly generation: string;
  readonly proof: DeviceProof;
  readonly clientId: string;
  /** As it was when its rules were made, but for what no rule knows. */
  device: Device;
  /** The type that it was judged by. */
  type: object | undefined;
  /** When its token ends. */
  endsAtMs: number;
  /** Why it has to go. */
  refusal: Refusal | undefined;
}

const SEAT = Symbol('seat');
/** How often tokens are looked at that end earlier than they did when they let in. */
const SWEEP_MS = 1_000;

export class LiveDevices {
  readonly #parts: LiveDevicesParts;
  readonly #seats = new Map<string, Set<WeakRef<Seat>>>();
  readonly #forgotten: FinalizationRegistry<{ readonly deviceId: string; readonly seat: WeakRef<Seat> }>;
  readonly #ends: (() => void)[];
  /** Seats whose token was given an earlier end. */
  readonly #ending = new Set<WeakRef<Seat>>();
  #sweep: Timer | undefined;

  constructor(parts: LiveDevicesParts) {
    this.#parts = parts;
    this.#forgotten = new FinalizationRegistry(({ deviceId, seat }) => this.#forget(deviceId, seat));
    this.#ends = [
      parts.registry.onChange((deviceId, registered) => this.#deviceChanged(deviceId, registered)),
      parts.tokens.onChange((deviceId, tokens) => this.#tokensChanged(deviceId, tokens)),
      parts.types.onChange(() => parts.review()),
    ];
  }

  /** Devices with a principal that somebody still has. */
  get size(): number {
    return this.#seats.size;
  }

  /** Whether somebody was let in as this device lately. */
  has(deviceId: string): boolean {
    return this.#seats.has(deviceId);
  }

  /** The principal with a seat of its own. `registered` and `proof` are what holds now. */
  seated(
    principal: Principal,
    { device, generation }: RegisteredDevice,
    proof: DeviceProof,
    clientId: string,
  ): Principal {
    const seat: Seat = {
      generation,
      proof,
      clientId,
      device,
      type: this.#parts.checks.typeOf(device),
      endsAtMs: proof.kind === 'token' ? proof.endsAtMs : Infinity,
      refusal: undefined,
    };
    const reference = new WeakRef(seat);
    const seats = this.#seats.get(device.id);
    if (seats === undefined) this.#seats.set(device.id, new Set([reference]));
    else seats.add(reference);
    this.#forgotten.register(seat, { deviceId: device.id, seat: reference });
    const seated: Principal & { readonly [SEAT]: Seat } = { ...principal, [SEAT]: seat };
    return seated;
  }

  /** Reads what those who were let in as a device rest on, for who was seated by what was read before. */
  refresh(deviceId: string): Awaitable<void> {
    const { registry, tokens } = this.#parts;
    return after(registry.get(deviceId), (registered) => {
      this.#deviceChanged(deviceId, registered);
      if (registered !== undefined) return after(tokens.list(registered), (now) => this.#tokensChanged(deviceId, now));
    });
  }

  /** Whether one who was seated may stay. */
  review(principal: Principal): Refusal | undefined {
    const seat = (principal as { readonly [SEAT]?: Seat })[SEAT];
    if (seat === undefined) return undefined;
    const { checks } = this.#parts;
    const type = checks.typeOf(seat.device);
    if (seat.refusal === undefined && type !== seat.type) {
      seat.type = type;
      seat.refusal = checks.refusal(seat.device, seat.proof, seat.clientId);
    }
    return seat.refusal;
  }

  close(): void {
    for (const end of this.#ends) end();
    this.#sweep?.cancel();
  }

  #deviceChanged(deviceId: string, registered: RegisteredDevice | undefined): void {
    this.#refuse(this.#seatsOf(deviceId), (seat) => {
      if (registered === undefined || registered.generation !== seat.generation)
        return deviceRefusal('device-removed', 'the device was removed');
      const { device } = registered;
      const refusal = this.#parts.checks.refusal(device, seat.proof, seat.clientId);
      if (refusal !== undefined) return refusal;
      const fields = CARRIED.filter((field) => !isDeepStrictEqual(device[field], seat.device[field]));
      if (fields.length > 0) return deviceRefusal('device-changed', `${fields.join(', ')} changed`);
      seat.device = device;
      return undefined;
    });
  }

  #tokensChanged(deviceId: string, tokens: readonly TokenInfo[]): void {
    const nowMs = this.#parts.clock.nowMs();
    this.#refuse(this.#seatsOf(deviceId), (seat, reference) => {
      const { proof } = seat;
      if (proof.kind !== 'token') return undefined;
      const token = tokens.find(({ id }) => id === proof.tokenId);
      if (token === undefined) return deviceRefusal('token-revoked', `the token ${proof.tokenId} was revoked`);
      if (token.endsAtMs >= seat.endsAtMs) return undefined;
      seat.endsAtMs = token.endsAtMs;
      if (token.endsAtMs <= nowMs) return tokenEnded(proof.tokenId);
      this.#ending.add(reference);
      this.#sweep ??= this.#parts.clock.every(SWEEP_MS, () => this.#endTokens());
      return undefined;
    });
  }

  #endTokens(): void {
    const nowMs = this.#parts.clock.nowMs();
    this.#refuse(this.#ending, ({ endsAtMs, proof }, reference) => {
      if (endsAtMs > nowMs) return undefined;
      this.#ending.delete(reference);
      return tokenEnded(proof.kind === 'token' ? proof.tokenId : '');
    });
    if (this.#ending.size > 0) return;
    this.#sweep?.cancel();
    this.#sweep = undefined;
  }

  /** Notes for each seat why it has to go, where it does, and has them reviewed. */
  #refuse(
    seats: Iterable<WeakRef<Seat>>,
    refusalOf: (seat: Seat, reference: WeakRef<Seat>) => Refusal | undefined,
  ): void {
    let isAny = false;
    for (const reference of seats) {
      const seat = reference.deref();
      if (seat === undefined || seat.refusal !== undefined) {
        this.#ending.delete(reference);
        continue;
      }
      seat.refusal = refusalOf(seat, reference);
      isAny ||= seat.refusal !== undefined;
    }
    if (isAny) this.#parts.review();
  }

  #seatsOf(deviceId: string): Iterable<WeakRef<Seat>> {
    return this.#seats.get(deviceId) ?? [];
  }

  #forget(deviceId: string, seat: WeakRef<Seat>): void {
    const seats = this.#seats.get(deviceId);
    seats?.delete(seat);
    this.#ending.delete(seat);
    if (seats?.size === 0) this.#seats.delete(deviceId);
  }
}

/** What of a device stands in its principal, and so in its permissions. */
const CARRIED = ['type', 'attributes', 'groups'] as const;

function tokenEnded(tokenId: string): Refusal {
  return deviceRefusal('token-expired', `the token ${tokenId} was rotated out`, 'the token has expired');
}
