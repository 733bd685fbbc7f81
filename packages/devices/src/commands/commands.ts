/**
 * Commands to devices. One is kept by this service, not by a session: it goes out when its device is subscribed, whatever
 * that device's Clean Start, and again with the same id after a reconnect, until it is confirmed or has expired.
 */
import { randomUUID } from 'node:crypto';
import { RevisionConflict, type Table, type TablePage, type TableRecord } from '@dunlin/broker';
import { quoted } from '@dunlin/protocol';
import { DeviceError } from '../device-error.ts';
import { type CommandLimits, resolveCommandLimits } from '../limits/command-limits.ts';
import type { DeviceBroker, ServiceParts } from '../ports.ts';
import type { Connections } from '../presence/connections.ts';
import type { DeviceLookup } from '../registry/known-device.ts';
import { Turns } from '../turns.ts';
import { Acknowledgements } from './acknowledgements.ts';
import { type Command, isCommandId } from './command.ts';
import { CommandChanges } from './command-changes.ts';
import type { CommandEvent } from './command-flow.ts';
import {
  type CommandRequest,
  checkCommandId,
  type LimitExceeded,
  readInput,
  readRequest,
  sameCommand,
} from './command-request.ts';
import { CommandSender } from './command-sender.ts';
import { CommandSweep } from './command-sweep.ts';
import { COMMAND_TABLE, ownedBy } from './command-table.ts';
import type { TypeList } from './command-types.ts';
import { CommandWaits, isSettled } from './command-waits.ts';
import { HistoryRoom } from './history-room.ts';
import { OpenCounts } from './open-counts.ts';
import { supersede } from './superseding.ts';

/** Commands that are read at once. */
const PAGE = 500;
const PAGE_LIMIT_MAX = 1_000;
/** How `Command.why` of one begins that somebody cancelled. */
export const CANCELLED = 'cancelled by ';

export interface CommandsOptions extends ServiceParts {
  readonly broker: DeviceBroker;
  readonly types: TypeList;
  readonly lookup: DeviceLookup;
  readonly connections: Connections;
  /** Those that are not given have their defaults. */
  readonly limits?: Partial<CommandLimits>;
  /** Makes ids that nobody can guess; a UUID by default. */
  readonly newId?: () => string;
}

export interface CommandList {
  /**
   * Newest first; none of a device that had the id before, and none where nobody has it. With neither this nor `batchId`: those
   * of all devices, device by device.
   */
  readonly deviceId?: string;
  /** In the order of request. */
  readonly batchId?: string;
  readonly cursor?: string;
  /** 1 to 1,000. */
  readonly limit: number;
}

export class Commands {
  readonly limits: CommandLimits;
  readonly #options: CommandsOptions;
  readonly #table: Table<Command>;
  readonly #counts = new OpenCounts();
  readonly #changes: CommandChanges;
  readonly #sender: CommandSender;
  readonly #history: HistoryRoom<Command>;
  readonly #sweep: CommandSweep;
  readonly #waits: CommandWaits;
  readonly #acknowledgements: Acknowledgements;
  readonly #endTypes: () => void;
  /** Those that are being stored, by id: check and put are one step for everybody who comes with the same id. */
  readonly #requests = new Turns();
  #order = 0;
  #isClosed = false;

