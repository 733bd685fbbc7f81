/** `dunlin probe`: what a server can do, stated and tried. */

import { randomBytes } from 'node:crypto';
import { type Target, targetOf } from './connecting.ts';
import { CommandError, ExitCode } from './exit-codes.ts';
import {
  type Entrance,
  type Finding,
  NEEDS_5,
  type Reception,
  runChecks,
  tryVersions,
  versionName,
} from './probe/probing.ts';
import { ProbeReport } from './probe/report.ts';
import type { VisitOptions } from './probe/visit.ts';
import { type ProbeFlags, readProbeFlags } from './probe-flags.ts';
import { type Screen, screenOf } from './screen.ts';
import { Output, outputFailed, type Terminal } from './terminal.ts';

const PREFIX = 'dunlin-probe';
/** With eight random digits within the 23 characters of MQTT 3.1. */
const CLIENT_ID_PREFIX = 'dunlin-probe-';

/** Runs the command and returns its exit code. Rejects with what `failureOf` understands. */
export async function probe(argv: readonly string[], terminal: Terminal): Promise<number> {
  const flags = readProbeFlags(argv, terminal.environment);
  const target = targetOf(flags, terminal);
  const interrupt = new AbortController();
  const ignore = terminal.onInterrupt(() => interrupt.abort());
  const output = new Output(terminal.output);
  let outputError: Error | undefined;
  // Nobody reads: what was begun is cleared, the rest is left.
  output.gone.then((error) => {
    outputError = error;
    interrupt.abort();
  });
  try {
    const visit = visitOf(flags, target, interrupt.signal);
    const reception = await tryVersions(visit, flags.version);
    await (flags.json ? probeJson : probeText)(visit, target, reception, output, screenOf(terminal));
    if (reception.entrance === undefined) throw notLetIn(flags, reception);
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
  } finally {
    ignore();
    output.flush();
  }
  if (outputError !== undefined) throw outputFailed(outputError);
  return ExitCode.done;
}

function visitOf(flags: ProbeFlags, { url, options }: Target, signal: AbortSignal): VisitOptions {
  const { dial, username, password, on } = options;
  const nothing = (): void => {};
  return {
    dial: (bounds) => (dial as NonNullable<typeof dial>)({ url, tls: undefined, certificateSeen: nothing, ...bounds }),
    username: username as string | undefined,
    password: password === undefined ? undefined : Buffer.from(password as string | Uint8Array),
    clientIdPrefix: flags.clientId ?? flags.idPrefix ?? CLIENT_ID_PREFIX,
    topicPrefix: `${flags.prefix ?? PREFIX}/${randomBytes(6).toString('hex')}`,
    timeoutMs: flags.timeoutMs,
    payloadMax: flags.payloadMax,
    signal,
    onlookers: { sent: on?.packetSent ?? nothing, received: on?.packetReceived ?? nothing },
  };
}

async function probeText(
  visit: VisitOptions,
  { url }: Target,
  { findings, entrance }: Reception,
  output: Output,
  screen: Screen,
) {
  const report = new ProbeReport(screen);
  let left = 0;
  const tell = (finding: Finding): void => {
    if (finding.note === NEEDS_5) left += 1;
    else output.write(report.row(finding));
  };
  const by = entrance === undefined ? '' : `, probed with MQTT ${versionName(entrance.version)}`;
  output.write(`${url.href}${by}\n\n${report.heading()}\n`);
  findings.forEach(tell);
  if (entrance !== undefined) await runChecks(visit, entrance, tell);
  if (left > 0) output.write(`\nLeft out: ${left} checks of what ${NEEDS_5.replace(' it', '')}.\n`);
}

async function probeJson(visit: VisitOptions, { url }: Target, { findings, entrance }: Reception, output: Output) {
  const all = [...findings];
  if (entrance !== undefined) await runChecks(visit, entrance, (finding) => all.push(finding));
  if (!visit.signal.aborted) output.write(`${JSON.stringify(jsonOf(url, entrance, all))}\n`);
}

function jsonOf(url: URL, entrance: Entrance | undefined, findings: readonly Finding[]): object {
  return {
    server: url.href,
    version: entrance === undefined ? null : versionName(entrance.version),
    connack: entrance?.connack.properties ?? null,
    findings: findings.map(({ group, id, what, stated = null, tried = null, note = null }) => ({
      group,
      check: id,
      what,
      stated,
      tried,
      note,
    })),
  };
}

function notLetIn({ version }: ProbeFlags, { refusal }: Reception): CommandError {
  const attempt = version === undefined ? 'every version was refused' : `MQTT ${versionName(version)} was refused`;
  return new CommandError(refusal?.reasonCode ?? ExitCode.network, `Cannot probe: ${attempt}: ${refusal?.message}`);
}
