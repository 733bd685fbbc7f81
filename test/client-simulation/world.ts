/**
 * A whole world from one seed: real clients on devices that die, a real broker that dies, and a network between them.
 *
 * The world runs in three acts. In the first everybody does as the dice say and everything has accidents. In the second
 * all is calm: every promise settles, everything arrives, and every subscription shows that it works. In the third all
 * disconnect, and nothing may be left.
 */
import type { BrokerEvent } from '@dunlin/broker';
import { type Packet, topicMatches } from '@dunlin/protocol';
import type { Link } from '../simulation/network.ts';
import { SeededRandom } from '../simulation-harness/seeded-random.ts';
import { Trace } from '../simulation-harness/trace.ts';
import { VirtualTime } from '../simulation-harness/virtual-time.ts';
import { type Character, characterOf } from './character.ts';
import { Device } from './device.ts';
import { ClientJudge } from './invariants.ts';
import { Ledger, type Said } from './ledger.ts';
import { Server } from './server.ts';

const FIRST_ACT_MS = 20_000;
/** Longer than any wait between two attempts, any attempt, and any silence until it is noticed. */
const STEP_MS = 3000;
/** Until the slowest Keep Alive has noticed that a connection has vanished. */
const NOTICE_MS = 40_000;
const CALM_MAX_MS = 1_200_000;
const TRY_OUT_MAX_MS = 120_000;
const TRY_OUT_ROUNDS = 3;
const GOODBYE_MS = 90_000;

export class World {
  readonly judge: ClientJudge;
  readonly time: VirtualTime;
  readonly character: Character;
  readonly ledger: Ledger;
  readonly names: readonly string[];
  readonly #random: SeededRandom;
  readonly #misfortune: SeededRandom;
  readonly #trace: Trace;
  readonly #devices: Device[];
  readonly #server: Server;
  /** Devices with a new session whose CONNACK has not reached them. */
  readonly #unaware = new Set<string>();
  /**
   * A device was told that the session goes on, and it was another one than the device knows: CONNACK of the new one was
   * lost. No client can tell; nothing that follows counts.
   */
  isDeceived = false;

