/** Denials as events: each names client, topic and rule, and a client that goes on and on does not fill the log. */
import type { QoS } from '@dunlin/protocol';
import type { BrokerEvent } from './events.ts';
import type { Metrics } from './metrics.ts';
import type { Permissions, PermittedAction } from './ports.ts';
import { shownUsername } from './shown-username.ts';

/** Denials of one kind that are told in a second, of one client and of all. */
const CLIENT_MAX = 10;
const ALL_MAX = 100;

type DenialName = 'publishRefused' | 'subscriptionRefused' | 'willRefused' | 'deliveryDenied';
type Unnamed<Event> = Event extends unknown
  ? Omit<Event, 'username'> & { readonly username?: string | undefined }
  : never;
/** Without a user name where it is that of the client's session. */
type Denial = Unnamed<Extract<BrokerEvent, { name: DenialName }>>;

/** What was denied, for asking which rule decided. */
export interface DeniedAction {
  readonly action: PermittedAction;
  readonly name: string;
  readonly qos: QoS;
  readonly retain: boolean;
}

/** The broker, as its denials see it. */
interface Teller {
  readonly metrics: Metrics;
  readonly hasListeners: boolean;
  /** Steady clock of the present turn. */
  readonly steadyMs: number;
  /** Of the client's session. */
  usernameOf(clientId: string): string | undefined;
  tell(event: BrokerEvent): void;
}

/** Events of one name in the present second. */
interface Second {
  beganAtMs: number;
  told: number;
  readonly byClient: Map<string, number>;
}

export class Denials {
  readonly #teller: Teller;
  readonly #seconds = new Map<DenialName, Second>();

  constructor(teller: Teller) {
    this.#teller = teller;
  }

  /** Tells a denial, with the rule of these permissions, unless too many were told. */
  tell(denial: Denial, permissions?: Permissions, denied?: DeniedAction): void {
    if (!this.#teller.hasListeners) return;
    if (!this.#mayTell(denial.name, denial.clientId)) {
      this.#teller.metrics.denialsUntold += 1;
      return;
    }
    const rule = denied && permissions?.explain(denied.action, denied.name, denied.qos, denied.retain);
    const known = 'username' in denial ? denial.username : this.#teller.usernameOf(denial.clientId);
    this.#teller.tell({
      ...denial,
      username: shownUsername(known),
      ...(rule !== undefined && { rule }),
    } as BrokerEvent);
  }

  #mayTell(name: DenialName, clientId: string): boolean {
    const { steadyMs } = this.#teller;
    let second = this.#seconds.get(name);
    if (second === undefined || steadyMs - second.beganAtMs >= 1000) {
      second = { beganAtMs: steadyMs, told: 0, byClient: new Map() };
      this.#seconds.set(name, second);
    }
    const ofClient = second.byClient.get(clientId) ?? 0;
    if (second.told >= ALL_MAX || ofClient >= CLIENT_MAX) return false;
    second.told += 1;
    second.byClient.set(clientId, ofClient + 1);
    return true;
  }
}
