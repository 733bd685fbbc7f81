/** Closing many things, where one that cannot be closed keeps none of the others open. */

/** Closes all at once. Settles when each is done. @throws what the first of them threw */
export async function closeTogether(closings: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(closings)).find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

/** Takes one step after the other, also behind one that fails. @throws what the first to fail threw */
export async function closeInTurn(steps: readonly (() => Promise<void> | undefined)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}
