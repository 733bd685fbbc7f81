/** A device: an application that does as the dice say, in one process after the other. */
import { MqttError } from '@dunlin/client';
import type { Dial } from '../../packages/client/src/dial.ts';
import type { SeededRandom } from '../simulation-harness/seeded-random.ts';
import { DeviceProcess, LANES } from './device-process.ts';
import { DeviceWire, type WireFate } from './device-wire.ts';
import { OutboxDisk } from './outbox-disk.ts';
import { type Traits, traitsOf } from './traits.ts';
import { idOf, SessionWatch, WireWatch } from './wire-watch.ts';
import type { World } from './world.ts';

const QUEUE_MAX = 20;

export class Device {
  readonly traits: Traits;
  readonly disk: OutboxDisk | undefined;
  readonly random: SeededRandom;
  process: DeviceProcess;
  readonly #world: World;
  readonly #session: SessionWatch;
  readonly #isBounded: boolean;
  #processes = 0;
  /** Nothing goes wrong any more. */
  isCalm = false;

  constructor(name: string, world: World, random: SeededRandom) {
    this.#world = world;
    this.random = random;
    this.traits = traitsOf(name, random.fork());
    const delayMs = random.pick([0, 5, 50]);
    this.disk = this.traits.isDurable
      ? new OutboxDisk(world.time, random.fork(), delayMs, (id) => this.#kept(id))
      : undefined;
    this.#isBounded = !this.traits.isDurable && random.chance(0.2);
    this.#session = new SessionWatch(name);
    this.process = this.#newProcess();
  }

  get name(): string {
    return this.traits.name;
  }

  /** Begins to live. */
  start(): void {
    this.#begin();
    this.#actLater();
  }

  /** No more is begun, and what has died or given up comes back. */
  calm(): void {
    this.isCalm = true;
    for (const wire of this.process.wires) wire.calm();
    this.process.calm();
  }

  /** Sees to it that the client is on its way. */
  wake(): void {
    if (this.process.isOver) {
      this.process = this.#newProcess();
      this.process.calm();
      this.#begin();
    } else if (this.process.client.state === 'disconnected') this.process.connect();
  }

  /** The process ends without a word; `isPowerCut`: nobody hears of it. */
  async die(isPowerCut: boolean): Promise<void> {
    if (this.process.isOver) return;
    this.#world.tell(`${this.process.label} ${isPowerCut ? 'loses its power' : 'is killed'}`);
    this.process.end(isPowerCut);
    this.#session.clear();
    await this.disk?.crash();
    this.#world.time.after(this.random.pick([1, 500, 8000]), () => {
      if (!this.process.isOver) return;
      this.process = this.#newProcess();
      if (this.isCalm) this.process.calm();
      this.#begin();
    });
  }

  /** The wire of the present connection or attempt. */
  get wire(): DeviceWire | undefined {
    return this.process.wires.find(({ isLetGo, isClosed }) => !isLetGo && !isClosed);
  }

  #newProcess(): DeviceProcess {
    this.#processes += 1;
    const { disk } = this;
    const outbox = {
      ...(disk !== undefined && { store: disk.store() }),
      ...(this.#isBounded && { messagesMax: QUEUE_MAX, onFull: this.random.pick(['reject', 'drop-oldest'] as const) }),
    };
    const dial: Dial = (request) => this.#dial(process, request.signal);
    const process = new DeviceProcess(this.#processes, this.#world, this.traits, this.random.fork(), { outbox, dial });
    process.client.on('state', (state) => {
      // What it has open is over, and the identifiers are free.
      if (state === 'disconnected') this.#session.clear();
    });
    return process;
  }

  #begin(): void {
    const { process, random } = this;
    if (random.chance(0.7)) process.connect();
    if (random.chance(0.5) && this.traits.version === 5) process.respond();
    if (random.chance(0.7)) process.subscribe(this.#filter(), this.#qos());
    if (random.chance(0.3)) process.subscribe(this.#filter(), this.#qos());
    if (process.client.state === 'disconnected') process.connect();
  }

  #kept(id: string): void {
    const said = this.#world.ledger.messages.get(id);
    if (said !== undefined) said.isKept = true;
  }

  #filter(): string {
    const { random } = this;
    const lane = random.below(LANES);
    return random.pick([`lane/${lane}/+`, `lane/${lane}/${random.pick(this.#world.names)}`, 'lane/#', '+/+/+']);
  }

  #qos(): 0 | 1 | 2 {
    return this.random.pick([0, 1, 1, 2, 2] as const);
  }

  #actLater(): void {
    this.#world.time.after(this.random.wait(this.#world.character.paceMs), () => {
      if (this.isCalm) return;
      if (!this.process.isOver) this.#act();
      this.#actLater();
    });
  }

  #act(): void {
    const { process, random } = this;
    const isDown = process.client.state === 'disconnected';
    const what = random.weighted({
      publish: 60,
      burst: 4,
      subscribe: 6,
      unsubscribe: 4,
      request: 6,
      drain: 2,
      disconnect: 1,
      connect: isDown ? 20 : 1,
      die: 1.5,
    });
    if (what === 'publish') process.publish(this.#qos(), false);
    else if (what === 'burst')
      for (let count = random.between(5, 30); count > 0; count--) process.publish(this.#qos(), false);
    else if (what === 'subscribe') process.subscribe(this.#filter(), this.#qos());
    else if (what === 'unsubscribe') process.unsubscribe();
    else if (what === 'request') {
      if (this.traits.version === 5) process.request(random.pick(this.#world.names));
    } else if (what === 'drain') process.drain();
    else if (what === 'disconnect') void process.disconnect();
    else if (what === 'connect') process.connect();
    else void this.die(random.chance(0.5));
  }

  #dial(process: DeviceProcess, signal: AbortSignal): Promise<DeviceWire> {
    const { random } = this;
    const { time, character, judge } = this.#world;
    process.life.dialling();
    const open = process.wires.filter(({ isLetGo, isClosed }) => !isLetGo && !isClosed);
    judge.check(open.length === 0, 'one-connection', () => `${process.label} dials and has a wire`);
    const isTroubled = !this.isCalm && random.chance(character.dialTrouble);
    const trouble = isTroubled ? random.pick(['refused', 'hangs', 'deaf', 'breaks', 'stalls'] as const) : undefined;
    this.#world.tell(`${process.label} dials${trouble === undefined ? '' : `: ${trouble}`}`);
    return new Promise((resolve, reject) => {
      const give = (): void => {
        if (process.isOver) return;
        if (trouble === 'refused' || !this.#world.isServerUp) {
          reject(new MqttError('connection-failed', 'Cannot connect: refused'));
          return;
        }
        const wire = this.#newWire(process, trouble === 'breaks');
        if (trouble === 'stalls') wire.link.stall(random.pick([1000, 4000, 12_000]));
        resolve(wire);
      };
      if (trouble === 'hangs') signal.addEventListener('abort', () => reject(signal.reason));
      // It does not hear that nobody wants the wire any more.
      else time.after(trouble === 'deaf' ? random.between(1000, 15_000) : random.wait(character.latencyMs), give);
    });
  }

  #newWire(process: DeviceProcess, breaks: boolean): DeviceWire {
    const { random, disk } = this;
    const { judge, ledger } = this.#world;
    const link = this.#world.newLink(random);
    const fate: WireFate = {
      breaksAfterBytes: breaks ? random.pick([random.below(60), random.below(3000)]) : Number.POSITIVE_INFINITY,
      noticedAfterMs: random.pick([10, 2000, 30_000]),
      lingers: random.chance(0.3),
    };
    const watch = new WireWatch({
      version: this.traits.version,
      label: `${process.label} (link ${link.number})`,
      process: process.number,
      session: this.#session,
      ledger,
      judge,
      said: (direction, packet) => this.#world.packet(`${process.label} link ${link.number}`, direction, packet),
      accepted: (isPresent) => this.#world.accepted(this.name, isPresent),
      keptState: disk && ((id) => [...disk.kept.values()].find(({ payload }) => idOf(payload) === id)?.state),
    });
    const wire = new DeviceWire(link, watch, fate);
    process.wires.push(wire);
    return wire;
  }
}
