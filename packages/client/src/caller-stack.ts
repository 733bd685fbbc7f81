/**
 * Whose call it was that failed. An error of the network is made by what the event loop calls, so its stack has no line of the
 * application; the frames of the call are added to it. Only in Node: a page has no bytes for it.
 */

/**
 * Settles as the promise does. To the stack of an `Error` that it rejects with the frames are added from which `call` was
 * called, once.
 */
export async function withCaller<Value>(call: (...given: never[]) => unknown, promise: Promise<Value>): Promise<Value> {
  const caller = { stack: '' };
  Error.captureStackTrace(caller, call);
  try {
    return await promise;
  } catch (error) {
    const [, ...frames] = caller.stack.split('\n');
    const isThere = frames.length === 0 || (error instanceof Error && error.stack?.includes(frames[0]));
    if (error instanceof Error && !isThere) error.stack = [error.stack, ...frames].join('\n');
    throw error;
  }
}
