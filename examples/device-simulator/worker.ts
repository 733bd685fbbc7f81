/** A process of the simulator: it connects its share of the devices, at a rate, and reports once a second. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Counts, type RunningDevice, type Server, startDevice } from './device.ts';
import type { SimulatedDevice } from './fleet.ts';

/** What a process is told to do, in its first message. */
export interface Share {
  readonly devices: readonly SimulatedDevice[];
  readonly server: Server;
  readonly connectsPerSecond: number;
  /** Views that its players publish, in all. */
  readonly viewsPerSecond: number;
}

const SLICE_MS = 50;

async function run({ devices, server, connectsPerSecond, viewsPerSecond }: Share): Promise<void> {
  const counts: Counts = { connected: 0, connects: 0, failures: 0, commands: 0, views: 0 };
  const running: RunningDevice[] = [];
  let isOver = false;
  const reports = setInterval(() => process.send?.(counts), 1_000);
  process.once('message', async () => {
    isOver = true;
    clearInterval(reports);
    await Promise.allSettled(running.map((device) => device.stop()));
    process.disconnect();
  });
  const viewers = devices.map(({ type }, index) => (type === 'player' ? index : -1)).filter((index) => index >= 0);
  let [viewsDue, viewed] = [0, 0];
  const beganMs = performance.now();
  while (!isOver) {
    await sleep(SLICE_MS);
    const seconds = (performance.now() - beganMs) / 1_000;
    const due = Math.min(devices.length, Math.floor(seconds * connectsPerSecond));
    while (running.length < due) running.push(startDevice(devices[running.length], server, counts));
    viewsDue += (viewsPerSecond * SLICE_MS) / 1_000;
    for (; viewed < Math.floor(viewsDue) && viewers.length > 0; viewed++)
      running[viewers[viewed % viewers.length]]?.view();
  }
}

// Its starter is gone.
process.once('disconnect', () => process.exit());
// Ctrl-C reaches every process of the terminal; the one that started this one says when it is over.
process.on('SIGINT', () => {});
process.once('message', (share: Share) => void run(share));
