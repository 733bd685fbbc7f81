/**
 * Whether each device is there: stored, told as an event, and retained on the topic of its type.
 *
 * One device at a time goes through its states in order; what comes while one is being stored is taken together. A
 * connection is stored before it is published, and its end published before it is stored: wherever a crash falls, a device
 * that consumers believe to be connected is so in the table as well, and the next start puts it right.
 */
import { isDeepStrictEqual } from 'node:util';
import { type Awaitable, copyPlain, type Table, type TablePage, type Timer } from '@dunlin/broker';
import type { DeviceBroker, ServiceParts } from '../ports.ts';
import type { DeviceLookup } from '../registry/known-device.ts';
import type { Connected, ConnectionEvent, Connections } from './connections.ts';
import { Pace } from './pace.ts';
import { CONNECTED, PRESENCE_TABLE, type PresenceRecord, presenceMessage } from './presence-table.ts';

/** Devices that are put right at once, and records that are read at once. */
const PAGE = 100;
const PAGE_LIMIT_MAX = 1_000;
/** When what could not be stored or published is tried again. */
const RETRY_MS = 5_000;
/** Devices that come or go within so many milliseconds are stored and published together. */
const PACE_MS = 20;

export interface PresenceOptions extends ServiceParts {
  readonly broker: DeviceBroker;
  readonly connections: Connections;
  readonly lookup: DeviceLookup;
}

export interface PresenceList {
  /** Only those that are connected. */
  readonly connected: boolean;
  readonly cursor?: string;
  /** 1 to 1,000. */
  readonly limit: number;
}

type PresenceEvent =
  | Exclude<ConnectionEvent, { kind: 'subscribed' }>
  /** It was connected in this session when the server ended. */
  | { readonly kind: 'lost'; readonly session: number }
  /** The registry has another word about it, or what was not said is to be tried again. */
  | { readonly kind: 'looked-at' };

/** A device whose state is being stored and published. */
interface Lane {
  readonly deviceId: string;
  /** What has happened and is not in `state` yet. */
  readonly events: PresenceEvent[];
  /** What has to be stored and published; undefined where nothing is known of the device. */
  state: PresenceRecord | undefined;
  stored: PresenceRecord | undefined;
  /** What is stored was published. */
  isSaid: boolean;
  isLoaded: boolean;
  isOver: Promise<void>;
}

export class Presence {
  readonly #options: PresenceOptions;
  readonly #table: Table<PresenceRecord>;
  readonly #lanes = new Map<string, Lane>();
  /** Devices of which something was not stored or not published. */
  readonly #unsaid = new Map<string, PresenceRecord | undefined>();
  /** Devices that were removed; what is known of them goes when they are not connected any more, which is then told. */
  readonly #removed = new Map<string, PromiseWithResolvers<void>>();
  readonly #pace: Pace;
  readonly #timer: Timer;
  readonly #unlisten: () => void;
  #isEnding = false;
  #isClosed = false;

