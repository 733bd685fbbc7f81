/** Nothing may escape from a world: who sees to that runs it. */

/** Runs a world while whatever nobody caught is told to `escaped`. Settles when it is over. */
export async function withoutEscapes(run: () => Promise<void>, escaped: (text: string) => void): Promise<void> {
  const told = (error: unknown): void =>
    escaped(`an exception escaped: ${(error as Error | undefined)?.stack ?? String(error)}`);
  process.on('unhandledRejection', told).on('uncaughtException', told);
  try {
    await run();
  } catch (error) {
    told(error);
  } finally {
    process.off('unhandledRejection', told).off('uncaughtException', told);
  }
}