  private constructor(options: CommandsOptions) {
    const { broker, lookup, connections, clock, tables } = options;
    this.#options = options;
    this.limits = resolveCommandLimits(options.limits ?? {});
    const table = tables.table(COMMAND_TABLE);
    this.#table = table;
    const failed = (error: unknown) => this.#failed(error);
    const changes = new CommandChanges({
      table,
      clock,
      isOnItsWay: (id) => this.#sender.isOnItsWay(id),
      ending: (command) => this.#sender.ending(command),
      changed: (command, event) => this.#changed(command, event),
    });
    this.#changes = changes;
    const hasOpen = (deviceId: string) => this.#counts.of(deviceId) > 0;
    const { limits } = this;
    this.#sender = new CommandSender({
      ...{ table, clock, broker, lookup, connections, changes, limits, hasOpen, failed },
    });
    const historyMs = limits.commandHistoryS * 1_000;
    const expire = (id: string) => changes.apply(id, { kind: 'looked-at' });
    this.#history = new HistoryRoom({
      ...{ table, clock, failed, recordsMax: limits.commandHistoryMax, bytesMax: limits.commandHistoryBytesMax },
      madeRoom: (commands) =>
        this.#limitReached('commandHistoryMax', '', `${commands} of the oldest that have ended made room`),
    });
    const forget = (record: TableRecord<Command>) => this.#history.forget(record);
    this.#sweep = new CommandSweep({ table, clock, historyMs, expire, forget, failed });
    this.#waits = new CommandWaits(clock);
    const apply = (id: string, event: CommandEvent) => changes.apply(id, event);
    const get = async (id: string) => (await table.get(id))?.value;
    this.#acknowledgements = new Acknowledgements({
      ...{ broker, lookup, get, apply, clock },
      bytesMax: limits.commandBytesMax,
      passedOver: (limit, detail) => this.#limitReached(limit, '', detail),
    });
    this.#endTypes = options.types.onChange(() => this.#acknowledgements.follow(options.types.all));
  }

  /**
   * Takes up what the table has, which is to be done before devices connect; settles when acknowledgements are heard. Nothing
   * is left open where it rejects.
   * @throws RangeError for limits out of their range
   */
  static async open(options: CommandsOptions): Promise<Commands> {
    const commands = new Commands(options);
    try {
      await commands.#takeUp();
      commands.#acknowledgements.follow(options.types.all);
      return commands;
    } catch (error) {
      await commands.close();
      throw error;
    }
  }

  /** Commands that have not ended. */
  get open(): number {
    return this.#counts.total;
  }

  /** Commands of the device that have not ended. */
  openOf(deviceId: string): number {
    return this.#counts.of(deviceId);
  }

  /**
   * Has a command done. Settles with it when it can no longer be lost. The same id again is the same command, if device,
   * type and input are the same.
   * @throws DeviceError
   */
  async request(request: CommandRequest): Promise<Command> {
    const id = request.id ?? (this.#options.newId ?? randomUUID)();
    checkCommandId(id);
    return this.#requests.run(id, () => this.#request(id, request));
  }

  /** A command; undefined where there is none, or none any more. */
  async get(id: string): Promise<Command | undefined> {
    return isCommandId(id) ? (await this.#table.get(id))?.value : undefined;
  }

  async list({ deviceId, batchId, cursor, limit }: CommandList): Promise<TablePage<Command>> {
    const page = { limit: Math.min(Math.max(1, limit), PAGE_LIMIT_MAX), ...(cursor !== undefined && { cursor }) };
    if (deviceId === undefined)
      return this.#table.scan({
        ...(batchId === undefined ? { index: 'generation' } : { index: 'batch', prefix: ownedBy(batchId) }),
        ...page,
      });
    const generation = (await this.#options.lookup(deviceId))?.generation;
    if (generation === undefined) return { records: [], cursor: undefined };
    return this.#table.scan({ index: 'generation', prefix: ownedBy(deviceId, generation), ...page });
  }

  /**
   * Ends a command that has not ended: it is not sent any more. One that is on its way may arrive all the same.
   * @throws DeviceError 'unknown-command-id', 'command-ended'
   */
  async cancel(id: string, by: string): Promise<Command> {
    const why = CANCELLED + by;
    const before = await this.get(id);
    if (before?.endedAtMs !== undefined) throw endedBefore(before);
    const after = before && (await this.#changes.apply(id, { kind: 'failed', why }));
    if (after === undefined)
      throw new DeviceError('unknown-command-id', `Cannot cancel the command ${quoted(id)}: there is none of this id`);
    if (after.state !== 'failed' || after.why !== why) throw endedBefore(after);
    return after;
  }

  /**
   * Settles with the command when it has ended, when it was written to a device that will not say more, when so much time
   * has passed, or when the signal is aborted; at once where as many wait as may. Undefined where there is none.
   * @param timeoutMs 1 or more
   */
  async wait(id: string, timeoutMs: number, signal?: AbortSignal): Promise<Command | undefined> {
    if (this.#waits.size >= this.limits.commandWaitsMax) {
      const command = await this.get(id);
      this.#limitReached('commandWaitsMax', command?.deviceId ?? '', 'a caller gets the command as it is');
      return command;
    }
    // First in line, then a look: what is stored between the two is told to this caller too.
    const place = this.#waits.join(id, timeoutMs, signal);
    const command = await this.get(id);
    if (command === undefined || isSettled(command)) {
      place.leave();
      return command;
    }
    await place.over;
    return (await this.get(id)) ?? command;
  }

  /** The registry has another word about the device: its commands are looked at again, and end where it is gone. */
  async deviceChanged(deviceId: string): Promise<void> {
    this.#sender.wake(deviceId);
    if (this.#counts.of(deviceId) === 0) return;
    const generation = (await this.#options.lookup(deviceId))?.generation;
    const page = { index: 'open', prefix: ownedBy(deviceId), limit: PAGE };
    let cursor: string | undefined;
    do {
      const found = await this.#table.scan({ ...page, ...(cursor !== undefined && { cursor }) });
      const event = { kind: 'failed', why: 'the device was removed' } as const;
      const gone = found.records.filter(({ value }) => value.generation !== generation);
      await Promise.all(gone.map(({ key }) => this.#changes.apply(key, event)));
      cursor = found.cursor;
    } while (cursor !== undefined);
  }

  /** It is not in the registry any more: its commands end, those included that are being stored. */
  async deviceRemoved(deviceId: string): Promise<void> {
    // Who asked the registry before it was removed is among them; who asks from here on is refused.
    await this.#requests.allOver();
    await this.deviceChanged(deviceId);
  }

  /** Sends nothing more; settles when what was under way is stored. What waits lets go. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#endTypes();
    this.#sender.close();
    this.#waits.close();
    await this.#sweep.close();
    await this.#acknowledgements.close();
    await this.#requests.idle();
    await this.#changes.idle();
    await this.#history.close();
    await this.#table.close();
  }

  /** Counts what has not ended: one walk over it, nothing of what has. */
  async #takeUp(): Promise<void> {
    let cursor: string | undefined;
    do {
      const page = await this.#table.scan({ index: 'expires', limit: PAGE, ...(cursor !== undefined && { cursor }) });
      for (const { value } of page.records) {
        this.#counts.add(value.deviceId);
        this.#order = Math.max(this.#order, value.order);
      }
      cursor = page.cursor;
      if (cursor !== undefined) await new Promise<void>((resolve) => this.#options.clock.endOfTurn(resolve));
    } while (cursor !== undefined);
  }

  async #request(id: string, request: CommandRequest): Promise<Command> {
    const { clock, lookup, tell } = this.#options;
    const exceeded: LimitExceeded = (limit, detail) => this.#limitReached(limit, request.deviceId, detail);
    const input = readInput(request.input, this.limits.commandBytesMax, exceeded);
    // Nobody has an id that was made just now.
    const existing = request.id === undefined ? undefined : await this.get(id);
    if (existing !== undefined) return sameCommand(existing, request, input);
    const known = await lookup(request.deviceId);
    const nowMs = clock.nowMs();
    const read = readRequest(request, { id, input, known, nowMs, exceeded }, this.limits);
    const { deviceId, type, by } = read;
    this.#checkRoom(deviceId);
    this.#order = Math.max(this.#order + 1, nowMs * 1_000);
    const command: Command = {
      ...read,
      ...{ state: 'queued', confirmed: false, attempts: 0, why: '', order: this.#order },
      ...{ sentAtMs: undefined, endedAtMs: undefined },
    };
    const isFirst = this.#counts.of(deviceId) === 0;
    this.#counts.add(deviceId);
    try {
      await this.#table.put(id, command, 0);
    } catch (error) {
      this.#counts.remove(deviceId);
      const other = error instanceof RevisionConflict ? await this.get(id) : undefined;
      if (other !== undefined) return sameCommand(other, request, input);
      throw error;
    }
    tell({ name: 'commandQueued', commandId: id, deviceId, type, by });
    if (known?.type?.commands.get(type)?.form.supersedes === true) await this.#supersede(command);
    this.#sender.added(command, isFirst);
    return command;
  }

  /** The command is stored, and stays so whatever becomes of this. */
  async #supersede(command: Command): Promise<void> {
    if (this.#counts.of(command.deviceId) < 2) return;
    await supersede({ table: this.#table, changes: this.#changes }, command).catch((error) => this.#failed(error));
  }

  /** @throws DeviceError */
  #checkRoom(deviceId: string): void {
    const { commandsPerDeviceMax, commandsMax } = this.limits;
    const refuse = (
      limit: 'commandsPerDeviceMax' | 'commandsMax',
      code: 'device-commands-limit' | 'commands-limit',
    ) => {
      const detail = `${this.limits[limit]} commands have not ended`;
      this.#limitReached(limit, deviceId, detail);
      return new DeviceError(code, `Cannot send a command to ${quoted(deviceId)}: ${detail} (${limit})`);
    };
    if (this.#counts.of(deviceId) >= commandsPerDeviceMax)
      throw refuse('commandsPerDeviceMax', 'device-commands-limit');
    if (this.#counts.total >= commandsMax) throw refuse('commandsMax', 'commands-limit');
  }

  #changed(command: Command, event: CommandEvent): void {
    const { id: commandId, deviceId, state, why, attempts, endedAtMs } = command;
    if (event.kind === 'delivered' && state === 'sent')
      this.#options.tell({ name: 'commandSent', commandId, deviceId, attempt: attempts });
    if (endedAtMs !== undefined) {
      this.#counts.remove(deviceId);
      this.#history.ended(command);
      this.#options.tell({ name: 'commandEnded', commandId, deviceId, state, why });
    }
    this.#waits.tell(command);
  }

  #limitReached(limit: string, deviceId: string, detail: string): void {
    this.#options.tell({ name: 'deviceLimitReached', limit, deviceId, detail });
  }

  #failed(error: unknown): void {
    // Tables refuse what is under way when they close.
    if (!this.#isClosed) this.#options.tell({ name: 'deviceServiceFailed', error: String(error) });
  }
}

function endedBefore({ id, state }: Command): DeviceError {
  return new DeviceError('command-ended', `Cannot cancel the command ${id}: it has ended, it is ${state}`);
}
