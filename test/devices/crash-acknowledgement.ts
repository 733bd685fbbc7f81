/** A player that says of its commands that they are done: what it was told has arrived no crash may undo. */
import { once } from 'node:events';
import type { RawClient } from '../conformance/raw-client.ts';
import { type Check, type Deed, made, tlsClient } from './crash-devices.ts';
import type { FleetProcess } from './fleet-process.ts';

/** A player with commands that it has received, and has not said anything of. */
export interface Player {
  readonly client: RawClient;
  readonly gone: Promise<undefined>;
  readonly doneTopic: string;
  readonly commandIds: readonly string[];
}

/** Undefined: the server was gone. */
export async function playerWithCommands(server: FleetProcess, id: string, count: number): Promise<Player | undefined> {
  const issued = await made(server, id, 'player', 'certificates');
  const client = issued && (await tlsClient(server, id, issued));
  if (client === undefined) return undefined;
  const commandIds: string[] = [];
  // Whoever waits for the server need not do so when it is gone.
  const gone = once(client.socket, 'close').then(
    () => undefined,
    () => undefined,
  );
  try {
    await client.subscribe([`player/${id}/command`, 1]);
    for (let n = 0; n < count; n++) {
      const asked = await server.tryAsk('POST', `/api/v1/devices/${id}/commands/show`, { input: 'x' });
      if (asked?.status !== 202) return undefined;
      const received = await Promise.race([client.receive(), gone]);
      if (received === undefined) return undefined;
      commandIds.push(JSON.parse(received.payload.toString()).id);
    }
    return { client, gone, doneTopic: `player/${id}/done`, commandIds };
  } catch {
    return undefined;
  }
}

/** What has to hold of commands of which the player was told that its word has arrived. */
export function heardIsKept(heard: readonly string[]): Check {
  return async (server) => {
    for (const id of heard) {
      const { state } = await server.done('GET', `/api/v1/commands/${id}`);
      if (state !== 'acknowledged') return `the device was told that ${id} is done, and it is ${state}`;
    }
    return undefined;
  };
}

export const acknowledges: Deed = async (server, id) => {
  const player = await playerWithCommands(server, id, 1);
  if (player === undefined) return undefined;
  const { client, gone, doneTopic, commandIds } = player;
  const payload = JSON.stringify({ id: commandIds[0] });
  const said = client.deliver({ topic: doneTopic, payload, qos: 1 }).catch(() => undefined);
  const code = await Promise.race([said, gone]);
  client.cut();
  return heardIsKept(code === 0 ? commandIds : []);
};
