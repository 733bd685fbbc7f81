/** Kills the server of a fleet with kill -9 while the fleet is administered, and looks at what is left after each start. */
import { withoutEntry } from './crash-audit.ts';
import { CameraCommands, type Check, DEEDS } from './crash-deeds.ts';
import type { FleetProcess } from './fleet-process.ts';

export interface DeviceCrashOptions {
  readonly kills: number;
  /** Between the start of the work and the kill, from and to. */
  readonly loadMs: readonly [number, number];
  /** From 0 to 1. */
  readonly random: () => number;
}

export interface DeviceCrashResult {
  readonly findings: readonly string[];
  /** Deeds that left something to look at, by their names; `commands`: those that the API called queued. */
  readonly counts: Readonly<Record<string, number>>;
}

const WORKERS = 4;

/** Starts the server, which must not run, and leaves it running. */
export async function deviceCrashRun(server: FleetProcess, options: DeviceCrashOptions): Promise<DeviceCrashResult> {
  const { kills, loadMs, random } = options;
  const findings: string[] = [];
  const counts: Record<string, number> = { commands: 0 };
  const checks: Check[] = [];
  const cameras: CameraCommands[] = [];
  const names = Object.keys(DEEDS);
  let deeds = 0;

  const work = async (isOver: () => boolean): Promise<void> => {
    while (!isOver()) {
      const name = names[deeds++ % names.length];
      const check = await DEEDS[name](server, `${name}-${deeds}`);
      if (check === undefined) continue;
      counts[name] = (counts[name] ?? 0) + 1;
      checks.push(check);
    }
  };
  const note = (finding: string | undefined): void => {
    if (finding !== undefined) findings.push(finding);
  };
  const look = async (from: number): Promise<void> => {
    for (const check of checks.slice(from)) note(await check(server));
    for (const camera of cameras.slice(-1)) note(await camera.lost(server));
  };

  await server.start();
  for (let kill = 0; kill < kills; kill++) {
    const camera = await CameraCommands.make(server, `camera-${kill}`);
    cameras.push(camera);
    const before = checks.length;
    let isOver = false;
    const workers = Array.from({ length: WORKERS }, () => work(() => isOver));
    const commands = async (): Promise<void> => {
      while (!isOver && (await camera.request(server)));
    };
    workers.push(commands(), camera.wait(server));
    await new Promise((resolve) => setTimeout(resolve, loadMs[0] + random() * (loadMs[1] - loadMs[0])));
    const killed = server.kill();
    isOver = true;
    await Promise.all([killed, ...workers]);
    counts.commands += camera.queued.length;
    await server.start();
    await look(before);
  }
  // What held after the crash that it met holds after the last one too.
  await look(0);
  const commandIds = cameras.flatMap((camera) => [...camera.queued, camera.waited]);
  for (const what of await withoutEntry(server, commandIds)) note(`the audit log has nothing of ${what}`);
  for (const camera of cameras) note(await camera.deliver(server));
  return { findings, counts };
}