  constructor(options: PresenceOptions) {
    this.#options = options;
    this.#table = options.tables.table(PRESENCE_TABLE);
    this.#pace = new Pace(options.clock, PACE_MS);
    this.#unlisten = options.connections.listen((event) => {
      if (event.kind !== 'subscribed') this.#take(event.deviceId, event);
    });
    this.#timer = options.clock.every(RETRY_MS, () => {
      for (const deviceId of new Set([...this.#unsaid.keys(), ...this.#removed.keys()]))
        this.#take(deviceId, { kind: 'looked-at' });
    });
  }

  /** What is known of a device; undefined where it never came. */
  get(deviceId: string): Awaitable<PresenceRecord | undefined> {
    const record = this.#table.get(deviceId);
    return record instanceof Promise ? record.then((found) => found?.value) : record?.value;
  }

  async list({ connected, cursor, limit }: PresenceList): Promise<TablePage<PresenceRecord>> {
    return this.#table.scan({
      ...(connected && { index: 'connected', exact: CONNECTED }),
      ...(cursor !== undefined && { cursor }),
      limit: Math.min(Math.max(1, limit), PAGE_LIMIT_MAX),
    });
  }

  /**
   * Puts right what a crash left: devices that are connected in the table and not to this server are disconnected. In
   * slices, while devices connect already. Settles with their number.
   * @throws what the table throws
   */
  async correct(): Promise<number> {
    let devices = 0;
    let cursor: string | undefined;
    do {
      const page = await this.list({ connected: true, limit: PAGE, ...(cursor !== undefined && { cursor }) });
      const left = page.records.filter(({ key }) => !this.#options.connections.isConnected(key));
      await Promise.all(left.map(({ key, value }) => this.#take(key, { kind: 'lost', session: value.session })));
      devices += left.length;
      cursor = page.cursor;
      await new Promise<void>((resolve) => this.#options.clock.endOfTurn(resolve));
    } while (cursor !== undefined && !this.#isEnding);
    if (devices > 0) this.#options.tell({ name: 'presenceCorrected', devices });
    return devices;
  }

  /** The device was added or changed: its topic may be another one. Settles when the message stands there. */
  deviceChanged(deviceId: string): Promise<void> {
    return this.#take(deviceId, { kind: 'looked-at' });
  }

  /**
   * The device is not in the registry any more. What is known of it is forgotten, and taken from its topic, when its connections
   * have ended; settles then.
   */
  deviceRemoved(deviceId: string): Promise<void> {
    const forgotten = this.#removed.get(deviceId) ?? Promise.withResolvers<void>();
    this.#removed.set(deviceId, forgotten);
    void this.#take(deviceId, { kind: 'looked-at' });
    return forgotten.promise;
  }

  /**
   * The server ends: what a crash left is not put right any more. Settles when what was under way is stored and published, or
   * with `late`, which is told.
   */
  async settle(late: Promise<void>): Promise<void> {
    this.#isEnding = true;
    this.#pace.close();
    await Promise.race([late, this.#allOver()]);
    const devices = this.#lanes.size;
    if (devices === 0) return;
    const error = `Cannot say of ${devices} devices whether they are connected: that it takes less time is expected`;
    this.#options.tell({ name: 'deviceServiceFailed', error });
  }

  /** Settles when what was under way is stored and published. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#isEnding = true;
    this.#pace.close();
    this.#timer.cancel();
    this.#unlisten();
    await this.#allOver();
    await this.#table.close();
  }

  async #allOver(): Promise<void> {
    await Promise.all(Array.from(this.#lanes.values(), ({ isOver }) => isOver));
  }

  /** Settles when it is stored and published, or has failed. */
  #take(deviceId: string, event: PresenceEvent): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    const before = this.#lanes.get(deviceId);
    if (before !== undefined) {
      before.events.push(event);
      return before.isOver;
    }
    const lane: Lane = {
      ...{ deviceId, events: [event], state: undefined, stored: undefined },
      ...{ isSaid: false, isLoaded: false, isOver: Promise.resolve() },
    };
    this.#lanes.set(deviceId, lane);
    lane.isOver = this.#begun(event)
      .then(() => this.#follow(lane))
      .catch((error: unknown) => {
        // What is known in memory alone is kept until it is told.
        if (lane.isLoaded) {
          this.#number(lane);
          this.#unsaid.set(deviceId, lane.state);
        }
        this.#options.tell({ name: 'deviceServiceFailed', error: String(error) });
      })
      .finally(() => this.#leave(lane));
    return lane.isOver;
  }

  /** Settles when a lane may begin. Fleets come and go; what is done for one device alone is not held up. */
  #begun({ kind }: PresenceEvent): Promise<void> {
    if (kind !== 'connected' && kind !== 'disconnected') return Promise.resolve();
    return new Promise((resolve) => this.#pace.begin(resolve));
  }

  async #follow(lane: Lane): Promise<void> {
    const { deviceId } = lane;
    const stored = this.get(deviceId);
    lane.stored = stored instanceof Promise ? await stored : stored;
    lane.state = this.#unsaid.get(deviceId) ?? lane.stored;
    lane.isSaid = !this.#unsaid.delete(deviceId);
    lane.isLoaded = true;
    while (lane.events.length > 0) {
      this.#number(lane);
      if (lane.state === undefined) this.#forgotten(deviceId);
      else await this.#say(lane, lane.state);
    }
    // In the turn in which there was nothing more: what comes a moment later begins anew.
    this.#leave(lane);
  }

  #leave(lane: Lane): void {
    if (this.#lanes.get(lane.deviceId) === lane) this.#lanes.delete(lane.deviceId);
  }

  /** Stores and publishes the state, unless there is a newer one before it is published; forgets a device that is none any more. */
  async #say(lane: Lane, state: PresenceRecord): Promise<void> {
    const { deviceId, stored } = lane;
    const found = this.#options.lookup(deviceId);
    const known = found instanceof Promise ? await found : found;
    // Also where it came in the moment of its removal, so that nobody knew of it then: another device of this id begins anew.
    if (known === undefined && !state.connected) return this.#forget(lane);
    const values = known && { deviceId, attributes: known.device.attributes };
    const record = copyPlain({ ...state, topic: values && known.type?.presence?.fill(values) });
    if (lane.isSaid && isDeepStrictEqual(record, stored)) return;
    lane.isSaid = false;
    if (stored?.topic !== record.topic) await this.#publish(stored?.topic, new Uint8Array());
    // Its session is stored before anybody hears of it, so that no other one gets its number.
    if (record.connected || record.session !== stored?.session) {
      await this.#store(lane, { ...record, connected: true, disconnectedAtMs: undefined });
      if (lane.events.length > 0) return;
    }
    await this.#publish(record.topic, presenceMessage(record));
    if (!record.connected) await this.#store(lane, record);
    lane.isSaid = true;
  }

  async #forget(lane: Lane): Promise<void> {
    await this.#publish(lane.stored?.topic, new Uint8Array());
    await this.#table.delete(lane.deviceId);
    lane.state = undefined;
    lane.stored = undefined;
    this.#forgotten(lane.deviceId);
  }

  #forgotten(deviceId: string): void {
    this.#removed.get(deviceId)?.resolve();
    this.#removed.delete(deviceId);
  }

  async #store(lane: Lane, record: PresenceRecord): Promise<void> {
    const stored = copyPlain(record);
    await this.#table.put(lane.deviceId, stored);
    lane.stored = stored;
  }

  async #publish(topic: string | undefined, payload: Uint8Array): Promise<void> {
    if (topic !== undefined) await this.#options.broker.publish(topic, payload, { retain: true });
  }

  /** Brings what has happened into the state, in order; each connection gets the number of its session. */
  #number(lane: Lane): void {
    for (const event of lane.events.splice(0)) lane.state = this.#after(lane, event);
  }

  #after({ deviceId, state }: Lane, event: PresenceEvent): PresenceRecord | undefined {
    const { clock, tell, connections } = this.#options;
    const nowMs = clock.nowMs();
    switch (event.kind) {
      case 'connected': {
        const { clientId, address } = event;
        const session = (state?.session ?? 0) + 1;
        tell({ name: 'deviceConnected', deviceId, clientId, address, session });
        return { deviceId, connected: true, session, ...connectionFields(event, nowMs), topic: state?.topic };
      }
      case 'disconnected': {
        const { clientId, reason } = event;
        if (state === undefined) return undefined;
        tell({ name: 'deviceDisconnected', deviceId, clientId, reason, session: state.session });
        const other = [...connections.of(deviceId)].at(-1);
        // Another client of the same device is still there: it is the one that counts now.
        if (other !== undefined) return { ...state, clientId: other.clientId, address: other.address };
        return { ...state, connected: false, reason, disconnectedAtMs: nowMs, lastSeenAtMs: nowMs };
      }
      case 'lost':
        if (state?.session !== event.session || !state.connected || connections.isConnected(deviceId)) return state;
        return { ...state, connected: false, reason: 'the server ended', disconnectedAtMs: nowMs };
      default:
        return state && { ...state };
    }
  }
}

function connectionFields({ clientId, address, listener, protocolVersion }: Connected, nowMs: number) {
  const times = { connectedAtMs: nowMs, disconnectedAtMs: undefined, lastSeenAtMs: nowMs };
  return { clientId, address, listener, protocolVersion, reason: '', ...times };
}
