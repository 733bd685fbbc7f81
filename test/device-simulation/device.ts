/** A device: it comes and goes, subscribes, takes commands, and says what it did; now and then it says what is not so. */
import type { QoS } from '../../packages/protocol/src/index.ts';
import type { SeededRandom } from '../simulation-harness/seeded-random.ts';
import type { World } from './world.ts';

/** One network connection, as both ends see it. */
export class Link {
  static count = 0;
  readonly token: string;
  readonly deviceId: string;
  /** The device believes in it. */
  isAlive = true;
  /** The server believes in it. */
  isOpen = false;
  readonly subscriptions = new Map<string, QoS>();
  /** What to do when the server finds out that it has ended. */
  readonly ended: (() => void)[] = [];
  /** Commands that are on their way over it or went out over it. */
  readonly given = new Map<string, 'under way' | 'given'>();

  constructor(token: string, deviceId: string) {
    this.token = token;
    this.deviceId = deviceId;
  }
}

export class Device {
  readonly id: string;
  readonly isPlayer: boolean;
  readonly isPersistent: boolean;
  readonly qos: 0 | 1;
  readonly #world: World;
  readonly #random: SeededRandom;
  link: Link | undefined;
  #links = 0;
  /** Commands that it got, with what it says of them. */
  readonly taken = new Map<string, { readonly type: string; readonly isFailure: boolean }>();
  /** Commands for which it sent PUBACK. */
  readonly confirmed = new Set<string>();
  /** Commands of which it has said how they ended, at least once. */
  readonly said = new Set<string>();

  constructor(id: string, world: World, random: SeededRandom) {
    this.id = id;
    this.#world = world;
    this.#random = random;
    this.isPlayer = id.startsWith('pix');
    this.isPersistent = random.chance(world.character.persistent);
    this.qos = random.chance(world.character.qos0) ? 0 : 1;
  }

  get topic(): string {
    return this.isPlayer ? `player/${this.id}/command` : `things/t-${this.id}/message`;
  }

  /** Comes and goes for as long as the world is wild. */
  start(): void {
    const { time, character, isCalm } = this.#world;
    if (isCalm) return;
    time.after(this.#random.wait(character.stayMs), () => {
      if (this.#world.isCalm) return;
      // Now and then it comes anew while the server believes in the former connection.
      if (this.link === undefined || this.#random.chance(0.2)) this.connect();
      else this.leave();
      this.start();
    });
  }

  connect(): void {
    if (this.link !== undefined) this.#end(this.link);
    const link = new Link(`${this.id}/${++this.#links}`, this.id);
    this.link = link;
    this.#world.tell(`${link.token} connects`);
    this.#later(() => {
      if (link.isAlive && !this.#world.broker?.arrive(link, this)) this.#end(link);
    });
  }

  leave(): void {
    if (this.link !== undefined) this.#end(this.link);
  }

  /** The connection is open: whoever has no session subscribes, some do so twice. */
  opened(link: Link): void {
    this.sayAgain();
    if (this.isPersistent) return;
    const filters = this.#random.chance(0.2) ? ['#', this.topic] : [this.topic];
    for (const filter of filters)
      this.#later(() => {
        if (!link.isAlive || !link.isOpen) return;
        link.subscriptions.set(filter, this.#world.isCalm ? 1 : this.qos);
        this.#world.broker?.subscribed(link);
      });
  }

  /** A command arrives. `confirm` sends PUBACK. */
  take(link: Link, id: string, type: string, confirm: (() => void) | undefined): void {
    const { random, isCalm, character } = { random: this.#random, ...this.#facts() };
    if (!isCalm && random.chance(character.loss)) return;
    if (!this.taken.has(id)) this.taken.set(id, { type, isFailure: type === 'show' && random.chance(0.2) });
    if (confirm !== undefined) {
      this.confirmed.add(id);
      this.#later(() => {
        if (link.isAlive && (isCalm || !random.chance(character.loss))) confirm();
      });
    }
    for (let times = random.pick([0, 1, 1, 2]); times > 0; times--) this.#say(id);
  }

  /** Says again how every command ended that it knows of. */
  sayAgain(): void {
    if (this.#world.isCalm) for (const id of this.taken.keys()) this.#say(id);
  }

  #facts() {
    const { isCalm, character } = this.#world;
    return { isCalm, character };
  }

  #say(id: string): void {
    const { type, isFailure } = this.taken.get(id) ?? { type: '', isFailure: false };
    if (!this.isPlayer) return;
    const { link } = this;
    this.#later(() => {
      const { broker, isCalm, character } = this.#world;
      if (link === undefined || !link.isAlive || !link.isOpen) return;
      if (!isCalm && this.#random.chance(character.loss)) return;
      this.said.add(id);
      this.#world.tell(`${this.id} says of ${id}: ${isFailure ? 'failed' : 'done'}`);
      const confirmed = () => this.#world.oracle.heard(this, id);
      if (type === 'reset') broker?.say(`player/${this.id}/reset/${id}/done`, '', confirmed);
      else
        broker?.say(`player/${this.id}/done`, JSON.stringify({ id, result: isFailure ? 'failed' : 'fine' }), confirmed);
    });
  }

  /** Says of a command to another device, at its own place, that it is done. */
  lie(id: string): void {
    const { broker } = this.#world;
    if (!this.isPlayer || this.link?.isOpen !== true) return;
    broker?.say(`player/${this.id}/reset/${id}/done`, '');
    broker?.say(`player/${this.id}/done`, JSON.stringify({ id }));
  }

  /** Ends at the device; the server finds out later, or at the next connection. */
  #end(link: Link): void {
    link.isAlive = false;
    if (this.link === link) this.link = undefined;
    const { time, character, isCalm } = this.#world;
    const noticedMs = isCalm || this.#random.chance(0.5) ? character.latencyMs : this.#random.wait(3_000);
    time.after(noticedMs, () => this.#world.broker?.lost(link));
  }

  #later(run: () => void): void {
    const { time, character } = this.#world;
    time.after(character.latencyMs === 0 ? 0 : this.#random.wait(character.latencyMs), run);
  }
}
