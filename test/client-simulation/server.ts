/** The server of a world: one broker after the other, on a store that outlives them or does not. */
import { AnonymousAuthenticator, Broker, type BrokerEvent } from '@dunlin/broker';
import { DelayedStore } from '../simulation/delayed-store.ts';
import { Link, type LinkWatcher } from '../simulation/network.ts';
import { ProcessClock } from '../simulation-harness/process-clock.ts';
import type { SeededRandom } from '../simulation-harness/seeded-random.ts';
import type { VirtualTime } from '../simulation-harness/virtual-time.ts';
import type { Character } from './character.ts';

const NOBODY: LinkWatcher = { received: () => {}, handled: () => {}, written: () => {} };
/** How long nobody listens after a crash. */
const DOWN_MS = [1, 100, 1500, 6000];
/** Of the answers to CONNECT in a world with trouble. */
const BUSY_SHARE = 0.05;

export interface ServerHost {
  readonly time: VirtualTime;
  readonly character: Character;
  tell(text: string): void;
  heard(event: BrokerEvent): void;
  /** The session is gone; undefined: every session that is not in the list. */
  restarted(sessions: ReadonlySet<string>): void;
}

export class Server {
  readonly #host: ServerHost;
  readonly #random: SeededRandom;
  #store: DelayedStore;
  #clock: ProcessClock;
  #broker: Broker;
  #links: Link[] = [];
  #linksMade = 0;
  isUp = false;
  /** Nothing goes wrong any more. */
  isCalm = false;
  crashes = 0;

  constructor(host: ServerHost, random: SeededRandom) {
    this.#host = host;
    this.#random = random;
    this.#store = this.#newStore();
    this.#clock = new ProcessClock(host.time);
    this.#broker = this.#newBroker();
  }

  get broker(): Broker {
    return this.#broker;
  }

  async start(): Promise<void> {
    await this.#broker.start();
    this.isUp = true;
  }

  /** A link whose other end the broker has. */
  newLink(random: SeededRandom): Link {
    const { latencyMs, splitShare, capacityBytes } = this.#host.character;
    const options = { latencyMs, capacityBytes: random.pick(capacityBytes), isSplit: random.chance(splitShare) };
    this.#linksMade += 1;
    const link = new Link(this.#linksMade, this.#host.time, random.fork(), options, NOBODY);
    this.#links = this.#links.filter(({ server }) => !server.isClosed);
    this.#links.push(link);
    this.#broker.attach(link.server, { name: 'memory' });
    return link;
  }

  /** The process of the broker ends without a word, and another takes its place; with the store or without. */
  crash(): void {
    if (!this.isUp) return;
    const isPowerCut = this.#random.chance(0.5);
    const isForgetting = this.#host.character.isForgetting && this.#random.chance(0.5);
    this.#host.tell(`the server ${isPowerCut ? 'loses its power' : 'is killed'}${isForgetting ? ' and its disk' : ''}`);
    this.crashes += 1;
    this.isUp = false;
    this.#clock.end();
    this.#store.crash();
    for (const link of this.#links) link.crash(isPowerCut);
    this.#links = [];
    if (isForgetting) this.#store = this.#newStore();
    this.#host.time.after(this.#random.pick(DOWN_MS), () => this.#host.time.standStill(this.#startAgain()));
  }

  async #startAgain(): Promise<void> {
    this.#clock = new ProcessClock(this.#host.time);
    this.#broker = this.#newBroker();
    await this.start();
    this.#host.restarted(new Set(this.#broker.sessionsById.keys()));
  }

  #newStore(): DelayedStore {
    return new DelayedStore(this.#host.time, this.#random.fork(), {
      delayMs: this.#host.character.commitMs,
      isLying: false,
      isForgetful: false,
      committed: () => {},
      misused: (text) => {
        throw new Error(text);
      },
    });
  }

  #newBroker(): Broker {
    const random = this.#random.fork();
    const anonymous = new AnonymousAuthenticator();
    const broker = new Broker({
      clock: this.#clock,
      random: { identifier: () => String(random.below(1e9)) },
      store: this.#store,
      authenticator: {
        supports: () => false,
        authenticate: (request) => {
          const isBusy = !this.isCalm && this.#host.character.dialTrouble > 0 && random.chance(BUSY_SHARE);
          return isBusy ? { kind: 'refuse', reasonCode: 0x89, check: 'user' } : anonymous.authenticate(request);
        },
      },
      limits: this.#host.character.limits,
      settings: { sysIntervalS: 0 },
    });
    broker.onEvent((event) => this.#host.heard(event));
    return broker;
  }
}
