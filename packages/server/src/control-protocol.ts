/**
 * What the two ends of a control socket say to each other: JSON, a line each. A request names a command and its
 * parameters, `{"command":"store-backup","to":"/var/backups/dunlin"}`; the answer is `{"result":…}` or
 * `{"error":{"code":…,"message":…}}`. Requests of one connection are answered in order, one at a time.
 */
import type { CheckReport, StoreStats } from '@dunlin/lmdb';
import type { LocalAnswer, LocalRequest } from './api/api-host.ts';
import type { DoorBan, ShadowReport } from './doors.ts';
import type { ReloadReport } from './in-force.ts';

/** Name of the socket in the data directory. */
export const CONTROL_SOCKET = 'control';

/** What a server says of itself. */
export interface ServerIdentity {
  readonly pid: number;
  readonly version: string;
}

/** Who is to be let in again. */
export type BannedParty =
  | { readonly address: string; readonly username?: string }
  | { readonly clientId: string; readonly identity?: string };

/** Who is to be kept out. `banS`: seconds, up to 30 days; undefined: as `guard.banS` says. */
export interface GivenBan {
  readonly address: string;
  readonly username?: string;
  readonly banS?: number;
}

/** Every command with its parameters and its result. */
export interface ControlCommands {
  /** Answered at once: whoever asks learns whether the server lives, and what it knows. */
  readonly hello: { readonly parameters: object; readonly result: ServerIdentity & { commands: readonly string[] } };
  readonly 'store-stats': { readonly parameters: object; readonly result: StoreStats };
  readonly 'store-check': { readonly parameters: object; readonly result: CheckReport };
  /** Reads the configuration and its files again. */
  readonly reload: { readonly parameters: object; readonly result: ReloadReport };
  /** What rules that are tried out would have decided otherwise; null where there are none. */
  readonly 'acl-shadow': { readonly parameters: object; readonly result: ShadowReport | null };
  /** Who is kept out for now. */
  readonly bans: { readonly parameters: object; readonly result: readonly DoorBan[] };
  /** A request of the HTTP API, by the local administrator. */
  readonly api: { readonly parameters: LocalRequest; readonly result: LocalAnswer };
  /** Keeps out an address, or a user name there; whoever is connected stays. */
  readonly ban: { readonly parameters: GivenBan; readonly result: GivenBan };
  /** Ends the ban of an address, of a user name there, or of a client; `lifted`: whether there was one. */
  readonly 'lift-ban': { readonly parameters: BannedParty; readonly result: { readonly lifted: boolean } };
  /** `to`: an absolute path; the server makes it, as its own user. */
  readonly 'store-backup': { readonly parameters: { readonly to: string }; readonly result: { readonly to: string } };
}

export type ControlCommandName = keyof ControlCommands;
type Parameters<Name extends ControlCommandName> = ControlCommands[Name]['parameters'];
export type ControlResult<Name extends ControlCommandName> = ControlCommands[Name]['result'];
export type ControlRequest<Name extends ControlCommandName> = { readonly command: Name } & Parameters<Name>;

export type ControlAnswer =
  | { readonly result: unknown }
  | { readonly error: { readonly code: string; readonly message: string } };

/** What went wrong between the two ends, or at the other one. `code` is stable; a `StoreError` keeps its own. */
export class ControlError extends Error {
  override readonly name = 'ControlError';
  readonly code: string;

  constructor(code: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
