/** What a broker is made of, and what its callers may say of a message, of an end and of the stop. */
import type { Properties, QoS } from '@dunlin/protocol';
import type { Limits } from './limits.ts';
import type { Authenticator, Authorizer, Bus, Clock, Directory, Random, Store } from './ports.ts';
import type { Receipt } from './receipt.ts';
import type { Settings } from './settings.ts';

export interface BrokerOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Default: in memory. */
  readonly store?: Store;
  /** Default: this broker alone. */
  readonly bus?: Bus;
  readonly directory?: Directory;
  /** Default: everybody is let in. */
  readonly authenticator?: Authenticator;
  /** Default: everything is permitted. */
  readonly authorizer?: Authorizer;
  readonly limits?: Partial<Limits>;
  readonly settings?: Partial<Settings>;
  /** Told under `$SYS/broker/version`. */
  readonly version?: string;
}

export interface PublishOptions {
  readonly qos?: QoS;
  readonly retain?: boolean;
  readonly properties?: Properties;
  /** Follows the message to one client of this broker; for this message alone. */
  readonly receipt?: Receipt;
}

export interface DisconnectOptions {
  readonly reasonCode?: number;
  /** Sent to a 5.0 client as Reason String. */
  readonly reason?: string;
}

export interface StopOptions {
  /** For the DISCONNECT to 5.0 clients; 0x8B by default, 0x9C where a Server Reference is set. */
  readonly reasonCode?: number;
}
