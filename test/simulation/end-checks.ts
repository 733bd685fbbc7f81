/** What has to hold when everything has come to rest, and when all have gone. */
import { keyOf, sayExpectation, sayMessage } from './expectation.ts';
import { lostOf, lostOfGroups } from './lost-deliveries.ts';
import type { Observer } from './observer.ts';
import { SWEEP_SLACK_MS } from './oracle.ts';
import type { OracleSession } from './oracle-session.ts';
import type { World } from './world.ts';

/** All are back, and everything that was to arrive has. */
export function checkRest(world: World): void {
  for (const client of world.clients)
    world.judge.check(
      client.clientId === '' || (client.isConnected && client.isIdle),
      'rest',
      () => `"${client.clientId}" has ${client.unfinished}, ${client.isConnected ? 'connected' : 'not connected'}`,
    );
  for (const observer of world.observers.values())
    world.judge.check(
      !observer.isOpen || observer.owed.length === 0,
      'answers-in-order',
      () => `${observer.label} is still owed ${observer.owed.join(', ')}`,
    );
  checkArrivals(world);
  checkRetained(world);
  checkMetrics(world);
  let isHeld = false;
  for (const session of world.broker.sessionsById.values()) {
    isHeld ||= session.queuedMessages > 0 || session.will !== undefined;
    const isIdle =
      isOrphan(world, session.clientId) || (session.queuedMessages === 0 && session.inflightMessages === 0);
    world.judge.check(
      isIdle,
      'rest',
      () => `"${session.clientId}" has ${session.queuedMessages} queued, ${session.inflightMessages} in flight`,
    );
  }
  if (isHeld) return;
  world.judge.check(
    world.broker.pressure.heldBytes === 0,
    'held-bytes',
    () => `${world.broker.pressure.heldBytes} bytes are held and every queue is empty`,
  );
}

/** The client never learnt this identifier, or goes by another one now: nobody comes back to the session. */
export function isOrphan(world: World, clientId: string): boolean {
  return !world.clients.some((client) => client.clientId === clientId);
}

function checkArrivals(world: World): void {
  const { metrics } = world.broker;
  let allowance = world.droppedBefore + metrics.messagesDroppedQueueFull;
  for (const session of world.oracle.sessions.values()) {
    if (isOrphan(world, session.name.text)) continue;
    for (const one of lostOf(session, world.time.nowMs())) {
      if (one.state === 'due' && allowance > 0) allowance -= 1;
      else world.judge.broken('acknowledged-arrives', `"${session.name.text}" did not get ${sayExpectation(one)}`);
    }
    for (const one of session.all())
      if (one.qos === 2 && one.state === 'done' && one.arrivals > 1)
        world.judge.broken('exactly-once', `${sayExpectation(one)} arrived ${one.arrivals} times`);
  }
  for (const group of lostOfGroups(world.oracle.groups.byKey, world.time.nowMs())) {
    if ([...group.members.keys()].some((member) => isOrphan(world, (member as OracleSession).name.text))) continue;
    if (allowance > 0) allowance -= 1;
    else
      world.judge.broken(
        'acknowledged-arrives',
        `no member of "${group.filter}" (${[...group.members.keys()].map((member) => (member as OracleSession).name.text)}) got ${sayMessage(group.said)}`,
      );
  }
}

function checkRetained(world: World): void {
  const unswept = world.oracle.retained.forgetExpired(world.time.nowMs(), SWEEP_SLACK_MS);
  const { retained } = world.broker;
  for (const [topic, said] of world.oracle.retained.messages) {
    const kept = retained.get(topic);
    const isSame = kept !== undefined && Buffer.compare(kept.payload, said.payload) === 0 && kept.qos === said.qos;
    world.judge.check(
      isSame,
      'retained',
      () =>
        `"${topic}" holds ${kept === undefined ? 'nothing' : keyOf(topic, kept.payload)} where ${sayMessage(said)} is right`,
    );
  }
  world.judge.check(
    retained.count >= world.oracle.retained.messages.size &&
      retained.count <= world.oracle.retained.messages.size + unswept,
    'retained',
    () => `${retained.count} retained messages where ${world.oracle.retained.messages.size} are right`,
  );
}

function checkMetrics(world: World): void {
  const { metrics } = world.broker;
  const { observers, packetsHandled } = world.process;
  const sum = (of: (observer: Observer) => number) => observers.reduce((total, observer) => total + of(observer), 0);
  const equal = (name: string, counted: number, outside: number) =>
    world.judge.check(counted === outside, 'metrics', () => `${name} is ${counted}, outside ${outside} were counted`);
  equal('connectionsAccepted', metrics.connectionsAccepted, observers.length);
  equal('packetsReceived', metrics.packetsReceived, packetsHandled);
  equal(
    'messagesReceived',
    metrics.messagesReceived,
    sum((observer) => observer.publishesHandled),
  );
  const sent = sum((observer) => observer.packetsSent);
  world.judge.check(
    metrics.packetsSent >= sent,
    'metrics',
    () => `packetsSent is ${metrics.packetsSent}, outside ${sent} were counted`,
  );
  const sessions = [...world.oracle.sessions.values()];
  equal('sessions', world.broker.sessionsById.size, sessions.length);
  equal(
    'subscriptions',
    world.broker.router.size,
    sessions.reduce((total, session) => total + session.subscriptions.size, 0),
  );
  equal(
    'connections',
    [...world.broker.connections].filter(({ state }) => state === 'open').length,
    observers.filter((observer) => observer.isOpen).length,
  );
}

/** All have gone for good. */
export function checkNothingLeft(world: World): void {
  const { broker } = world;
  const left = {
    connections: broker.connections.size,
    'bytes held': broker.pressure.heldBytes,
    'bytes in outboxes': broker.pool.waitingBytes,
    'uncommitted writes': world.process.uncommitted.size,
    sessions: broker.sessionsById.size,
    subscriptions: broker.router.size,
  };
  for (const [what, count] of Object.entries(left))
    world.judge.check(count === 0, 'held-bytes', () => `${count} ${what} are left when all have gone`);
  world.followed.checkNoneOpen();
}
