/** Shows that the server closes the connection on a wrong packet of MQTT 5.0, and with no code but the fitting ones. */

import type { Scene } from './harness.ts';
import { dump } from './parser.ts';
import type { ConnectOptions } from './raw-client.ts';
import * as wire from './wire.ts';

/**
 * Sends `packet` on a connected connection of 5.0 and waits for the close; a DISCONNECT before it has one of `codes`.
 * Returns that code, or undefined if none was sent.
 */
export async function rejects(
  scene: Scene,
  packet: Uint8Array,
  codes: readonly number[],
  options: ConnectOptions = {},
): Promise<number | undefined> {
  const client = await scene.connect(5, options);
  client.send(packet);
  return client.expectClose(codes).catch((error: Error) => {
    throw new Error(`after sending\n${dump(packet)}\n${error.message}`);
  });
}

/** Sends `packet` as the first one and waits for the close; a CONNACK before it has one of `codes`, which is returned. */
export async function refuses(
  scene: Scene,
  packet: Uint8Array | ConnectOptions,
  codes: readonly number[],
): Promise<number | undefined> {
  const bytes =
    packet instanceof Uint8Array ? packet : wire.connect({ version: 5, clientId: scene.name('r'), ...packet });
  const client = await scene.open(5);
  client.send(bytes);
  return client.expectClose(codes).catch((error: Error) => {
    throw new Error(`after sending\n${dump(bytes)}\n${error.message}`);
  });
}

/** Runs `check` for every item, at most 16 at a time, and rejects with the first five failures after the last one. */
export async function each<Item>(items: Iterable<Item>, check: (item: Item) => Promise<unknown>): Promise<void> {
  const left = [...items];
  const total = left.length;
  const failures: Error[] = [];
  const worker = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) {
      await check(item).catch((error: Error) => failures.push(error));
    }
  };
  await Promise.all(Array.from({ length: 16 }, worker));
  if (failures.length === 0) return;
  const texts = failures.slice(0, 5).map((error) => error.message);
  throw new Error(`${failures.length} of ${total} cases failed\n${texts.join('\n')}`);
}
