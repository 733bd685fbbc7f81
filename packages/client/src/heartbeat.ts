/** Drives the Keep Alive of one connection with the timers of the environment. */

import type { Connection } from './connection.ts';
import type { Environment } from './environment.ts';
import { MqttError } from './errors.ts';
import { KeepAlive } from './keep-alive.ts';

/**
 * Pings the server when the connection is idle, and tells `dead` when it does not answer; the function returned ends it.
 *
 * `keepAlive` in seconds, 0: nothing is done.
 */
export function heartbeat(
  connection: Connection,
  environment: Environment,
  keepAlive: number,
  pingTimeoutMs: number,
  dead: (error: MqttError) => void,
): () => void {
  const watch = new KeepAlive(keepAlive, pingTimeoutMs, environment.nowMs());
  let cancel = (): void => {};
  let isStopped = false;
  const check = (): void => {
    let now = watch.check(environment.nowMs());
    if (now.step === 'ping') {
      connection.send({ type: 'pingreq' });
      // PINGREQ may be more than the server takes, which ends the connection.
      if (isStopped) return;
      now = watch.check(environment.nowMs());
    }
    if (now.step === 'dead') {
      const message = `The server does not answer: nothing came within ${pingTimeoutMs} ms of PINGREQ`;
      dead(new MqttError('connection-lost', message));
    } else if (now.step === 'wait' && now.ms !== Number.POSITIVE_INFINITY) {
      cancel = environment.setTimer(now.ms, check);
    }
  };
  connection.keepAlive = watch;
  check();
  return () => {
    isStopped = true;
    cancel();
  };
}