  constructor(seed: number, isTraced: boolean) {
    this.#random = new SeededRandom(seed);
    this.character = characterOf(this.#random.fork());
    this.#misfortune = this.#random.fork();
    this.time = new VirtualTime(this.#random.fork());
    this.judge = new ClientJudge(() => this.time.elapsedMs);
    this.#trace = new Trace(this.time, () => isTraced && this.judge.violation === undefined);
    this.ledger = new Ledger(this.judge);
    this.#server = new Server(this, this.#random.fork());
    this.names = Array.from({ length: this.character.devices }, (_, index) => `dev${index + 1}`);
    this.#devices = this.names.map((name) => new Device(name, this, this.#random.fork()));
    // The promises of clients chain behind whatever happens.
    this.time.hasPromises = true;
    this.time.afterEach = () => {
      this.time.hasPromises = true;
    };
  }

  get isServerUp(): boolean {
    return this.#server.isUp;
  }

  get #isOver(): boolean {
    return this.judge.violation !== undefined || this.isDeceived;
  }

  get crashes(): number {
    return this.#server.crashes;
  }

  newLink(random: SeededRandom): Link {
    return this.#server.newLink(random);
  }

  tell(text: string): void {
    this.#trace.tell(text);
  }

  packet(label: string, direction: '▶' | '◀', packet: Packet): void {
    this.#trace.packet(label, direction, packet);
  }

  lines(shown: number): readonly string[] {
    return this.#trace.lines(this.judge.violation, shown);
  }

  heard(event: BrokerEvent): void {
    this.#trace.event(event);
    if (event.name === 'sessionEnded') this.ledger.revoked(event.clientId);
    if (event.name === 'clientConnected' && !event.sessionPresent) {
      this.ledger.revoked(event.clientId);
      this.#unaware.add(event.clientId);
    }
  }

  /** CONNACK has reached a device. */
  accepted(name: string, isPresent: boolean): void {
    if (isPresent && this.#unaware.has(name)) this.isDeceived = true;
    this.#unaware.delete(name);
  }

  restarted(sessions: ReadonlySet<string>): void {
    for (const name of this.names) if (!sessions.has(name)) this.ledger.revoked(name);
  }

  async run(): Promise<void> {
    await this.#server.start();
    for (const device of this.#devices) device.start();
    this.#expectMisfortune();
    await this.#pass(FIRST_ACT_MS);
    await this.#calmDown();
    if (this.#isOver) return;
    this.ledger.checkArrivals();
    await this.#tryOut();
    if (this.#isOver) return;
    await this.#sayGoodbye();
  }

  async #pass(durationMs: number): Promise<void> {
    await this.time.pass(durationMs, () => this.#isOver);
  }

  /** Accidents of the network and of the server, for as long as the devices do as they like. */
  #expectMisfortune(): void {
    const random = this.#misfortune;
    const { accidentMs, crashes } = this.character;
    for (let atMs = random.wait(accidentMs); atMs < FIRST_ACT_MS; atMs += random.wait(accidentMs))
      this.time.after(atMs, () => this.#accident());
    for (let count = crashes; count > 0; count--)
      this.time.after(random.between(500, FIRST_ACT_MS - 1), () => this.#server.crash());
  }

  #accident(): void {
    const random = this.#misfortune;
    const link = random.pick(this.#devices).wire?.link;
    if (link === undefined) return;
    const what = random.weighted({ cut: 4, stall: 4, vanish: 2 });
    this.tell(`link ${link.number}: ${what}`);
    if (what === 'cut') link.cut();
    else link.stall(what === 'stall' ? random.pick([200, 2000, 15_000]) : Number.POSITIVE_INFINITY);
  }

  /** Until every promise has settled and nothing is under way any more, and still is not a little later. */
  async #calmDown(): Promise<void> {
    this.#server.isCalm = true;
    for (const device of this.#devices) device.calm();
    await this.#pass(NOTICE_MS);
    let settled = 0;
    for (let passedMs = 0; passedMs < CALM_MAX_MS && settled < 3; passedMs += STEP_MS) {
      for (const device of this.#devices) device.wake();
      await this.#pass(STEP_MS);
      if (this.#isOver) return;
      settled = this.#unfinished().length === 0 ? settled + 1 : 0;
    }
    this.judge.check(settled >= 3, 'settles', () => `${this.#unfinished().slice(0, 10).join('; ')}`);
  }

  /** What keeps the world from rest; an iterator waits for its next message as long as it likes. */
  #unfinished(): string[] {
    const open = this.ledger.open().filter((what) => !what.startsWith('next'));
    for (const { name, process, disk } of this.#devices) {
      if (process.client.state !== 'connected') open.push(`${name} is ${process.client.state}`);
      if (disk !== undefined && disk.kept.size > 0) open.push(`${disk.kept.size} messages are kept by ${name}`);
    }
    for (const { clientId, queuedMessages, inflightMessages } of this.#server.broker.sessionsById.values())
      if (queuedMessages + inflightMessages > 0)
        open.push(`"${clientId}" has ${queuedMessages} queued, ${inflightMessages} in flight`);
    return open;
  }

  /**
   * Everybody publishes at each QoS, and every subscription gets it. Once more where a connection ended meanwhile, as one
   * that had stalled before: what is sent at QoS 0 may be lost with it.
   */
  async #tryOut(rounds = TRY_OUT_ROUNDS): Promise<void> {
    const reconnects = this.#reconnects();
    const said: Said[] = [];
    for (const { process } of this.#devices)
      for (const qos of [0, 0, 1, 1, 2, 2] as const) said.push(process.publish(qos, true));
    const missing = (): string[] => [
      ...unresolved(said),
      ...this.#unfinished(),
      ...this.#devices.flatMap((device) => this.#notGot(device, said)),
    ];
    for (let passedMs = 0; passedMs < TRY_OUT_MAX_MS && missing().length > 0; passedMs += STEP_MS) {
      await this.#pass(STEP_MS);
      if (this.#isOver) return;
    }
    const left = missing();
    if (left.length > 0 && rounds > 1 && this.#reconnects() > reconnects) return this.#tryOut(rounds - 1);
    this.judge.check(left.length === 0, 'works-again', () => left.slice(0, 5).join('; '));
    this.ledger.checkArrivals();
  }

  #reconnects(): number {
    return this.#devices.reduce((sum, { process }) => sum + process.client.stats.reconnects, 0);
  }

  #notGot({ name, process }: Device, said: readonly Said[]): string[] {
    return process.wanted.flatMap(({ filter, handle, got, mayDrop }) => {
      const wanted = said.filter(({ qos, topic }) => {
        const isSafe = !mayDrop || Math.min(qos, this.ledger.qosOf(name, filter)) > 0;
        return handle.isActive && isSafe && topicMatches(filter, topic);
      });
      const absent = wanted.filter(({ id }) => !got.has(id)).map(({ id }) => id);
      return absent.length === 0 ? [] : [`${process.label} did not get ${absent} by its subscription to "${filter}"`];
    });
  }

  async #sayGoodbye(): Promise<void> {
    for (const { process } of this.#devices) void process.disconnect();
    await this.#pass(GOODBYE_MS);
    const left = this.ledger.open();
    this.judge.check(left.length === 0, 'settles', () => `when all have left: ${left.slice(0, 10).join('; ')}`);
    for (const { process } of this.#devices) {
      const wires = process.wires.filter(({ isClosed }) => !isClosed).map(({ link }) => link.number);
      const { timers } = process.environment;
      this.judge.check(timers === 0, 'nothing-left', () => `${timers} timers are left of ${process.label}`);
      this.judge.check(wires.length === 0, 'nothing-left', () => `the wires ${wires} are left of ${process.label}`);
    }
  }
}

function unresolved(said: readonly Said[]): string[] {
  return said
    .filter(({ outcome }) => outcome !== 'resolved')
    .map(({ id, outcome }) => `${id} is ${outcome} though all is calm`);
}
