/** What was promised to the applications, and what became of it. */
import { MqttError, type MqttErrorCode } from '@dunlin/client';
import { topicMatches } from '@dunlin/protocol';
import type { ClientJudge } from './invariants.ts';

export type Operation =
  | 'connect'
  | 'publish'
  | 'subscribe'
  | 'unsubscribe'
  | 'request'
  | 'drain'
  | 'disconnect'
  | 'next';

/** A message, from the call of `publish` on. */
export interface Said {
  readonly id: string;
  /** Of the device that publishes it. */
  readonly from: string;
  /** The process of the device. */
  readonly process: number;
  readonly topic: string;
  readonly qos: 0 | 1 | 2;
  /** Order of publishing in the world. */
  readonly number: number;
  readonly expires: boolean;
  readonly isAbortable: boolean;
  /** `abandoned`: the process that published it has died. */
  outcome: 'open' | 'resolved' | 'abandoned' | MqttErrorCode;
  isSent: boolean;
  /** A store has had it. */
  isKept: boolean;
  /** By device. */
  readonly arrivals: Map<string, number>;
}

/** A filter that the session of a device has, for certain. */
interface Grant {
  readonly since: number;
  readonly qos: number;
}

/** Codes that any operation may reject with: why the client is or was disconnected. */
const ENDS: readonly MqttErrorCode[] = [
  'closed',
  'connection-lost',
  'connection-failed',
  'timed-out',
  'refused',
  'server-disconnected',
];
const MAY_REJECT: Readonly<Record<Operation, readonly MqttErrorCode[]>> = {
  connect: [...ENDS, 'aborted'],
  publish: [...ENDS, 'aborted', 'expired', 'queue-full', 'session-lost'],
  subscribe: [...ENDS, 'aborted', 'queue-full'],
  unsubscribe: [...ENDS, 'aborted', 'queue-full'],
  request: [...ENDS, 'aborted', 'queue-full', 'expired', 'session-lost'],
  drain: [...ENDS, 'aborted'],
  disconnect: [],
  next: ENDS,
};
/** Rejections after which the message may go on. */
const GOES_ON: readonly string[] = ['open', 'abandoned', 'aborted', 'timed-out'];

export class Ledger {
  readonly messages = new Map<string, Said>();
  readonly judge: ClientJudge;
  /** Every promise that has not settled, by what it is of. */
  readonly #open = new Map<object, { readonly owner: object; readonly what: string }>();
  /** By device and filter. */
  readonly #grants = new Map<string, Map<string, Grant>>();
  /** The latest first arrival by receiver, topic and QoS. */
  readonly #latest = new Map<string, Said>();
  #number = 0;
  settled = 0;
  deliveries = 0;
  readonly outcomes: Record<string, number> = {};

  constructor(judge: ClientJudge) {
    this.judge = judge;
  }

