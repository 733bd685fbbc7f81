/** `dunlin device`: devices, through the HTTP API. */

import { quoted, visible } from '@dunlin/protocol';
import { type Api, ApiRefusal } from '../api/api.ts';
import { openApi } from '../api/api-ways.ts';
import { ExitCode, usageError } from '../exit-codes.ts';
import { type Outcome, printOutcome } from '../outcome.ts';
import { screenOf } from '../screen.ts';
import { Output, outputFailed, type Terminal } from '../terminal.ts';
import { type DeviceAnswer, devicePath, type WhyAnswer } from './answers.ts';
import { listAudit } from './audit-actions.ts';
import { confirmClaim, listClaims, refuseClaim } from './claim-actions.ts';
import { cancelCommand, sendCommand } from './command-actions.ts';
import { issueCertificate, makeToken, revoke } from './credential-actions.ts';
import { type DeviceAction, type DeviceFlags, type DeviceRequest, readDeviceFlags, wordsOf } from './device-flags.ts';
import { sendToGroup } from './group-actions.ts';
import { addDevice, changeDevice, enableDevice, listDevices, removeDevice, showDevice } from './registry-actions.ts';
import { exportedText, importFile } from './transfer-actions.ts';
import { whyOutcome } from './why-report.ts';

/** Runs the command and returns its exit code. Rejects with what `failureOf` understands. */
export async function device(argv: readonly string[], terminal: Terminal): Promise<number> {
  const request = readDeviceFlags(argv);
  await checkWords(request);
  const api = await openApi(request.flags, terminal);
  try {
    if (request.action === 'export') return await printExport(api, request, terminal);
    const outcome = await PERFORM[request.action](api, request, terminal);
    return await printOutcome(outcome, request.flags.json, terminal);
  } finally {
    await api.close();
  }
}

type Perform = (api: Api, request: DeviceRequest, terminal: Terminal) => Promise<Outcome>;

const PERFORM: Readonly<Record<Exclude<DeviceAction, 'export'>, Perform>> = {
  add: (api, { words: [id], flags }) => addDevice(api, id, flags),
  change: (api, { words: [id], flags }) => changeDevice(api, id, flags),
  enable: (api, { words: [id] }) => enableDevice(api, id, true),
  disable: (api, { words: [id] }) => enableDevice(api, id, false),
  remove: (api, { words: [id] }) => removeDevice(api, id),
  list: (api, { flags }) => listDevices(api, flags, Date.now()),
  show: (api, { words: [id] }) => showDevice(api, id, Date.now()),
  why: (api, { words: [id] }) => why(api, id),
  audit: (api, { words: [id], flags }, terminal) => listAudit(api, id, flags, screenOf(terminal)),
  token: (api, { words: [id], flags }) => makeToken(api, id, flags, Date.now()),
  cert: (api, { words: [id], flags }) => issueCertificate(api, 'cert', id, flags, Date.now()),
  renew: (api, { words: [id], flags }) => issueCertificate(api, 'renew', id, flags, Date.now()),
  revoke: (api, { words: [id], flags }) => revoke(api, id, flags, Date.now()),
  claim: (api, { words: [code], flags }) => confirmClaim(api, code, flags),
  claims: (api, { flags }) => listClaims(api, flags, Date.now()),
  refuse: (api, { words: [id] }) => refuseClaim(api, id),
  wake: (api, { words, flags }, terminal) => send(api, [...words, 'wake'], flags, terminal),
  command: (api, { words, flags }, terminal) => send(api, words, flags, terminal),
  cancel: (api, { words: [id] }) => cancelCommand(api, id),
  import: (api, { words: [file], flags }, terminal) => importFile(api, file, flags, terminal),
};

/** `words`: the device where it is to one, and the type of the command. */
function send(api: Api, words: readonly string[], flags: DeviceFlags, terminal: Terminal): Promise<Outcome> {
  const type = words[words.length - 1];
  if (flags.groups.length > 0) return sendToGroup(api, type, flags, terminal);
  if (flags.rate !== undefined) throw usageError('Cannot use --rate: expected --group beside it');
  return sendCommand(api, words[0], type, flags);
}

async function why(api: Api, id: string): Promise<Outcome> {
  const answer = await api.ask<WhyAnswer>('GET', devicePath(id, 'why'));
  const { shellWord } = await import('@dunlin/server');
  const { isStopped } = api;
  return whyOutcome(answer, { device: await deviceOf(api, id), isStopped, nowMs: Date.now(), shellWord });
}

async function deviceOf(api: Api, id: string): Promise<DeviceAnswer | undefined> {
  try {
    return await api.ask<DeviceAnswer>('GET', devicePath(id));
  } catch (error) {
    if (error instanceof ApiRefusal && error.code === 'device-unknown') return undefined;
    throw error;
  }
}

/** What cannot be an id must not become another path of the API either. */
async function checkWords({ action, words, flags }: DeviceRequest): Promise<void> {
  const { DEVICE_ID_EXPECTED, isCommandId, isDeviceId } = await import('@dunlin/devices');
  for (const [at, kind] of wordsOf(action, flags).entries()) {
    const word = words[at];
    if (word === undefined) continue;
    if ((kind === 'ID' || kind === '[ID]') && !isDeviceId(word))
      throw usageError(`Cannot use the device id ${quoted(word)}: ${DEVICE_ID_EXPECTED} are expected`);
    if ((kind === 'COMMAND_ID' || kind === 'TYPE' || kind === 'CLAIM_ID') && !isCommandId(word))
      throw usageError(`Cannot use the ${kind} ${quoted(word)}: letters, digits and -._~ are expected`);
  }
}

/** As it comes: it may be as long as the registry. On a terminal what could move the cursor is escaped. */
async function printExport(api: Api, { flags }: DeviceRequest, terminal: Terminal): Promise<number> {
  const output = new Output(terminal.output);
  const isShown = (terminal.output as NodeJS.WriteStream).isTTY === true;
  let gone: { readonly error: Error | undefined } | undefined;
  void output.gone.then((error) => {
    gone = { error };
  });
  for await (const text of exportedText(api, flags)) {
    output.write(isShown ? visible(text.replaceAll('\r\n', '\n'), { lines: true }) : text);
    output.flush();
    const { writableNeedDrain } = terminal.output as NodeJS.WriteStream;
    if (writableNeedDrain)
      await Promise.race([output.gone, new Promise((resolve) => terminal.output.once('drain', resolve))]);
    if (gone === undefined) continue;
    if (gone.error !== undefined) throw outputFailed(gone.error);
    break;
  }
  return ExitCode.done;
}
