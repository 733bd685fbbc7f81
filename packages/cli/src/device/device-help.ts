/** The help of `dunlin device`: a table of its actions, and a page for each of them. */

import { API_NOTE } from '../api/api-flags.ts';
import { type ExitCodeRow, exitCodesOf } from '../exit-codes.ts';
import { columns, type FlagGroup, helpText } from '../flags.ts';
import { ACTIONS, DEVICE_PAGE, type DeviceAction, type DeviceFlags, isOf, named, SENDING } from './device-flags.ts';

/** Command lines to copy, of each action. */
const EXAMPLES: Readonly<Record<DeviceAction, readonly (readonly [command: string, what: string])[]>> = {
  add: [
    ['dunlin device add cam-1 --type camera --attribute thingName=hall', 'a device of a type of the configuration'],
  ],
  change: [['dunlin device change cam-1 --name Hall --no-attribute room', 'another name, and one attribute less']],
  enable: [['dunlin device enable cam-1', 'it is let in again']],
  disable: [['dunlin device disable cam-1', 'it goes, and stays out']],
  remove: [['dunlin device remove cam-1', 'it, its credentials, and its commands that wait']],
  list: [
    ['dunlin device list --type camera --attribute space=hall', 'which there are'],
    ['dunlin device list --connected --all --json', 'every one that is there, for a program'],
  ],
  show: [['dunlin device show cam-1', 'all about it']],
  why: [['dunlin device why cam-1', 'what refused it, and what is expected']],
  audit: [
    ['dunlin device audit cam-1', 'who changed it, its credentials and its commands'],
    ['dunlin device audit --by owner:ada --since 7d', 'what ada did within a week'],
    ['dunlin device audit --refused --all --json', 'what was tried in vain, for a program'],
  ],
  token: [
    ['dunlin device token cam-1 > cam-1.token', 'its password, shown this once'],
    ['dunlin device token cam-1 --rotate --overlap 1h', 'another one; the others count for an hour'],
  ],
  cert: [['dunlin device cert frame-7 --out frame-7', 'ca.pem, cert.pem and key.pem (0600)']],
  renew: [['dunlin device renew frame-7 --out frame-7 --force', 'over the files of the one before']],
  revoke: [['dunlin device revoke frame-7 --all --reason keyCompromise', 'all that it comes in with']],
  claim: [['dunlin device claim K7M4PX --owner ada', 'the device that shows this code is hers']],
  claims: [['dunlin device claims', 'who waits for a place']],
  refuse: [['dunlin device refuse CLAIM_ID', 'it has to begin anew']],
  wake: [
    ['dunlin device wake cam-1 --wait 10s', 'sends wake, and says what became of it'],
    ['dunlin device wake --group hall --rate 50', 'wakes all of a group, 50 a second'],
  ],
  command: [['dunlin device command cam-1 record --input \'{"seconds":5}\'', 'a command that takes something']],
  cancel: [['dunlin device cancel COMMAND_ID', 'it goes out no more']],
  import: [['dunlin device import fleet.csv --dry-run', 'what a file would add and change']],
  export: [['dunlin device export --format csv > fleet.csv', 'all of them, for a spreadsheet']],
};

/** The text of `dunlin device --help`, or of `dunlin device ACTION --help`. */
export function deviceHelp(action?: string): string {
  return action === undefined ? overview() : actionHelp(action as DeviceAction);
}

function overview(): string {
  const { help, groups } = DEVICE_PAGE;
  const rows = Object.entries(ACTIONS).map(([name, { summary }]) => [named(name as DeviceAction), summary] as const);
  const usage = ['dunlin device ACTION [flags]', 'dunlin device ACTION --help'];
  const notes = [['Actions, each of which has its own --help', columns(rows)] as const, API_NOTE];
  return helpText({ ...help, usage, notes, exitCodes: ROWS }, groups.slice(-1));
}

function actionHelp(action: DeviceAction): string {
  const group = SENDING.includes(action);
  const usage = [
    named(action),
    ...(group ? [[action, '--group NAME', ...ACTIONS[action].words.slice(1)].join(' ')] : []),
  ];
  const groups = (DEVICE_PAGE.groups as readonly FlagGroup<DeviceFlags>[])
    .map(({ title, flags }) => ({
      title,
      flags: flags.filter((flag) => isOf(flag, action)).map((flag) => ({ ...flag, help: ofAction(flag.help, action) })),
    }))
    .filter(({ flags }) => flags.length > 0);
  const help = {
    name: `dunlin device ${action}`,
    summary: ACTIONS[action].summary,
    usage: usage.map((line) => `dunlin device ${line} [flags]`),
    examples: EXAMPLES[action],
    notes: [API_NOTE],
    exitCodes: exitCodes(action),
  };
  return helpText(help, groups);
}

/** What a text says of the action: clauses behind `; `, some of which begin with the actions that they are for. */
function ofAction(text: string, action: DeviceAction): string {
  const clauses = text.split('; ').flatMap((clause) => {
    const [prefix, rest] = /^([a-z]+(?:, [a-z]+)*): (.*)$/.exec(clause)?.slice(1) ?? [];
    const actions = prefix?.split(', ') ?? [];
    if (!actions.some((one) => Object.hasOwn(ACTIONS, one))) return [clause];
    return actions.includes(action) ? [rest] : [];
  });
  return clauses.join('; ');
}

/** Without the Reason Codes of MQTT, which it does not speak; of clauses for one command or another those of this one. */
const ROWS: readonly ExitCodeRow[] = exitCodesOf('device').flatMap(({ code, meaning }) => {
  if (code.includes('-')) return [];
  const clauses = meaning.split('; ').filter((clause) => {
    const commands = /^([a-z][a-z -]*(?:, [a-z -]+)*): /.exec(clause)?.[1].split(', ');
    return commands === undefined || commands.some((command) => /^(?:device|the same$|to a group$)/.test(command));
  });
  return [{ code, meaning: clauses.join('; ') }];
});

/** Of every action: those below 4 and what the API refuses. */
const COMMON: readonly string[] = ['0', '1', '2', '3', '5'];
const TO_GROUPS = '; device --group: ';

function exitCodes(action: DeviceAction): ExitCodeRow[] {
  return ROWS.flatMap((row) => {
    const { code, meaning } = row;
    if (COMMON.includes(code)) return [SENDING.includes(action) ? row : { code, meaning: meaning.split(TO_GROUPS)[0] }];
    // Of 4 the clause of this action; from 10 on what becomes of commands.
    const own = meaning.split('; ').find((clause) => clause.startsWith(`device ${action}: `));
    if (code === '4') return own === undefined ? [] : [{ code, meaning: own.slice(own.indexOf(': ') + 2) }];
    const isOfCommands = /^1\d$/.test(code) && SENDING.includes(action);
    return isOfCommands ? [{ code, meaning: meaning.slice(meaning.indexOf(': ') + 2) }] : [];
  });
}
