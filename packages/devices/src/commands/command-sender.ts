/**
 * Sends commands to devices that are connected and subscribed: each once a connection, in order, one of a type at a time.
 *
 * What is known of a device ends with its connection: the next one begins with what the table has for it. So a command
 * that was written and not confirmed goes out again, with the same id, and after a crash nothing has to be put right.
 */
import type { Clock, Table, Timer } from '@dunlin/broker';
import type { CommandLimits } from '../limits/command-limits.ts';
import type { DeliveryOutcome, DeviceBroker } from '../ports.ts';
import type { Connected, ConnectionEvent, Connections } from '../presence/connections.ts';
import type { DeviceLookup } from '../registry/known-device.ts';
import type { Command } from './command.ts';
import type { CommandChanges } from './command-changes.ts';
import { isSendable } from './command-flow.ts';
import { ownedBy } from './command-table.ts';
import { type CommandMessage, commandValues, renderCommand } from './command-types.ts';
import { type Entry, Lane, type Waiting } from './lane.ts';

/** Devices that are looked at in one turn, so that what clients sent is read between them. */
const DEVICES_PER_TURN = 32;
/** Commands that are read at once. */
const PAGE = 100;
/** When a delivery that the server had no room for is tried again. */
const RETRY_MS = 1_000;

export interface CommandSenderOptions {
  readonly table: Table<Command>;
  readonly clock: Clock;
  readonly broker: DeviceBroker;
  readonly lookup: DeviceLookup;
  readonly connections: Connections;
  readonly changes: CommandChanges;
  readonly limits: CommandLimits;
  /** Whether the table has something for the device, as far as is known without a look. */
  readonly hasOpen: (deviceId: string) => boolean;
  readonly failed: (error: unknown) => void;
}

/** A command that is ready to leave. */
interface Outgoing extends CommandMessage {
  readonly command: Command;
  readonly qos: 0 | 1;
}

export class CommandSender {
  readonly #options: CommandSenderOptions;
  /** Of devices that are connected and have had something to send since. */
  readonly #lanes = new Map<string, Lane>();
  /** Those that were handed to the broker, until how they fared is being stored; by id. */
  readonly #onTheirWay = new Map<string, Entry>();
  /** Devices to look at, first come, first served. */
  readonly #ready = new Set<string>();
  /** Devices to look at again at the next tick. */
  readonly #retry = new Set<string>();
  readonly #unlisten: () => void;
  readonly #timer: Timer;
  #isPumping = false;
  #isClosed = false;

