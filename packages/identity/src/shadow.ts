/**
 * Shadow mode: new rules are asked about live traffic beside those in force, and what they would decide otherwise is
 * listed. They decide nothing.
 */
import type { Authorizer, Permissions, PermittedAction, Principal } from '@dunlin/broker';
import type { QoS } from '@dunlin/protocol';

/** Something that the candidate decides otherwise. */
export interface ShadowDifference {
  readonly clientId: string;
  readonly username: string | undefined;
  readonly action: PermittedAction;
  /** The first topic or filter of this shape. */
  readonly topic: string;
  /** The topic with `+` for levels that name the client or hold a digit: many topics have one shape. */
  readonly shape: string;
  /** What the candidate would do; the rules in force do the opposite, or grant another QoS. */
  readonly candidate: 'allow' | 'deny' | 'other-qos';
  /** The rule of the candidate that decides, with its place. */
  readonly decidedBy: string;
  /** How often it came up. */
  readonly count: number;
}

export interface ShadowOptions {
  /** Differences that are kept; later ones are only counted. Default 1000. */
  readonly differencesMax?: number;
  /** Told once for each difference that is kept. */
  readonly onDifference?: (difference: ShadowDifference) => void;
}

export interface Shadow extends Authorizer {
  /** In the order in which they came up. */
  differences(): readonly ShadowDifference[];
  /** How often decisions differed that are not kept, since there were too many. */
  readonly unlisted: number;
}

/** An Authorizer that decides as `active` does (undefined: everything is allowed) and asks `candidate` as well. */
export function shadowed(active: Authorizer | undefined, candidate: Authorizer, options: ShadowOptions = {}): Shadow {
  return new ShadowAuthorizer(active, candidate, options);
}

class ShadowAuthorizer implements Shadow {
  unlisted = 0;
  readonly #active: Authorizer | undefined;
  readonly #candidate: Authorizer;
  readonly #differencesMax: number;
  readonly #onDifference: ShadowOptions['onDifference'];
  readonly #differences = new Map<string, Counted>();

  constructor(active: Authorizer | undefined, candidate: Authorizer, options: ShadowOptions) {
    this.#active = active;
    this.#candidate = candidate;
    this.#differencesMax = options.differencesMax ?? 1_000;
    this.#onDifference = options.onDifference;
  }

  permissions(clientId: string, principal: Principal): Permissions | undefined {
    const active = this.#active?.permissions(clientId, principal);
    const candidate = this.#candidate.permissions(clientId, principal);
    if (active === undefined && candidate === undefined) return undefined;
    return new ShadowPermissions(active, candidate, (difference) =>
      this.#note({ ...difference, clientId, username: principal.username }),
    );
  }

  differences(): readonly ShadowDifference[] {
    return [...this.#differences.values()];
  }

  #note(found: Found & { clientId: string; username: string | undefined }): void {
    const shape = shapeOf(found.topic, [found.clientId, found.username]);
    const key = JSON.stringify([found.clientId, found.action, found.candidate, shape]);
    const known = this.#differences.get(key);
    if (known !== undefined) {
      known.count += 1;
    } else if (this.#differences.size >= this.#differencesMax) {
      this.unlisted += 1;
    } else {
      const difference = { ...found, shape, decidedBy: found.decidedBy(), count: 1 };
      this.#differences.set(key, difference);
      this.#onDifference?.(difference);
    }
  }
}

type Counted = ShadowDifference & { count: number };

interface Found {
  readonly action: PermittedAction;
  readonly topic: string;
  readonly candidate: ShadowDifference['candidate'];
  readonly decidedBy: () => string;
}

class ShadowPermissions implements Permissions {
  readonly #active: Permissions | undefined;
  readonly #candidate: Permissions | undefined;
  readonly #note: (found: Found) => void;

  constructor(active: Permissions | undefined, candidate: Permissions | undefined, note: (found: Found) => void) {
    this.#active = active;
    this.#candidate = candidate;
    this.#note = note;
  }

  mayPublish(topic: string, qos: QoS, retain: boolean): number {
    const decided = this.#active?.mayPublish(topic, qos, retain) ?? 0;
    const other = this.#candidate?.mayPublish(topic, qos, retain) ?? 0;
    if (decided !== other) this.#differ('publish', topic, other, qos, retain, decided);
    return decided;
  }

  mayLeaveWill(topic: string, qos: QoS, retain: boolean): number {
    const decided = this.#active?.mayLeaveWill(topic, qos, retain) ?? 0;
    const other = this.#candidate?.mayLeaveWill(topic, qos, retain) ?? 0;
    if (decided !== other) this.#differ('will', topic, other, qos, retain, decided);
    return decided;
  }

  maySubscribe(filter: string, qos: QoS): number {
    const decided = this.#active?.maySubscribe(filter, qos) ?? qos;
    const other = this.#candidate?.maySubscribe(filter, qos) ?? qos;
    if (decided !== other) this.#differ('subscribe', filter, other, qos, false, decided);
    return decided;
  }

  /** False where the candidate wants to see each message. */
  mayReceiveAll(filter: string): boolean {
    return (this.#active?.mayReceiveAll(filter) ?? true) && (this.#candidate?.mayReceiveAll(filter) ?? true);
  }

  mayReceive(topic: string): boolean {
    const decided = this.#active?.mayReceive(topic) ?? true;
    const other = this.#candidate?.mayReceive(topic) ?? true;
    if (decided !== other) this.#differ('receive', topic, other ? 0 : 0x87, 0, false, decided ? 0 : 0x87);
    return decided;
  }

  explain(action: PermittedAction, name: string, qos: QoS, retain: boolean): string {
    return this.#active?.explain(action, name, qos, retain) ?? 'everything is allowed';
  }

  #differ(action: PermittedAction, topic: string, other: number, qos: QoS, retain: boolean, decided: number): void {
    const isAllowed = other < 0x80;
    this.#note({
      action,
      topic,
      candidate: isAllowed === decided < 0x80 ? 'other-qos' : isAllowed ? 'allow' : 'deny',
      decidedBy: () => this.#candidate?.explain(action, topic, qos, retain) ?? 'everything is allowed',
    });
  }
}

/** Levels that are different for each client or each message become `+`. */
function shapeOf(topic: string, names: readonly (string | undefined)[]): string {
  const levels = topic.split('/', shapeLevelsMax + 1);
  const shape = levels
    .slice(0, shapeLevelsMax)
    .map((level) => (/\d/.test(level) || names.includes(level) ? '+' : level));
  const text = (levels.length > shapeLevelsMax ? [...shape, '#'] : shape).join('/');
  return text.length > shapeCharactersMax ? `${text.slice(0, shapeCharactersMax)}…` : text;
}

const shapeLevelsMax = 20;
const shapeCharactersMax = 200;
