/**
 * Commands to groups: one for each member, so many a second. How far one has come is stored with every page of members, and
 * the id of each command follows from that of the batch and its device; so a page that is done again after a crash asks for
 * nothing twice.
 */
import { createHash, randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { type Awaitable, RevisionConflict, type Table, type TableDefinition, type Timer } from '@dunlin/broker';
import { quoted } from '@dunlin/protocol';
import { DeviceError, throwProblems } from '../device-error.ts';
import type { CommandLimits } from '../limits/command-limits.ts';
import type { ServiceParts } from '../ports.ts';
import type { CompiledCommand } from '../registry/types.ts';
import { Turns } from '../turns.ts';
import { isCommandId } from './command.ts';
import { type CommandRequest, type LimitExceeded, readInput, ttlProblems } from './command-request.ts';
import type { Commands } from './commands.ts';
import { HistoryRoom } from './history-room.ts';

const TICK_MS = 100;
const PAGE_MAX = 500;
/** A page each tick. */
const PER_SECOND_MAX = (PAGE_MAX * 1_000) / TICK_MS;
const PER_SECOND = 100;
/** Refusals that are kept by device; all are counted. */
const REFUSALS_MAX = 20;
/** One that has not come through by then ends: what was meant for a group a day ago is not meant for it now. */
const BATCH_MS = 86_400_000;
/** How long it waits where there is no room for more commands. */
const NO_ROOM_MS = 1_000;
/** Room for the hash of a device behind its id. */
const ID_MAX = 100;

export interface GroupRequest {
  readonly group: string;
  /** Name of a command; members whose type does not have it are counted as refused. */
  readonly type: string;
  readonly input?: unknown;
  readonly ttlS?: number;
  /** Commands a second, 1 to 5,000. Default 100. */
  readonly perSecond?: number;
  /** Makes a repeat of the request harmless. */
  readonly id?: string;
  readonly by: string;
}

export interface Batch {
  readonly id: string;
  readonly group: string;
  readonly type: string;
  readonly input: unknown;
  readonly ttlS: number | undefined;
  readonly perSecond: number;
  readonly by: string;
  /** `done`: each member was asked for; what becomes of its command is to be read there. */
  readonly state: 'running' | 'done' | 'cancelled' | 'expired';
  /** Members for which a command was taken. */
  readonly requested: number;
  /** Members for which none was. */
  readonly refused: number;
  /** The first of those, with the code of the error. */
  readonly refusals: readonly { readonly deviceId: string; readonly code: string }[];
  /** Wall clock. */
  readonly requestedAtMs: number;
  readonly endedAtMs: number | undefined;
  /** Where the next page of members begins; undefined: at the first. */
  readonly cursor: string | undefined;
}

export interface GroupPage {
  readonly deviceIds: readonly string[];
  readonly cursor: string | undefined;
}

export interface GroupCommandsOptions extends ServiceParts {
  readonly commands: Pick<Commands, 'request'>;
  readonly limits: Pick<
    CommandLimits,
    | 'commandBatchesMax'
    | 'commandHistoryS'
    | 'commandHistoryMax'
    | 'commandHistoryBytesMax'
    | 'commandBytesMax'
    | 'commandTtlMaxS'
  >;
  /** The commands of this name, of all types of devices. */
  readonly commandsNamed: (name: string) => readonly Pick<CompiledCommand, 'checkInput'>[];
  /** A page of the members of a group, in an order that stays. */
  readonly members: (group: string, cursor: string | undefined, limit: number) => Awaitable<GroupPage>;
}

/** A batch that runs, with what of it is in memory alone. */
interface Running {
  batch: Batch;
  /** Commands that it may ask for now. */
  credit: number;
  /** Steady clock. */
  creditedAtMs: number;
  isBusy: boolean;
}

export const BATCHES: TableDefinition<Batch> = {
  name: 'device-command-batches',
  indexes: {
    running: ({ state }) => (state === 'running' ? ['running'] : []),
    ended: ({ endedAtMs }) => (endedAtMs === undefined ? [] : [String(endedAtMs).padStart(16, '0')]),
  },
};

export class GroupCommands {
  readonly #options: GroupCommandsOptions;
  readonly #table: Table<Batch>;
  readonly #running = new Map<string, Running>();
  /** Those that are being stored, by id: check and put are one step for everybody who comes with the same id. */
  readonly #requests = new Turns();
  readonly #timers: readonly Timer[];
  readonly #history: HistoryRoom<Batch>;
  #underWay: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  private constructor(options: GroupCommandsOptions) {
    this.#options = options;
    const table = options.tables.table(BATCHES);
    this.#table = table;
    const { clock, limits, tell } = options;
    this.#history = new HistoryRoom({
      ...{ table, clock, recordsMax: limits.commandHistoryMax, bytesMax: limits.commandHistoryBytesMax },
      madeRoom: (batches) => {
        const detail = `${batches} of the oldest to groups that have ended made room`;
        tell({ name: 'deviceLimitReached', limit: 'commandHistoryMax', deviceId: '', detail });
      },
      failed: (error) => tell({ name: 'deviceServiceFailed', error: String(error) }),
    });
    this.#timers = [
      options.clock.every(TICK_MS, () => this.#tick()),
      options.clock.every(60_000, () => this.#track(this.#forget())),
    ];
  }

  /** Goes on with what was under way. Nothing is left open where it rejects. */
  static async open(options: GroupCommandsOptions): Promise<GroupCommands> {
    const groups = new GroupCommands(options);
    try {
      await groups.#takeUp();
      return groups;
    } catch (error) {
      await groups.close();
      throw error;
    }
  }

  /**
   * Has a command done by each member of the group, a page of members at a time in an order that stays. One that leaves before
   * its turn is not asked, and one that joins only where its place in the order is still to come: who has to be asked for
   * certain is a member when this is called. Settles when the batch is stored. The same id again is the same batch.
   * @throws DeviceError 'invalid', also for a command that no type has, an input that all types that have it refuse and a group
   *   without devices, 'batches-limit', 'command-conflict'
   */
  async request(request: GroupRequest): Promise<Batch> {
    const { group, type, perSecond = PER_SECOND, id = randomUUID() } = request;
    const problems: string[] = [];
    if (!isCommandId(id) || id.length > ID_MAX)
      problems.push(`id is ${quoted(id)}: 1 to ${ID_MAX} letters, digits, "-", ".", "_" and "~" are expected`);
    if (!Number.isInteger(perSecond) || perSecond < 1 || perSecond > PER_SECOND_MAX)
      problems.push(`perSecond is ${perSecond}: 1 to ${PER_SECOND_MAX} commands a second are expected`);
    throwProblems(`send the command ${quoted(type)} to the group ${quoted(group)}`, problems);
    return this.#requests.run(id, () => this.#request(id, perSecond, request));
  }

  /** A batch; undefined where there is none, or none any more. */
  async get(id: string): Promise<Batch | undefined> {
    return isCommandId(id) ? (await this.#table.get(id))?.value : undefined;
  }

  /**
   * Asks for no more commands; those that were asked for go on. One that has ended stays as it is.
   * @throws DeviceError 'unknown-batch'
   */
  async cancel(id: string): Promise<Batch> {
    this.#running.delete(id);
    for (;;) {
      const record = isCommandId(id) ? await this.#table.get(id) : undefined;
      if (record === undefined)
        throw new DeviceError(
          'unknown-batch',
          `Cannot cancel ${quoted(id)}: there is no command to a group of this id`,
        );
      if (record.value.state !== 'running') return record.value;
      const batch: Batch = { ...record.value, state: 'cancelled', endedAtMs: this.#options.clock.nowMs() };
      try {
        await this.#table.put(id, batch, record.revision);
        this.#history.ended(batch);
        return batch;
      } catch (error) {
        // A page was being stored: at most one more can be.
        if (!(error instanceof RevisionConflict)) throw error;
        await this.#underWay;
      }
    }
  }

  /** Settles when what was under way is stored. What has not come through goes on at the next start. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const timer of this.#timers) timer.cancel();
    await this.#requests.idle();
    await this.#underWay;
    await this.#history.close();
    await this.#table.close();
  }

  /** All of them, also where fewer may run by now. */
  async #takeUp(): Promise<void> {
    let cursor: string | undefined;
    do {
      const page = await this.#table.scan({ index: 'running', limit: PAGE_MAX, ...(cursor && { cursor }) });
      for (const { value } of page.records) this.#start(value);
      cursor = page.cursor;
    } while (cursor !== undefined);
  }

  async #request(id: string, perSecond: number, request: GroupRequest): Promise<Batch> {
    const { clock, limits, tell } = this.#options;
    const { group, type, ttlS, by } = request;
    const exceeded: LimitExceeded = (limit, detail) =>
      tell({ name: 'deviceLimitReached', limit, deviceId: '', detail });
    const input = readInput(request.input, limits.commandBytesMax, exceeded);
    const existing = await this.get(id);
    if (existing !== undefined) return sameBatch(existing, { group, type, input, ttlS, perSecond });
    await this.#checkTarget({ ...request, input }, exceeded);
    if (this.#running.size >= limits.commandBatchesMax) {
      const detail = `${this.#running.size} commands to groups are under way`;
      tell({ name: 'deviceLimitReached', limit: 'commandBatchesMax', deviceId: '', detail });
      throw new DeviceError(
        'batches-limit',
        `Cannot send the command ${quoted(type)} to the group ${quoted(group)}: ${detail}, fewer (commandBatchesMax) are expected`,
      );
    }
    const batch: Batch = {
      ...{ id, group, type, input, ttlS, perSecond, by, state: 'running', requested: 0, refused: 0, refusals: [] },
      ...{ requestedAtMs: clock.nowMs(), endedAtMs: undefined, cursor: undefined },
    };
    // Its place is taken before it is stored, so that no more run than may.
    const running = this.#start(batch);
    running.isBusy = true;
    try {
      await this.#table.put(id, batch, 0);
    } catch (error) {
      this.#running.delete(id);
      throw error;
    }
    running.isBusy = false;
    return batch;
  }

  /** What nobody could ever get is not kept for days. @throws DeviceError 'invalid' */
  async #checkTarget({ group, type, input, ttlS }: GroupRequest, exceeded: LimitExceeded): Promise<void> {
    const { commandsNamed, members, limits } = this.#options;
    const commands = commandsNamed(type);
    const problems =
      commands.length === 0
        ? [`type is ${quoted(type)}: a command of a type of device is expected`]
        : refusedByAll(commands, input);
    if (ttlS !== undefined) problems.push(...ttlProblems(ttlS, limits.commandTtlMaxS, exceeded));
    const { deviceIds, cursor } = await members(group, undefined, 1);
    if (deviceIds.length === 0 && cursor === undefined)
      problems.push(`group is ${quoted(group)}: no device is in it, at least one is expected`);
    throwProblems(`send the command ${quoted(type)} to the group ${quoted(group)}`, problems);
  }

  #start(batch: Batch): Running {
    const creditedAtMs = this.#options.clock.steadyMs();
    const running = { batch, credit: 1, creditedAtMs, isBusy: false };
    this.#running.set(batch.id, running);
    return running;
  }

  #track(run: Promise<void>): void {
    const over = run.catch((error: unknown) => {
      this.#options.tell({ name: 'deviceServiceFailed', error: String(error) });
    });
    this.#underWay = Promise.all([this.#underWay, over]);
  }

  #tick(): void {
    const nowMs = this.#options.clock.steadyMs();
    for (const running of this.#running.values()) {
      if (running.isBusy || nowMs < running.creditedAtMs) continue;
      const { perSecond } = running.batch;
      // What a stall has kept from being sent is not sent all at once.
      running.credit = Math.min(running.credit + (perSecond * (nowMs - running.creditedAtMs)) / 1_000, perSecond);
      running.creditedAtMs = nowMs;
      if (running.credit < 1) continue;
      running.isBusy = true;
      this.#track(
        this.#page(running).finally(() => {
          running.isBusy = false;
        }),
      );
    }
  }

  /** The next members, and how far that is. */
  async #page(running: Running): Promise<void> {
    const { clock, members } = this.#options;
    const { batch } = running;
    if (clock.nowMs() >= batch.requestedAtMs + BATCH_MS) return this.#end(running, 'expired');
    const limit = Math.min(Math.floor(running.credit), PAGE_MAX);
    const page = await members(batch.group, batch.cursor, limit);
    const codes = await Promise.all(page.deviceIds.map((deviceId) => this.#ask(batch, deviceId)));
    running.credit -= page.deviceIds.length;
    if (codes.includes('commands-limit')) {
      // The page is done again when there is room: who has its command gets no other one.
      running.creditedAtMs = clock.steadyMs() + NO_ROOM_MS;
      running.credit = 0;
      return;
    }
    const refusals = page.deviceIds.flatMap((deviceId, index) => {
      const code = codes[index];
      return code === undefined ? [] : [{ deviceId, code }];
    });
    running.batch = {
      ...batch,
      cursor: page.cursor,
      requested: batch.requested + codes.length - refusals.length,
      refused: batch.refused + refusals.length,
      refusals: [...batch.refusals, ...refusals].slice(0, REFUSALS_MAX),
    };
    if (page.cursor === undefined) await this.#end(running, 'done');
    else if (this.#running.get(batch.id) === running) await this.#table.put(batch.id, running.batch);
  }

  async #end(running: Running, state: 'done' | 'expired'): Promise<void> {
    const { id } = running.batch;
    // Somebody cancelled it meanwhile.
    if (this.#running.get(id) !== running) return;
    const batch: Batch = { ...running.batch, state, endedAtMs: this.#options.clock.nowMs() };
    await this.#table.put(id, batch);
    this.#running.delete(id);
    this.#history.ended(batch);
  }

  /** The code of the error where no command is taken for the device. */
  async #ask({ id: batchId, type, input, ttlS, by }: Batch, deviceId: string): Promise<string | undefined> {
    const hash = createHash('sha256').update(deviceId).digest('base64url').slice(0, 22);
    const request: CommandRequest = {
      ...{ deviceId, type, input, by, batchId, id: `${batchId}.${hash}` },
      ...(ttlS !== undefined && { ttlS }),
    };
    try {
      await this.#options.commands.request(request);
      return undefined;
    } catch (error) {
      if (error instanceof DeviceError) return error.code;
      throw error;
    }
  }

  /** Those that ended longer ago than their commands are kept. */
  async #forget(): Promise<void> {
    const untilMs = this.#options.clock.nowMs() - this.#options.limits.commandHistoryS * 1_000;
    const { records } = await this.#table.scan({ index: 'ended', limit: PAGE_MAX });
    const old = records.filter(({ value }) => (value.endedAtMs ?? Infinity) <= untilMs);
    await Promise.all(old.map((record) => this.#history.forget(record)));
  }
}

/** What keeps the input from every one of the commands, each once; nothing where one of them takes it. */
function refusedByAll(commands: ReturnType<GroupCommandsOptions['commandsNamed']>, input: unknown): string[] {
  const found = commands.map(({ checkInput }) => checkInput(input));
  return found.every((problems) => problems.length > 0) ? [...new Set(found.flat())] : [];
}

function sameBatch(existing: Batch, asked: Pick<Batch, 'group' | 'type' | 'input' | 'ttlS' | 'perSecond'>): Batch {
  const { group, type, input, ttlS, perSecond } = existing;
  if (isDeepStrictEqual({ group, type, input, ttlS, perSecond }, asked)) return existing;
  throw new DeviceError(
    'command-conflict',
    `Cannot use the id ${existing.id} again: a command with another group, type, input, ttlS or perSecond has it, a new id is expected`,
  );
}
