/** Turns an operation of the session into a promise which always settles: by its answer, a time-out or an abort. */

import { MqttError, mqttError } from './errors.ts';
import type { Settle } from './session.ts';

/** The caller's bounds of one operation. */
export interface OperationOptions {
  /** Rejects with 'aborted'. What was sent already goes on at the server; a publish that waits is not sent. */
  readonly signal?: AbortSignal | undefined;
  /** Rejects with 'timed-out' after so many milliseconds, otherwise as an abort. Default: `operationTimeoutMs`. */
  readonly timeoutMs?: number | undefined;
}

/**
 * Starts the operation and settles as `settle` is told, or as the bounds say, whichever is first.
 *
 * `attempt` begins the error texts, such as `Cannot publish to "a"`. What `start` throws rejects. The function that it
 * returns is called where a bound was first.
 */
export function operation<Result>(
  attempt: string,
  { signal, timeoutMs = Number.POSITIVE_INFINITY }: OperationOptions,
  start: (settle: Settle<Result>) => () => void,
): Promise<Result> {
  if (signal?.aborted) return Promise.reject(aborted(attempt, signal));
  if (signal === undefined && timeoutMs === Number.POSITIVE_INFINITY) {
    return new Promise((resolve, reject) => {
      begin(start, { resolve, reject: (error) => reject(mqttError(error)) });
    });
  }
  return new Promise((resolve, reject) => {
    let isSettled = false;
    let cancel = (): void => {};
    let timer: ReturnType<typeof setTimeout> | undefined;
    const settled = (): void => {
      isSettled = true;
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
    const giveUp = (error: MqttError): void => {
      settled();
      cancel();
      reject(error);
    };
    const onAbort = (): void => giveUp(aborted(attempt, signal));
    cancel = begin(start, {
      resolve: (result) => {
        settled();
        resolve(result);
      },
      reject: (error) => {
        settled();
        reject(mqttError(error));
      },
    });
    if (isSettled) return;
    signal?.addEventListener('abort', onAbort);
    if (timeoutMs === Number.POSITIVE_INFINITY) return;
    timer = setTimeout(() => giveUp(timedOut(attempt, timeoutMs)), timeoutMs);
  });
}

/** What `start` throws is how the operation came out. */
function begin<Result>(start: (settle: Settle<Result>) => () => void, settle: Settle<Result>): () => void {
  try {
    return start(settle);
  } catch (error) {
    settle.reject(error as Error);
    return () => {};
  }
}

/** The error of an abort; the signal's reason is its cause. */
export function aborted(attempt: string, signal: AbortSignal | undefined): MqttError {
  return new MqttError('aborted', `${attempt}: aborted`, { cause: signal?.reason });
}

/** The error of a time-out. */
export function timedOut(attempt: string, timeoutMs: number): MqttError {
  return new MqttError('timed-out', `${attempt}: no answer within ${timeoutMs} ms`);
}
