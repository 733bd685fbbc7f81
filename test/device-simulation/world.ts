/**
 * A whole world from one seed: devices that come and go, callers that want things of them, a server that dies, and somebody
 * who sets its clock.
 *
 * In the first act everybody does as the dice say. In the second all is calm: devices stay, answer and lose nothing, so
 * that every command ends. In the third the server dies once more while nobody comes back.
 */
import type { Device as Registered } from '../../packages/devices/src/device.ts';
import type { KnownDevice } from '../../packages/devices/src/registry/known-device.ts';
import { DeviceTypes } from '../../packages/devices/src/registry/types.ts';
import { device as registered, TYPES } from '../../packages/devices/src/testing/command-world.ts';
import { SeededRandom } from '../simulation-harness/seeded-random.ts';
import { Trace } from '../simulation-harness/trace.ts';
import { VirtualTime } from '../simulation-harness/virtual-time.ts';
import { type Character, characterOf } from './character.ts';
import { Device } from './device.ts';
import { Disk } from './disk.ts';
import { DeviceJudge } from './invariants.ts';
import { Oracle } from './oracle.ts';
import { ServerProcess } from './server.ts';
import type { ServiceBroker } from './service-broker.ts';

const FIRST_ACT_MS = 20_000;
/** Until a device that is calm has taken all that its limits let through at once. */
const CALM_MS = 1_500_000;
const RESTART_MS = 200;
const TTLS_S = [1, 3, 20, 3_000, 3_000];

export class World {
  readonly judge: DeviceJudge;
  readonly time: VirtualTime;
  readonly character: Character;
  readonly disk: Disk;
  readonly oracle: Oracle;
  readonly types = new DeviceTypes(TYPES);
  readonly devices: readonly Device[];
  /** Of the process that is there; undefined while none is. */
  broker: ServiceBroker | undefined;
  /** How far the wall clock was set. */
  wallClockMs = 0;
  isCalm = false;
  crashes = 0;
  readonly #registry = new Map<string, { readonly device: Registered; readonly generation: string }>();
  readonly #random: SeededRandom;
  readonly #trace: Trace;
  #server: ServerProcess | undefined;
  #ids = 0;
  #generations = 0;

