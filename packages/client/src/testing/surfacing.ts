/** What surfaces as uncaught while a test runs something. */

/** The texts of the errors that surface in the turn of `run`, and in the one behind it. */
export async function surfacing(run: () => void): Promise<unknown[]> {
  const caught: unknown[] = [];
  const before = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (error) => void caught.push(error.message));
  run();
  await new Promise(setImmediate);
  process.removeAllListeners('uncaughtException');
  for (const listener of before) process.on('uncaughtException', listener);
  return caught;
}
