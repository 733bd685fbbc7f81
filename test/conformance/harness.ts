/** Declares conformance tests: titles with statement numbers, one broker for each set of settings, own names. */

import { after, describe, type TestContext, test } from 'node:test';
import { type ConnectOptions, RawClient } from './raw-client.ts';
import { missing, startTarget, type Target, type TargetSettings, transportFor } from './target.ts';
import type { Transport } from './transport.ts';
import type { Version } from './wire.ts';

/** Tests of one section that run at the same time. */
const CONCURRENCY = 24;

const targets = new Map<string, Promise<Target>>();
let names = 0;
const run = Math.random().toString(36).slice(2, 8);

/** What a test works with: connections that are closed behind it and names nobody else uses. */
export class Scene {
  readonly target: Target;
  readonly context: TestContext;
  readonly clients: RawClient[] = [];

  constructor(target: Target, context: TestContext) {
    this.target = target;
    this.context = context;
  }

  /** A name no other test uses: letters and digits, at most 20 characters. */
  name(prefix = 't'): string {
    names += 1;
    return `${prefix.slice(0, 6)}${run}${process.pid.toString(36)}${names.toString(36)}`;
  }

  /** A connection that has sent nothing of MQTT. */
  async open(version: Version): Promise<RawClient> {
    const client = await RawClient.open(this.target, version);
    this.clients.push(client);
    return client;
  }

  /** A connection whose CONNECT was accepted; the client identifier is a fresh one unless given. */
  async connect(version: Version, options: ConnectOptions = {}): Promise<RawClient> {
    const client = await this.open(version);
    await client.connect({ clientId: this.name('c'), ...options });
    return client;
  }

  /** A connected subscriber to one filter; options are the QoS (3.x) or the options byte (5.0). */
  async subscriber(version: Version, filter: string, options = 0): Promise<RawClient> {
    const client = await this.connect(version);
    await client.subscribe([filter, options]);
    return client;
  }

  /** Waits milliseconds. */
  wait(milliseconds: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, milliseconds));
  }
}

export interface ConformanceOptions {
  /** Start a broker with these settings (shared by all tests of the file that ask for the same). */
  settings?: TargetSettings;
  /** Transports that have not what the test is about, each with the reason. */
  except?: Partial<Record<Transport, string>>;
}

/** Groups tests; those of one section run concurrently. */
export function section(title: string, declare: () => void): void {
  describe(title, { concurrency: CONCURRENCY }, declare);
}

/**
 * Declares a test of the statements `ids`, such as `MQTT-3.1.2-8` (5.0), `MQTT311-3.1.2-8`, `MQTT31-4`, `MQTT-rule-3`.
 * Fails when `run` rejects or when the server broke the standard on any of the test's connections.
 */
export function conformance(
  ids: readonly string[],
  title: string,
  optionsOrRun: ConformanceOptions | ((scene: Scene) => Promise<void>),
  maybeRun?: (scene: Scene) => Promise<void>,
): void {
  const body = typeof optionsOrRun === 'function' ? optionsOrRun : maybeRun;
  const { settings = {}, except = {} } = typeof optionsOrRun === 'function' ? {} : optionsOrRun;
  if (body === undefined) throw new Error(`${title}: no test function`);
  const skip = except[transportFor(settings)] ?? missing(settings) ?? false;
  test(`${title} ${ids.map((id) => `[${id}]`).join(' ')}`, { skip, timeout: 60_000 }, async (context) => {
    const scene = new Scene(await targetFor(settings), context);
    try {
      await body(scene);
      for (const client of scene.clients) if (client.fault !== undefined) throw client.fault;
    } finally {
      for (const client of scene.clients) client.socket.destroy();
    }
  });
}

function targetFor(settings: TargetSettings): Promise<Target> {
  const key = JSON.stringify(settings);
  const started = targets.get(key) ?? startTarget(settings);
  targets.set(key, started);
  return started;
}

after(async () => {
  for (const target of targets.values()) await (await target.catch(() => undefined))?.stop();
});
