/** What has been promised of commands and presence, and what is seen of them, held against the rules. */
import type { Command } from '../../packages/devices/src/commands/command.ts';
import { isSendable, SUPERSEDED, stageOf } from '../../packages/devices/src/commands/command-flow.ts';
import { COMMAND_TABLE } from '../../packages/devices/src/commands/command-table.ts';
import { isSettled } from '../../packages/devices/src/commands/command-waits.ts';
import type { DeliveryOutcome } from '../../packages/devices/src/ports.ts';
import { PRESENCE_TABLE, type PresenceRecord } from '../../packages/devices/src/presence/presence-table.ts';
import type { Device, Link } from './device.ts';
import type { World } from './world.ts';

/** From which state to which a record may go; one that is not confirmed may be sent again. */
const STEPS: Readonly<Record<string, readonly string[]>> = {
  '': ['queued'],
  queued: ['written', 'received', 'ended'],
  written: ['written', 'received', 'ended'],
  received: ['ended'],
  ended: [],
};

export class Oracle {
  readonly #world: World;
  /** Requests that settled. */
  readonly promised = new Map<string, Command>();
  /** What consumers have, by topic. */
  readonly retained = new Map<string, PresenceRecord>();
  /** When nothing more was to be known of a command, in milliseconds of the world. */
  readonly settledAtMs = new Map<string, number>();
  /** Over which connection a command goes out, until the service knows how it fared. */
  readonly onTheirWay = new Map<string, Link>();
  /** What the present process of the server has had go out, and what of that it knows to have gone out. */
  readonly #tried = new Set<string>();
  readonly #delivered = new Set<string>();
  sent = 0;
  readonly states: Record<string, number> = {};

  constructor(world: World) {
    this.#world = world;
  }

  typeOf(id: string): string {
    return this.#command(id)?.type ?? '';
  }

  /** Everything that is stored of commands. */
  get commands(): readonly Command[] {
    return this.#world.disk.all(COMMAND_TABLE.name) as readonly Command[];
  }

  isStored(id: string): boolean {
    return this.#command(id) !== undefined;
  }

  /** `isNew`: it was stored for this request. */
  settled(command: Command, isNew: boolean): void {
    this.promised.set(command.id, command);
    this.#check(this.#command(command.id) !== undefined, 'not-lost', () => `${command.id} is settled and not stored`);
    if (isNew && isSuperseding(command)) this.#checkSuperseded(command);
  }

