/** A wire that changes what passes, so that a good server looks like one that is not. */

import {
  decodeClientPacket,
  decodeServerPacket,
  encodePacket,
  FrameReader,
  type Packet,
  type ProtocolVersion,
} from '@dunlin/protocol';
import type { Wire, WireHandler } from '@dunlin/transport';

/** What becomes of a packet: itself, another one, none, or `end`: the server closes. */
export type Alter = (packet: Packet, answer: (packet: Packet) => void) => Packet | undefined | 'end';

/** Changes in both directions. */
export interface Alteration {
  readonly toServer?: Alter;
  readonly toClient?: Alter;
}

const same: Alter = (packet) => packet;

/** Wraps a wire of a client to a server. `answer` of `toServer` says something to the client in place of the server. */
export function alteringWire(wire: Wire, { toServer = same, toClient = same }: Alteration): Wire {
  let version: ProtocolVersion = 5;
  let handler: WireHandler | undefined;
  const fromClient = new FrameReader(300_000_000);
  const fromServer = new FrameReader(300_000_000);
  const send = (packet: Packet): void => handler?.received(Buffer.from(encodePacket(packet, version)));
  const end = (): void => {
    wire.destroy();
    setImmediate(() => handler?.ended());
  };
  return {
    peer: wire.peer,
    pendingBytes: 0,
    open: (owner) => {
      handler = owner;
      wire.open({
        received: (chunk) => {
          fromServer.push(chunk);
          while (fromServer.next()) {
            const { bytes, start, bodyStart, end: behind } = fromServer;
            const altered = toClient(decodeServerPacket(version, bytes, start, bodyStart, behind), send);
            if (altered === 'end') return end();
            if (altered !== undefined) send(altered);
          }
        },
        ended: () => owner.ended(),
        drained: () => owner.drained(),
        closed: (error) => owner.closed(error),
      });
    },
    write: (written) => {
      fromClient.push(written);
      while (fromClient.next()) {
        const { bytes, start, bodyStart, end: behind } = fromClient;
        const packet = decodeClientPacket(version, bytes, start, bodyStart, behind);
        if (packet.type === 'connect') version = packet.protocolVersion;
        const altered = toServer(packet, (answer) => setImmediate(() => send(answer)));
        if (altered === 'end') end();
        else if (altered !== undefined) wire.write(Buffer.from(encodePacket(altered, version)));
      }
      return true;
    },
    pause: () => wire.pause(),
    resume: () => wire.resume(),
    close: () => wire.close(),
    destroy: () => wire.destroy(),
  };
}