  constructor(seed: number, isTraced: boolean) {
    this.#random = new SeededRandom(seed);
    this.character = characterOf(this.#random.fork());
    this.time = new VirtualTime(this.#random.fork());
    this.judge = new DeviceJudge(() => this.time.elapsedMs);
    this.#trace = new Trace(this.time, () => isTraced && this.judge.violation === undefined);
    this.oracle = new Oracle(this);
    const { commitMs, slowReads } = this.character;
    this.disk = new Disk({
      ...{ time: this.time, random: this.#random.fork(), commitMs, slowReads },
      committed: (table, key, before, after) => this.oracle.committed(table, key, before, after),
    });
    this.devices = Array.from({ length: this.character.devices }, (_, index) => {
      const id = `${this.#random.pick(['cam', 'pix'])}${index + 1}`;
      this.#register(id);
      return new Device(id, this, this.#random.fork());
    });
    // The promises of the service chain behind whatever happens.
    this.time.hasPromises = true;
    this.time.afterEach = () => {
      this.time.hasPromises = true;
    };
  }

  tell(text: string): void {
    this.#trace.tell(text);
  }

  lines(shown: number): readonly string[] {
    return this.#trace.lines(this.judge.violation, shown);
  }

  newId(): string {
    this.#ids += 1;
    return `m${this.#ids}`;
  }

  device(id: string): Device {
    return this.devices.find((each) => each.id === id) as Device;
  }

  lookup(deviceId: string): KnownDevice | undefined {
    const found = this.#registry.get(deviceId);
    return found && { ...found, type: this.types.get(found.device.type) };
  }

  async run(): Promise<void> {
    this.#startServer();
    for (const device of this.devices) device.start();
    this.#call();
    const { crashes, clockJumps } = this.character;
    for (let count = crashes; count > 0; count--)
      this.time.after(this.#random.between(500, FIRST_ACT_MS - 1_000), () => this.#crash());
    for (let count = clockJumps; count > 0; count--)
      this.time.after(this.#random.between(0, FIRST_ACT_MS - 1_000), () => this.#setClock());
    await this.#pass(FIRST_ACT_MS);
    await this.#calmDown();
    await this.#end();
  }

  async #calmDown(): Promise<void> {
    this.isCalm = true;
    this.tell('all is calm');
    const untilMs = this.time.nowMs() + this.wallClockMs + CALM_MS;
    const due = this.oracle.commands.filter(
      ({ endedAtMs, expiresAtMs }) => endedAtMs === undefined && expiresAtMs > untilMs,
    );
    for (const { id } of this.devices) this.#enable(id);
    for (const device of this.devices) device.connect();
    // Each time they come back they say again what they have done.
    for (let part = 0; part < 10; part++) {
      await this.#pass(CALM_MS / 10);
      for (const device of this.devices) device.sayAgain();
    }
    // Those that a clock which was set has given more time are over by now too.
    this.wallClockMs += 100_000_000;
    await this.#pass(10_000);
    this.oracle.checkCommands(new Set(due.map(({ id }) => id)), this.#server?.commands?.open ?? -1);
    this.oracle.checkPresence(this.devices, true);
  }

  async #end(): Promise<void> {
    if (this.#random.chance(0.5)) this.#crash();
    else for (const device of this.devices) device.leave();
    for (const device of this.devices) device.leave();
    await this.#pass(60_000);
    this.oracle.checkPresence(this.devices, false);
  }

  async #pass(durationMs: number): Promise<void> {
    await this.time.pass(durationMs, () => this.judge.violation !== undefined);
  }

  #startServer(): void {
    this.#server = new ServerProcess(this, this.#random.fork());
  }

  #crash(): void {
    if (this.#server === undefined) return;
    this.crashes += 1;
    this.tell('the server is killed');
    this.broker = undefined;
    this.#server.crash();
    this.#server = undefined;
    this.disk.crash();
    this.oracle.restarted();
    for (const device of this.devices) device.leave();
    this.time.after(RESTART_MS, () => this.#startServer());
  }

  #setClock(): void {
    const byMs = this.#random.pick([-3_600_000, -5_000, 5_000, 3_600_000]);
    this.tell(`the clock is set by ${byMs} ms`);
    this.wallClockMs += byMs;
  }

  /** Callers, one thing after the other, until all is calm. */
  #call(): void {
    this.time.after(this.#random.wait(this.character.callerMs), () => {
      if (this.isCalm) return;
      this.#act();
      this.#call();
    });
  }

  #act(): void {
    const random = this.#random;
    const { id: deviceId } = random.pick(this.devices);
    const known = this.oracle.commands;
    const some = known.length === 0 ? undefined : random.pick(known.slice(-20));
    const id = some?.id ?? 'nobody';
    const what = random.weighted({ request: 12, repeat: 2, cancel: 1, wait: 3, lie: 1, registry: 0.5 });
    if (what === 'request') this.#request(deviceId, random.chance(0.3) ? this.newId() : undefined);
    if (what === 'repeat') this.#request(deviceId, id);
    if (what === 'cancel') void this.#server?.commands?.cancel(id, 'somebody').catch(refused);
    if (what === 'wait') this.#server?.wait(id, random.pick([1, 100, 5_000]));
    if (what === 'lie' && some?.deviceId !== deviceId) this.device(deviceId).lie(id);
    if (what === 'registry') this.#changeDevice(deviceId);
  }

  #request(deviceId: string, id: string | undefined): void {
    const isPlayer = deviceId.startsWith('pix');
    const type = this.#random.pick(isPlayer ? ['show', 'reset'] : ['wake', 'sleep', 'ring']);
    const input = type === 'show' ? { artwork: 'a' } : undefined;
    const ttlS = this.#random.pick(TTLS_S);
    const before = id === undefined ? undefined : this.oracle.promised.get(id);
    const isNew = id === undefined || !this.oracle.isStored(id);
    const request = { deviceId, type, input, ttlS, by: 'caller', ...(id !== undefined && { id }) };
    void this.#server?.commands?.request(request).then((command) => {
      const isSame = command.deviceId === deviceId && command.type === type;
      const isKnown = before === undefined || command.order === before.order;
      this.judge.check(isSame && isKnown, 'idempotent', () => `${command.id} is another command than was asked for`);
      this.oracle.settled(command, isNew);
    }, refused);
  }

  #register(id: string): void {
    this.#generations += 1;
    const device = registered(id, id.startsWith('cam') ? 'camera' : 'player');
    this.#registry.set(id, { device, generation: `g${this.#generations}` });
  }

  #enable(id: string): void {
    const found = this.#registry.get(id);
    if (found === undefined) this.#register(id);
    else this.#registry.set(id, { ...found, device: { ...found.device, enabled: true } });
    this.#server?.deviceChanged(id);
  }

  #changeDevice(id: string): void {
    const found = this.#registry.get(id);
    const what = this.#random.weighted({ enable: 3, disable: 1, replace: 1 });
    this.tell(`${id}: ${what}`);
    if (what === 'enable' || found === undefined) this.#enable(id);
    else if (what === 'replace') this.#register(id);
    else this.#registry.set(id, { ...found, device: { ...found.device, enabled: false } });
    this.#server?.deviceChanged(id);
  }
}

/** A request may be refused; nothing was stored then. Whatever else goes wrong escapes. */
function refused(error: unknown): void {
  if ((error as Error).name !== 'DeviceError') throw error;
}