  /** Watches a promise of the process `owner`. */
  promise<Value>(owner: object, operation: Operation, what: string, promise: PromiseLike<Value>): Promise<Value> {
    const key = {};
    this.#open.set(key, { owner, what: `${operation}: ${what}` });
    const over = (): void => {
      if (this.#open.delete(key)) this.settled += 1;
    };
    const watched = Promise.resolve(promise);
    watched.then(over, (error) => {
      over();
      const isRight = error instanceof MqttError && MAY_REJECT[operation].includes(error.code);
      this.judge.check(isRight, 'rejects-rightly', () => `${what} rejects with ${String((error as Error).stack)}`);
    });
    return watched;
  }

  /** Promises of the owner, or of anybody, that have not settled. */
  open(owner?: object): string[] {
    return [...this.#open.values()].filter((one) => owner === undefined || one.owner === owner).map(({ what }) => what);
  }

  /** The process has died: nobody waits for its promises. */
  forget(owner: object, device: string, process: number): void {
    for (const [key, one] of this.#open) if (one.owner === owner) this.#open.delete(key);
    for (const said of this.messages.values())
      if (said.outcome === 'open' && said.from === device && said.process === process) said.outcome = 'abandoned';
  }

  say(fields: Pick<Said, 'from' | 'process' | 'topic' | 'qos' | 'expires' | 'isAbortable'>): Said {
    this.#number += 1;
    const said: Said = {
      ...fields,
      id: `m${this.#number}`,
      number: this.#number,
      outcome: 'open',
      isSent: false,
      isKept: false,
      arrivals: new Map(),
    };
    this.messages.set(said.id, said);
    return said;
  }

  settle(said: Said, outcome: Said['outcome']): void {
    if (said.outcome !== 'open') return;
    said.outcome = outcome;
    this.outcomes[outcome] = (this.outcomes[outcome] ?? 0) + 1;
  }

  /** PUBLISH leaves a process. */
  sent(id: string, process: number): void {
    const said = this.messages.get(id);
    if (said === undefined) return;
    const isOver =
      said.process === process && !GOES_ON.includes(said.outcome) && !(said.isKept && said.outcome !== 'resolved');
    this.judge.check(!isOver, 'no-more-after-settled', () => `${id} leaves, though it is ${said.outcome}`);
    // What a store had taken may be found again behind a crash, as its removal is not waited for.
    this.judge.check(
      said.qos > 0 || !said.isSent || said.isKept,
      'exactly-once',
      () => `${id} of QoS 0 leaves a second time`,
    );
    this.judge.check(
      said.isSent || said.outcome !== 'aborted' || said.isKept,
      'no-more-after-settled',
      () => `${id} leaves for the first time, though it was aborted`,
    );
    said.isSent = true;
  }

  /** The application of a device gets a message; `before`: how often this process had it. */
  arrived(device: string, id: string, topic: string, qos: number, before: number): void {
    this.deliveries += 1;
    const said = this.messages.get(id);
    if (said === undefined || said.topic !== topic) {
      this.judge.broken('only-what-was-published', `${device} got ${id} on "${topic}", ${said?.topic ?? 'unknown'}`);
      return;
    }
    this.judge.check(
      said.isSent,
      'only-what-was-published',
      () => `${device} got ${id}, which never left (${said.outcome})`,
    );
    this.judge.check(
      before === 0 || (qos < 2 && said.qos > 0),
      'exactly-once',
      () => `the application of ${device} got ${id} of QoS ${said.qos} at QoS ${qos} again`,
    );
    const arrivals = said.arrivals.get(device) ?? 0;
    said.arrivals.set(device, arrivals + 1);
    // The first of two copies may have expired on its way.
    if (arrivals === 0 && !said.expires) this.#checkOrder(device, said, qos);
  }

  #checkOrder(device: string, said: Said, qos: number): void {
    // What comes at another QoS, since the subscription has changed, has an order of its own.
    const key = `${device} ${said.topic} ${said.qos} ${qos}`;
    const latest = this.#latest.get(key);
    if (latest === undefined || latest.number < said.number) this.#latest.set(key, said);
    else if (said.qos === 0 || this.#claims(device, said)) {
      this.judge.broken(
        'order',
        `${device} got ${said.id} first behind ${latest.id}, both on ${said.topic} at QoS ${said.qos}`,
      );
    }
  }

  /** SUBACK reached the device: what is published from now on has to arrive. */
  granted(device: string, filter: string, qos: number): void {
    const grants = this.#grants.get(device) ?? new Map<string, Grant>();
    this.#grants.set(device, grants.set(filter, { since: this.#number, qos }));
  }

  /** 0 where the session does not have the filter. */
  qosOf(device: string, filter: string): number {
    return this.#grants.get(device)?.get(filter)?.qos ?? 0;
  }

  /** The device asks for the end of a subscription, or its session is over (no filter). */
  revoked(device: string, filter?: string): void {
    if (filter === undefined) this.#grants.delete(device);
    else this.#grants.get(device)?.delete(filter);
  }

  /** Whether the session of the device has wanted the message since before it was published, at QoS 1 or 2. */
  #claims(device: string, said: Said): boolean {
    for (const [filter, { since, qos }] of this.#grants.get(device) ?? [])
      if (qos > 0 && since < said.number && topicMatches(filter, said.topic)) return true;
    return false;
  }

  /** Call it when everything has arrived that will. */
  checkArrivals(): void {
    for (const said of this.messages.values()) {
      const { id, qos, outcome, expires, isKept } = said;
      const isDurable = isKept && (outcome === 'abandoned' || outcome === 'closed');
      if (qos === 0 || expires || (outcome !== 'resolved' && !isDurable)) continue;
      for (const device of this.#grants.keys())
        if (!said.arrivals.has(device) && this.#claims(device, said))
          this.judge.broken(
            isDurable ? 'durable-arrives' : 'acknowledged-arrives',
            `${device} did not get ${id} of QoS ${qos} on "${said.topic}", which is ${outcome}`,
          );
    }
  }
}
