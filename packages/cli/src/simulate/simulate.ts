/** `dunlin simulate`: runs the devices of a script, shows how they do on a terminal, and tells what they did. */

import { visible } from '@dunlin/protocol';
import { targetOf } from '../connecting.ts';
import { ExitCode } from '../exit-codes.ts';
import { Progress } from '../progress.ts';
import { shownCount, shownNumber } from '../quantities.ts';
import { Output, type Terminal } from '../terminal.ts';
import { readScript, type Script } from './script.ts';
import { readSimulateFlags } from './simulate-flags.ts';
import { type SimulationResult, SimulationView, simulationText } from './simulate-report.ts';
import { checkLoad, messagesPerSecond, Simulation } from './simulation.ts';

const REDRAW_MS = 500;

/** Runs the command and returns its exit code. Rejects with what `failureOf` understands. */
export async function simulate(argv: readonly string[], terminal: Terminal): Promise<number> {
  const flags = readSimulateFlags(argv, terminal.environment);
  const { speed, durationMs, keepsSessions } = flags;
  const read = readScript(flags.script);
  const script = { ...read, seed: flags.seed ?? read.seed };
  checkLoad(script, speed);
  const output = new Output(terminal.output);
  if (flags.checkOnly) {
    output.write(checkText(flags.script, script));
    output.flush();
    return ExitCode.done;
  }
  const shared = targetOf(flags, terminal);
  const target = (certificateFile?: string, keyFile?: string) =>
    certificateFile === undefined || keyFile === undefined
      ? shared
      : targetOf({ ...flags, tls: { ...flags.tls, certificateFile, keyFile } }, terminal);
  const simulation = new Simulation({ script, speed, durationMs, target, keepsSessions });
  const ignore = terminal.onInterrupt(() => simulation.stop());
  output.gone.then(() => simulation.stop());
  const progress = new Progress(terminal.errors);
  const view = new SimulationView(simulation, durationMs);
  const redraw = setInterval(() => progress.show(() => view.line()), REDRAW_MS);
  try {
    await simulation.run();
  } finally {
    clearInterval(redraw);
    progress.clear();
    ignore();
  }
  const { fleets, errors, acknowledged, seconds } = simulation;
  const isAlive = fleets.some(({ connects }) => connects > 0);
  if (!isAlive && errors.total > 0) throw errors.first;
  const acknowledgedIn = acknowledged.percentiles();
  const result: SimulationResult = {
    script: flags.script,
    url: shared.url.href,
    seed: script.seed,
    speed,
    seconds,
    fleets: fleets.map(({ connected, ...counts }) => counts),
    ...(acknowledgedIn === undefined ? {} : { acknowledgedIn }),
    errors: errors.rows(),
  };
  output.write(flags.json ? `${JSON.stringify(result)}\n` : visible(simulationText(result), { lines: true }));
  output.flush();
  return ExitCode.done;
}

/** Such as `cameras.yaml is right: 20 devices in 1 fleet, about 12.0 messages a second`. */
function checkText(file: string, script: Script): string {
  const { fleets } = script;
  const devices = fleets.reduce((sum, { count }) => sum + count, 0);
  const rate = shownNumber(messagesPerSecond(script));
  const found = `${shownCount(devices)} devices in ${fleets.length} ${fleets.length === 1 ? 'fleet' : 'fleets'}, about ${rate} messages a second`;
  return `${visible(file)} is right: ${found}\n`;
}