  #checkSuperseded({ id, deviceId, type, order }: Command): void {
    for (const before of this.commands) {
      if (before.deviceId !== deviceId || before.type !== type || before.order >= order) continue;
      const isWaiting = stageOf(before) === 'queued' && !this.#tried.has(before.id);
      this.#check(!isWaiting, 'superseded', () => `${before.id} waits beside ${id}, which was requested later`);
    }
  }

  /** The service knows how it fared. */
  fared(id: string, link: Link, outcome: DeliveryOutcome): void {
    if (this.onTheirWay.get(id) === link) this.onTheirWay.delete(id);
    if (outcome === 'acknowledged' || outcome === 'written') this.#delivered.add(id);
  }

  /** A process begins: all that was promised has to be there. */
  restarted(): void {
    for (const ids of [this.onTheirWay, this.#tried, this.#delivered]) ids.clear();
    for (const id of this.promised.keys())
      this.#check(this.#command(id) !== undefined, 'not-lost', () => `${id} is gone after a crash`);
  }

  committed(table: string, key: string, before: unknown, after: unknown): void {
    if (table !== COMMAND_TABLE.name) return;
    const [was, is] = [before as Command | undefined, after as Command | undefined];
    if (is === undefined) {
      this.#world.judge.broken('not-lost', `${key} is deleted`);
      return;
    }
    this.#world.tell(
      `${key} (${is.type} to ${is.deviceId}) is stored as ${is.state}${is.confirmed ? ', confirmed' : ''}`,
    );
    const [from, to] = [was === undefined ? '' : stageOf(was), stageOf(is)];
    const step = () => `${key} goes from ${was?.state ?? 'nothing'} to ${is.state}`;
    this.#check(STEPS[from].includes(to), 'one-end', step);
    if (to === 'ended') this.#ended(is);
    if (isSettled(is) && !this.settledAtMs.has(key)) this.settledAtMs.set(key, this.#world.time.elapsedMs);
    const device = this.#world.device(is.deviceId);
    if (is.state === 'sent' && is.confirmed)
      this.#check(device.confirmed.has(key), 'true-confirmation', () => `${key} was never confirmed by ${device.id}`);
  }

  #ended(command: Command): void {
    const { id, state, endedAtMs = 0, expiresAtMs, deviceId, why } = command;
    this.states[state] = (this.states[state] ?? 0) + 1;
    const isLate = endedAtMs >= expiresAtMs;
    const when = () => `${id} is ${state} ${endedAtMs - expiresAtMs} ms after its time`;
    this.#check(isLate === (state === 'expired'), 'in-time', when);
    if (state === 'failed' && why.startsWith(SUPERSEDED)) {
      const newer = this.#command(why.slice(SUPERSEDED.length));
      const isNewer = newer?.deviceId === deviceId && newer.type === command.type && newer.order > command.order;
      this.#check(isNewer && isSuperseding(command), 'superseded', () => `${id} is ${why}`);
      const hasGoneOut = this.onTheirWay.has(id) || this.#delivered.has(id);
      this.#check(!hasGoneOut, 'superseded', () => `${id} has gone out, and is ${why}`);
      this.states['superseded'] = (this.states['superseded'] ?? 0) + 1;
    }
    const isFailure = state === 'failed' && why.startsWith('the device says');
    if (state !== 'acknowledged' && !isFailure) return;
    const device = this.#world.device(deviceId);
    const isTrue = device.said.has(id) && device.taken.get(id)?.isFailure === isFailure;
    this.#check(isTrue, 'true-acknowledgement', () => `${id} is ${state}, and ${deviceId} never said so`);
  }

  /** A device has got PUBACK for what it said of a command. */
  heard({ id: deviceId }: Device, id: string): void {
    const command = this.#command(id);
    const isSame = command?.generation === this.#world.lookup(deviceId)?.generation;
    const holds = command?.endedAtMs !== undefined || !isSame;
    this.#check(
      holds,
      'heard-is-kept',
      () => `${deviceId} is told that ${id} is done, and ${command?.state} is stored`,
    );
  }

  /** The service has it go out. */
  sends(id: string, link: Link): void {
    this.sent += 1;
    this.#tried.add(id);
    this.#world.tell(`${id} goes out over ${link.token}`);
    const command = this.#world.disk.newest(COMMAND_TABLE.name, id) as Command | undefined;
    if (command === undefined || this.#command(id) === undefined) {
      this.#world.judge.broken('not-lost', `${id} goes out and is not stored`);
      return;
    }
    this.#check(isSendable(command), 'not-after-end', () => `${id} is ${command.state} and goes out`);
    this.#check(!link.given.has(id), 'once-a-connection', () => `${id} goes out again over ${link.token}`);
    for (const [other, status] of link.given)
      this.#check(
        status === 'given' || this.typeOf(other) !== command.type,
        'one-at-a-time',
        () => `${id} goes out while ${other} is on its way over ${link.token}`,
      );
    for (const before of this.commands) {
      if (before.deviceId !== command.deviceId || before.type !== command.type || before.order >= command.order)
        continue;
      const newest = this.#world.disk.newest(COMMAND_TABLE.name, before.id) as Command;
      const isDue = isSendable(newest) && newest.generation === command.generation && !link.given.has(before.id);
      this.#check(!isDue, 'order', () => `${id} goes out over ${link.token} before ${before.id}`);
    }
  }

  published(topic: string, text: string): void {
    if (text === '') {
      this.retained.delete(topic);
      return;
    }
    const record: PresenceRecord = JSON.parse(text);
    const before = this.retained.get(topic);
    this.retained.set(topic, record);
    const { connected, session } = record;
    this.#world.tell(`${topic}: session ${session} ${connected ? 'connected' : 'disconnected'}`);
    if (before === undefined) return;
    const isNewer = session > before.session || (session === before.session && (before.connected || !connected));
    this.#check(isNewer, 'presence-order', () => `${topic}: session ${session} comes after ${before.session}`);
  }

  /** All was calm, and whoever could has answered. `due`: commands that had time enough. */
  checkCommands(due: ReadonlySet<string>, open: number): void {
    for (const { id, deviceId, state, confirmed, endedAtMs, why } of this.commands) {
      this.#check(endedAtMs !== undefined, 'ends', () => `${id} to ${deviceId} is ${state}, ${confirmed}`);
      this.#check(
        !due.has(id) || state !== 'expired',
        'reaches-its-device',
        () => `${id} to ${deviceId} expired: ${why}`,
      );
    }
    this.#check(open === 0, 'counts', () => `${open} commands are counted as open, and none is`);
  }

  checkPresence(devices: readonly Device[], isConnected: boolean): void {
    for (const { id } of devices) {
      const stored = this.#world.disk.kept(PRESENCE_TABLE.name, id) as PresenceRecord | undefined;
      const said = this.retained.get(`presence/${id}`);
      const facts = () => `${id}: ${isConnected} is so, ${stored?.connected} is stored, ${said?.connected} is said`;
      this.#check(stored?.connected === isConnected && said?.connected === isConnected, 'presence-true', facts);
      this.#check(stored?.session === said?.session, 'presence-true', () => `${id}: the sessions differ`);
    }
  }

  #command(id: string): Command | undefined {
    return this.#world.disk.kept(COMMAND_TABLE.name, id) as Command | undefined;
  }

  #check(...[holds, invariant, text]: Parameters<World['judge']['check']>): void {
    this.#world.judge.check(holds, invariant, text);
  }
}

function isSuperseding({ type }: Command): boolean {
  return type === 'ring';
}
