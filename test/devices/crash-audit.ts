/** What the audit log of a fleet has to say after its server was killed. */
import type { FleetProcess } from './fleet-process.ts';

interface Entry {
  readonly requestId: string;
  readonly after?: { readonly commandId?: string };
}

/**
 * Changes that were answered and have no entry, and commands that are there and have none: of those somebody may have waited
 * for the outcome when the server was killed.
 */
export async function withoutEntry(server: FleetProcess, commandIds: readonly string[]): Promise<string[]> {
  const requests = new Set<string>();
  const commands = new Set<string>();
  let cursor = '';
  do {
    const page = await server.done('GET', `/api/v1/audit?limit=1000${cursor && `&cursor=${cursor}`}`);
    for (const { requestId, after } of page.items as Entry[]) {
      requests.add(requestId);
      if (after?.commandId !== undefined) commands.add(after.commandId);
    }
    cursor = page.cursor ?? '';
  } while (cursor !== '');
  // Anybody may ask for a place: that is no change.
  const missing = [...server.changes]
    .filter(([requestId, what]) => !requests.has(requestId) && what !== 'POST /api/v1/claims')
    .map(([, what]) => what);
  for (const id of commandIds)
    if (!commands.has(id) && (await server.tryAsk('GET', `/api/v1/commands/${id}`))?.status === 200)
      missing.push(`the command ${id}`);
  return missing;
}