  constructor(options: CommandSenderOptions) {
    this.#options = options;
    this.#unlisten = options.connections.listen((event) => this.#connectionChanged(event));
    this.#timer = options.clock.every(RETRY_MS, () => {
      for (const deviceId of this.#retry) this.wake(deviceId);
      this.#retry.clear();
    });
  }

  /** A command was stored. `isFirst`: the table had nothing else for its device. */
  added({ id, deviceId, type, order }: Command, isFirst: boolean): void {
    if (!this.#options.connections.isConnected(deviceId)) return;
    let lane = this.#lanes.get(deviceId);
    if (lane === undefined) {
      lane = new Lane(deviceId, isFirst ? 'complete' : 'absent');
      this.#lanes.set(deviceId, lane);
    }
    lane.add([{ id, type, order }]);
    this.wake(deviceId);
  }

  /** Whether it is going out, or how it fared is not stored yet. */
  isOnItsWay(id: string): boolean {
    return this.#onTheirWay.has(id);
  }

  /** The command is about to end: it does not go out from here on. */
  ending({ id, deviceId }: Command): void {
    this.#lanes.get(deviceId)?.end(id);
    this.wake(deviceId);
  }

  /** Something about the device has changed that may let commands through. */
  wake(deviceId: string): void {
    if (this.#isClosed || !this.#lanes.has(deviceId)) return;
    this.#ready.add(deviceId);
    if (this.#isPumping) return;
    this.#isPumping = true;
    this.#options.clock.endOfTurn(() => this.#pump());
  }

  /** Nothing leaves from here on; how what is under way ends is still written down. */
  close(): void {
    this.#isClosed = true;
    this.#unlisten();
    this.#timer.cancel();
    this.#lanes.clear();
  }

  #connectionChanged({ kind, deviceId }: ConnectionEvent): void {
    if (this.#isClosed) return;
    if (kind === 'connected' && this.#options.hasOpen(deviceId))
      this.#lanes.set(deviceId, new Lane(deviceId, 'absent'));
    // With the lane goes what was sent over the connection: over the next one it may be sent again.
    else if (kind === 'connected' || !this.#options.connections.isConnected(deviceId)) this.#lanes.delete(deviceId);
    this.wake(deviceId);
  }

  #pump(): void {
    let looks = 0;
    for (const deviceId of this.#ready) {
      this.#ready.delete(deviceId);
      const lane = this.#lanes.get(deviceId);
      if (lane !== undefined) this.#look(lane);
      looks += 1;
      if (looks === DEVICES_PER_TURN) break;
    }
    this.#isPumping = this.#ready.size > 0;
    if (this.#isPumping) this.#options.clock.endOfTurn(() => this.#pump());
  }

  #look(lane: Lane): void {
    if (lane.content === 'absent') void this.#load(lane);
    if (lane.content !== 'complete') return;
    for (const entry of lane.take(this.#options.limits.commandsInFlightMax)) void this.#send(lane, entry);
  }

  async #load(lane: Lane): Promise<void> {
    lane.content = 'loading';
    try {
      lane.add(await this.#sendable(lane.deviceId));
      lane.content = 'complete';
      if (this.#lanes.get(lane.deviceId) === lane) this.wake(lane.deviceId);
    } catch (error) {
      lane.content = 'absent';
      this.#retry.add(lane.deviceId);
      this.#options.failed(error);
    }
  }

  async #sendable(deviceId: string): Promise<readonly Waiting[]> {
    const found: Waiting[] = [];
    let cursor: string | undefined;
    do {
      const scan = { index: 'open', prefix: ownedBy(deviceId), limit: PAGE, ...(cursor !== undefined && { cursor }) };
      const page = await this.#options.table.scan(scan);
      for (const { value } of page.records)
        if (isSendable(value)) found.push({ id: value.id, type: value.type, order: value.order });
      cursor = page.cursor;
    } while (cursor !== undefined);
    return found;
  }

  async #send(lane: Lane, entry: Entry): Promise<void> {
    const { changes } = this.#options;
    try {
      const outcome = await this.#deliver(lane, entry);
      const isDelivered = outcome === 'acknowledged' || outcome === 'written';
      if (hasGoneOut(outcome)) entry.attempts += 1;
      // The next one need not wait until that is stored.
      this.#settle(lane, entry, isDelivered ? 'given' : 'waiting');
      if (isDelivered) {
        const { id, attempts } = entry;
        await changes.apply(id, { kind: 'delivered', confirmed: outcome === 'acknowledged', attempts });
      } else if (outcome !== undefined && this.#lanes.get(lane.deviceId) === lane) this.#retry.add(lane.deviceId);
    } catch (error) {
      this.#settle(lane, entry, 'waiting');
      this.#retry.add(lane.deviceId);
      this.#options.failed(error);
    } finally {
      // Over a connection before, it may have been handed over too.
      if (this.#onTheirWay.get(entry.id) === entry) this.#onTheirWay.delete(entry.id);
    }
  }

  #settle(lane: Lane, entry: Entry, status: 'waiting' | 'given'): void {
    lane.settle(entry, status);
    if (status === 'given' || entry.isEnded) this.wake(lane.deviceId);
  }

  /** How it fared; undefined where it was not sent and is not to be tried again before something changes. */
  async #deliver(lane: Lane, entry: Entry): Promise<DeliveryOutcome | undefined> {
    const { broker, clock } = this.#options;
    const outgoing = await this.#prepare(lane, entry);
    // Nothing is awaited from here to publishTo: what ends the command, or the connection, is seen before or after.
    if (outgoing === undefined || this.#lanes.get(lane.deviceId) !== lane || !lane.has(entry)) return undefined;
    const { command, topic, payload, qos } = outgoing;
    const client = this.#clientFor(lane.deviceId, topic);
    const leftMs = command.expiresAtMs - clock.nowMs();
    // The next SUBSCRIBE wakes it; one that is late is ended by the sweep.
    if (client === undefined || leftMs <= 0) return undefined;
    entry.attempts = Math.max(entry.attempts, command.attempts);
    const expiresInS = Math.max(1, Math.floor(leftMs / 1_000));
    this.#onTheirWay.set(entry.id, entry);
    return broker.publishTo(client.clientId, topic, payload, { qos, expiresInS });
  }

  /** The message, made of the command, the device and its type as they are now; undefined where none is to go out. */
  async #prepare(lane: Lane, entry: Entry): Promise<Outgoing | undefined> {
    const { table, clock, lookup, changes, limits } = this.#options;
    const underWay = changes.over(entry.id);
    if (underWay !== undefined) await underWay;
    const command = (await table.get(entry.id))?.value;
    if (command === undefined || !isSendable(command)) {
      lane.end(entry.id);
      return undefined;
    }
    const found = await lookup(command.deviceId);
    const known = found?.generation === command.generation ? found : undefined;
    if (known?.device.enabled === false) return undefined;
    const compiled = known?.type?.commands.get(command.type);
    if (known === undefined || compiled === undefined) {
      const why = known === undefined ? 'the device was removed' : `its type has no command "${command.type}" any more`;
      return this.#fail(entry, why);
    }
    const values = commandValues(known.device, command.id, clock.nowMs(), command.input);
    try {
      return { command, qos: compiled.form.qos, ...renderCommand(compiled, values, limits.commandBytesMax) };
    } catch (error) {
      return this.#fail(entry, `it cannot be put into words: ${error instanceof Error ? error.message : error}`);
    }
  }

  /** From here on it does not go out: what ends it takes it from its lane. */
  async #fail(entry: Entry, why: string): Promise<undefined> {
    await this.#options.changes.apply(entry.id, { kind: 'failed', why });
  }

  /** Of the clients of the device that are subscribed the one with the highest QoS, the newest of those. */
  #clientFor(deviceId: string, topic: string): Connected | undefined {
    const { broker, connections } = this.#options;
    let best: Connected | undefined;
    let bestQos = 0;
    for (const connected of connections.of(deviceId)) {
      const qos = broker.subscribedQos(connected.clientId, topic);
      if (qos === undefined || qos < bestQos) continue;
      best = connected;
      bestQos = qos;
    }
    return best;
  }
}

/** Whether some of it may have left: what is lost was on its way. */
function hasGoneOut(outcome: DeliveryOutcome | undefined): boolean {
  return outcome === 'acknowledged' || outcome === 'written' || outcome === 'lost';
}
