/** Commands to groups: asked for at a rate, followed until all have ended or the wait is over, and added up. */

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Api, PAGE_MAX } from '../api/api.ts';
import { CommandError, ConnectionLostError, ExitCode, usageError } from '../exit-codes.ts';
import type { Outcome } from '../outcome.ts';
import { Progress } from '../progress.ts';
import type { Terminal } from '../terminal.ts';
import type { BatchAnswer, CommandAnswer } from './answers.ts';
import { inputOf, WAIT_S } from './command-actions.ts';
import type { DeviceFlags } from './device-flags.ts';
import { BatchTally, groupReport, tallyText } from './group-outcome.ts';

const LOOK_EACH_MS = 250;
/** A pause is so many times as long as the look before it: a large group is no load. */
const PAUSE_OF_LOOK = 4;

export async function sendToGroup(api: Api, type: string, flags: DeviceFlags, terminal: Terminal): Promise<Outcome> {
  const { groups, rate: perSecond, ttlS, commandId: id = randomUUID(), waitS = WAIT_S } = flags;
  if (groups.length > 1) throw usageError('Cannot send to several groups: one --group is expected');
  const [group] = groups;
  const input = flags.input === undefined ? undefined : inputOf(flags.input);
  const path = `/api/v1/groups/${encodeURIComponent(group)}/commands/${encodeURIComponent(type)}`;
  const batch = await api
    .ask<BatchAnswer>('POST', path, { input, ttlS, perSecond, id })
    .catch(async (error: unknown) => {
      if (!(error instanceof ConnectionLostError)) throw error;
      const text = `Whether batch ${id} has begun is not known. When the server is back, this begins or follows it:`;
      throw new ConnectionLostError(`${error.message}\n${text}\n  ${await followingLine(type, group, id)}`);
    });
  // Where no server runs nothing will come of it, however long one waits.
  if (waitS === 0 || api.isStopped)
    return groupReport(batch, new BatchTally(), api.isStopped ? 'server-stopped' : 'no-wait');
  const progress = new Progress(terminal.errors);
  try {
    return groupReport(...(await follow(api, batch, waitS * 1_000, progress)), 'followed');
  } catch (error) {
    if (!(error instanceof CommandError) || error.exitCode !== ExitCode.network) throw error;
    throw new ConnectionLostError(
      `Cannot follow batch ${id}: the connection to the server was lost. ${error.message}\n` +
        `The batch goes on when the server is back; this follows it then:\n  ${await followingLine(type, group, id)}`,
    );
  } finally {
    progress.clear();
  }
}

/** What asks for the same batch again, which is followed then: a command to type. */
async function followingLine(type: string, group: string, id: string): Promise<string> {
  const { shellWord } = await import('@dunlin/server');
  const action = type === 'wake' ? type : `command ${type}`;
  return `dunlin device ${action} --group ${shellWord(group)} --command-id ${id}`;
}

/** Settles when nothing more can happen, or so long after the last member was asked for. */
async function follow(
  api: Api,
  begun: BatchAnswer,
  waitMs: number,
  progress: Progress,
): Promise<[BatchAnswer, BatchTally]> {
  const path = `/api/v1/batches/${encodeURIComponent(begun.id)}`;
  const commands = new BatchCommands(api, `${path}/commands`);
  for (let batch = begun, endMs = Number.POSITIVE_INFINITY; ; ) {
    const beganMs = performance.now();
    batch = await api.ask<BatchAnswer>('GET', path);
    const tally = await commands.tally();
    progress.show(() => tallyText(batch, tally));
    const nowMs = performance.now();
    if (batch.state !== 'running') {
      endMs = Math.min(endMs, nowMs + waitMs);
      if (tally.open === 0 || nowMs >= endMs) return [batch, tally];
    }
    await sleep(Math.max(LOOK_EACH_MS, PAUSE_OF_LOOK * (nowMs - beganMs)));
  }
}

/** The commands of a batch, as often as it is asked; pages in which all have ended are not read again. */
class BatchCommands {
  readonly #api: Api;
  readonly #path: string;
  readonly #ended = new BatchTally();
  #cursor: string | undefined;

  constructor(api: Api, path: string) {
    this.#api = api;
    this.#path = path;
  }

  async tally(): Promise<BatchTally> {
    const tally = this.#ended.copy();
    let areEnded = true;
    for (let cursor = this.#cursor; ; ) {
      const query = { limit: PAGE_MAX, cursor };
      const page = await this.#api.ask<{ items: CommandAnswer[]; cursor?: string }>(
        'GET',
        this.#path,
        undefined,
        query,
      );
      for (const command of page.items) tally.add(command);
      areEnded &&= page.items.every(({ endedAtMs }) => endedAtMs !== undefined);
      if (page.cursor === undefined) return tally;
      cursor = page.cursor;
      if (!areEnded) continue;
      this.#cursor = cursor;
      for (const command of page.items) this.#ended.add(command);
    }
  }
}
