/** What commands live in, for the tests beside them: two types of devices, a broker in memory, time in hand. */
import type { Command } from '../commands/command.ts';
import { Commands } from '../commands/commands.ts';
import type { Device } from '../device.ts';
import type { CommandForm, DeviceType } from '../device-type.ts';
import type { DeviceEvent, DeviceEventName } from '../events.ts';
import type { CommandLimits } from '../limits/command-limits.ts';
import type { Tables } from '../ports.ts';
import { Connections } from '../presence/connections.ts';
import { DeviceTypes } from '../registry/types.ts';
import { TestClock, turns } from './clock.ts';
import { MemoryBroker } from './memory-broker.ts';
import { MemoryTables } from './registry.ts';
import { deviceType } from './types.ts';

const wake: CommandForm = {
  topic: 'things/{attr.thing}/message',
  payload: { id: '{commandId}', type: 'wake', at: '{nowS}' },
  inputSchema: undefined,
  ttlS: 60,
  qos: 1,
  acknowledgement: undefined,
};
const ring: CommandForm = { ...wake, supersedes: true };
const show: CommandForm = {
  topic: 'player/{deviceId}/command',
  payload: { id: '{commandId}', show: '{input.artwork}' },
  inputSchema: { type: 'object', properties: { artwork: { type: 'string' } }, required: ['artwork'] },
  ttlS: 600,
  qos: 1,
  acknowledgement: {
    topic: 'player/{deviceId}/done',
    id: '/id',
    failure: { pointer: '/result', values: ['failed', { code: 7 }] },
  },
};
const reset: CommandForm = {
  ...show,
  payload: { id: '{commandId}' },
  inputSchema: undefined,
  acknowledgement: { topic: 'player/{deviceId}/reset/{commandId}/done', id: undefined, failure: undefined },
};

const presence = { topic: 'presence/{deviceId}' };

export const TYPES: readonly DeviceType[] = [
  deviceType({ name: 'camera', requiredAttributes: ['thing'], presence, commands: { wake, sleep: wake, ring } }),
  deviceType({ name: 'player', presence, commands: { show, reset } }),
];

export function device(id: string, typeName: string): Device {
  return {
    ...{ id, type: typeName, name: '', attributes: { thing: `t-${id}` }, groups: ['all'], owner: undefined },
    ...{ enabled: true, authority: undefined, createdAtMs: 0, changedAtMs: 0 },
  };
}

export class CommandWorld {
  readonly clock = new TestClock();
  readonly tables: Tables;
  readonly types = new DeviceTypes(TYPES);
  readonly devices = new Map(
    [device('cam1', 'camera'), device('cam2', 'camera'), device('pix1', 'player'), device('pix2', 'player')].map(
      (each) => [each.id, each],
    ),
  );
  readonly events: DeviceEvent[] = [];
  broker = new MemoryBroker();
  connections = new Connections();
  /** Happens before each look into the registry. */
  beforeLookup: () => Promise<unknown> | undefined = () => undefined;
  /** Of every device. */
  generation = 'g1';
  #ids = 0;
  #connection = 0;

  constructor(tables: Tables = new MemoryTables()) {
    this.tables = tables;
  }

  /** A service, as after a start of the process: nobody is connected. */
  open(limits: Partial<CommandLimits> = {}): Promise<Commands> {
    this.broker = new MemoryBroker();
    this.connections = new Connections();
    return Commands.open({
      ...{ tables: this.tables, clock: this.clock, types: this.types, broker: this.broker, limits },
      connections: this.connections,
      tell: (event) => this.events.push(event),
      newId: () => `id${++this.#ids}`,
      lookup: async (deviceId) => {
        await this.beforeLookup();
        const found = this.devices.get(deviceId);
        return found && { device: found, generation: this.generation, type: this.types.get(found.type) };
      },
    });
  }

  /** The device connects and is subscribed to its topic at this QoS; not at all where it is undefined. */
  async connect(deviceId: string, qos?: 0 | 1): Promise<void> {
    const filter = deviceId.startsWith('cam') ? `things/t-${deviceId}/message` : `player/${deviceId}/command`;
    this.broker.connect(deviceId, qos === undefined ? {} : { [filter]: qos });
    this.#connection += 1;
    this.connections.take({
      ...{ kind: 'connected', deviceId, clientId: deviceId, connection: String(this.#connection) },
      ...{ address: '127.0.0.1:1', listener: 'tcp', protocolVersion: 4 },
    });
    await turns();
  }

  async disconnect(deviceId: string): Promise<void> {
    this.broker.disconnect(deviceId);
    for (const { connection, clientId } of [...this.connections.of(deviceId)])
      this.connections.take({ kind: 'disconnected', deviceId, clientId, connection, reason: 'gone' });
    await turns();
  }

  /** Ids of the commands that were sent, in order. */
  get sentIds(): readonly string[] {
    return this.broker.sent.map(({ payload }) => JSON.parse(new TextDecoder().decode(payload)).id);
  }

  named(name: DeviceEventName): readonly DeviceEvent[] {
    return this.events.filter((event) => event.name === name);
  }
}

/** A command, for tests of what is pure. */
export function command(fields: Partial<Command> = {}): Command {
  return {
    ...{
      id: 'c1',
      deviceId: 'cam1',
      generation: 'g1',
      type: 'wake',
      input: undefined,
      by: 'test',
      batchId: undefined,
      order: 1,
    },
    ...{ state: 'queued', confirmed: false, awaitsAcknowledgement: false, attempts: 0, why: '' },
    ...{ requestedAtMs: 1_000, expiresAtMs: 61_000, sentAtMs: undefined, endedAtMs: undefined },
    ...fields,
  };
}
