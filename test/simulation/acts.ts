/**
 * The three acts of a world. In the first the clients do as they like and the network has accidents. In the second
 * everything is made whole and every client comes back, so that what is still to be delivered is. In the third all say
 * goodbye for good, and nothing may be left.
 */
import type { ConnectPacket, Properties } from '@dunlin/protocol';
import { checkNothingLeft, checkRest, isOrphan } from './end-checks.ts';
import { checkLive } from './live-checks.ts';
import { SWEEP_SLACK_MS } from './oracle.ts';
import { type Numbering, Script } from './script.ts';
import { ScriptedClient } from './scripted-client.ts';
import type { World } from './world.ts';

const FIRST_ACT_MS = 30_000;
/** Longer than a connection without CONNECT may last. */
const GOODBYE_MS = 12_000;
const SETTLE_STEP_MS = 3000;
const SETTLE_MAX_MS = 600_000;
const SWEEP_MS = 250;

export class Acts {
  readonly #world: World;
  readonly #scripts: Script[] = [];
  readonly #numbering: Numbering = { next: 1 };

  constructor(world: World) {
    this.#world = world;
  }

  /** Settles when the world is over; the first violation ends it early. */
  async run(): Promise<void> {
    const world = this.#world;
    await world.broker.start();
    world.time.every(SWEEP_MS, () => checkLive(world));
    this.#populate();
    this.#dialInSilence();
    const durationMs = world.options.durationMs ?? FIRST_ACT_MS;
    world.expectMisfortune(durationMs);
    const clientIds = () => world.clients.map(({ clientId }) => clientId).filter((clientId) => clientId !== '');
    world.followed.begin(clientIds, world.character.paceMs, world.time.nowMs() + durationMs);
    await this.#pass(durationMs);
    while (world.process.isOver && world.judge.violation === undefined) await this.#pass(SETTLE_STEP_MS);
    if (world.judge.violation !== undefined) return;
    for (const script of this.#scripts) script.stop();
    if (world.character.stopsEarly) {
      await this.#stopEarly();
      return;
    }
    for (const observer of world.observers.values()) observer.link.cut();
    for (const client of world.clients) this.#return(client);
    await this.#settle();
    if (world.judge.violation !== undefined) return;
    checkRest(world);
    await this.#sayGoodbye();
    if (world.judge.violation !== undefined) return;
    checkNothingLeft(world);
    await world.broker.stop();
  }

  async #pass(durationMs: number): Promise<void> {
    await this.#world.time.pass(durationMs, () => this.#world.judge.violation !== undefined);
  }

  /** The broker stops in the middle of everything: all are told, nothing stays open, all that was written is kept. */
  async #stopEarly(): Promise<void> {
    let isStopped = false;
    this.#world.isStopping = true;
    const stopped = this.#world.broker.stop().then(() => {
      isStopped = true;
    });
    this.#world.time.hasPromises = true;
    await this.#pass(GOODBYE_MS);
    this.#world.judge.check(isStopped, 'rest', () => 'the broker does not stop');
    if (!isStopped) return;
    await stopped;
    const left = {
      connections: this.#world.broker.connections.size,
      'uncommitted writes': this.#world.process.uncommitted.size,
      'bytes in outboxes': this.#world.broker.pool.waitingBytes,
    };
    for (const [what, count] of Object.entries(left))
      this.#world.judge.check(count === 0, 'held-bytes', () => `${count} ${what} are left when the broker has stopped`);
    this.#world.followed.checkNoneOpen();
  }

  /** Somebody connects and says nothing: the broker hangs up in time. */
  #dialInSilence(): void {
    if (!this.#world.random.chance(0.2)) return;
    const { client } = this.#world.dial();
    let isClosed = false;
    client.open({
      received: () => {},
      ended: () => client.close(),
      drained: () => {},
      closed: () => {
        isClosed = true;
      },
    });
    const { connectTimeoutMs } = this.#world.limits;
    this.#world.time.after(connectTimeoutMs + SWEEP_SLACK_MS, () =>
      this.#world.judge.check(
        isClosed,
        'limits',
        () => `a connection without CONNECT lasts longer than ${connectTimeoutMs} ms`,
      ),
    );
  }

  /** Until nothing is under way any more, and still is not a little later. */
  async #settle(): Promise<void> {
    let settled = 0;
    for (let passedMs = 0; passedMs < SETTLE_MAX_MS && settled < 2; passedMs += SETTLE_STEP_MS) {
      for (const client of this.#world.clients) if (client.link === undefined) this.#return(client);
      await this.#pass(SETTLE_STEP_MS);
      if (this.#world.judge.violation !== undefined) return;
      settled = this.#isSettled ? settled + 1 : 0;
    }
  }

  get #isSettled(): boolean {
    const isBusy = this.#world.clients.some(
      (client) => client.clientId !== '' && !(client.isConnected && client.isIdle),
    );
    if (isBusy) return false;
    for (const { clientId } of this.#world.clients) {
      const session = this.#world.broker.sessionsById.get(clientId);
      if (session !== undefined && (session.queuedMessages > 0 || session.inflightMessages > 0)) return false;
    }
    return this.#world.broker.pool.waitingBytes === 0 && this.#world.process.uncommitted.size === 0;
  }

  #populate(): void {
    const { clients, paceMs, payloadMax, floods, isExpiryCapped } = this.#world.character;
    for (let number = 1; number <= clients; number++) {
      const random = this.#world.random.fork();
      const version = random.pick([isExpiryCapped ? 4 : 3, 4, 4, 5, 5, 5] as const);
      const clientId = version === 5 && random.chance(0.1) ? '' : `client-${number}`;
      const client = new ScriptedClient(clientId, version, random, this.#world, floods ? 400 : 12);
      const script = new Script(client, this.#world.time, { paceMs, payloadMax, floods }, this.#numbering);
      this.#world.clients.push(client);
      this.#scripts.push(script);
      script.start();
    }
  }

  /** Every client comes back to its session, whatever became of its last connection, and reads. */
  #return(client: ScriptedClient): void {
    if (client.clientId === '') return;
    client.abandon();
    client.catchUp();
    client.connect(connectPacket(client, client.owesCleanStart, { sessionExpiryInterval: 600 }));
  }

  async #sayGoodbye(): Promise<void> {
    const leaving = this.#world.clients.filter(({ clientId }) => clientId !== '');
    for (const { clientId } of this.#world.broker.sessionsById.values())
      if (isOrphan(this.#world, clientId))
        leaving.push(new ScriptedClient(clientId, 5, this.#world.random.fork(), this.#world, 1));
    for (const client of leaving) {
      client.abandon();
      client.connect(connectPacket(client, true, {}));
    }
    await this.#pass(GOODBYE_MS);
    for (const client of leaving) client.disconnect(0, undefined);
    await this.#pass(GOODBYE_MS);
  }
}

function connectPacket(client: ScriptedClient, cleanStart: boolean, properties: Properties): ConnectPacket {
  const { version, clientId } = client;
  return {
    type: 'connect',
    protocolVersion: version,
    bridge: false,
    clientId,
    cleanStart,
    keepAlive: 0,
    properties: version === 5 ? properties : {},
  };
}
