/** Devices by what the registry says of them and by whether they are connected, together. */
import type { Clock } from '@dunlin/broker';
import { boundedPage, type PageEnd } from './lists/bounded-page.ts';
import type { Presence } from './presence/presence.ts';
import type { PresenceRecord } from './presence/presence-table.ts';
import { type DeviceQuery, isWanted, type RegisteredDevice, type Registry } from './registry/registry.ts';

/** Of several conditions all have to hold. */
export interface SearchQuery extends DeviceQuery {
  /** As presence has stored it, which a moment after a device came or went it has. */
  readonly connected?: boolean;
}

export interface FoundDevice extends RegisteredDevice {
  /** Where the query has `connected`, and the device ever came. */
  readonly presence?: PresenceRecord | undefined;
}

export interface SearchPage extends PageEnd {
  /** In an order that stays. */
  readonly devices: readonly FoundDevice[];
}

export interface SearchParts {
  readonly registry: Pick<Registry, 'find' | 'get' | 'list'>;
  readonly presence: Pick<Presence, 'get' | 'list'>;
  readonly clock: Pick<Clock, 'endOfTurn'>;
}

/** A page of devices. @throws DeviceError 'invalid', 'cursor-invalid' */
export async function searchDevices(
  query: SearchQuery,
  { registry, presence, clock }: SearchParts,
): Promise<SearchPage> {
  const { connected, ...ofRegistry } = query;
  if (connected === undefined) return registry.list(ofRegistry);
  if (connected && !isNarrow(query)) {
    const { items, ...rest } = await boundedPage<PresenceRecord, FoundDevice>({
      ...{ clock, index: 'connected', cursor: query.cursor, limit: query.limit },
      scan: (limit, cursor) => presence.list({ connected, limit, ...(cursor !== undefined && { cursor }) }),
      async look({ key, value }) {
        const registered = await registry.get(key);
        return registered && isWanted(registered.device, query) ? { ...registered, presence: value } : undefined;
      },
    });
    return { devices: items, ...rest };
  }
  const { items, ...rest } = await registry.find<FoundDevice>(ofRegistry, async (registered) => {
    const found = await presence.get(registered.device.id);
    return (found?.connected === true) === connected ? { ...registered, presence: found } : undefined;
  });
  return { devices: items, ...rest };
}

/** Whether the registry finds few by itself, as a rule: fewer than are connected. */
function isNarrow({ attribute, owner, group, prefix, enabled }: SearchQuery): boolean {
  return [attribute, owner, group, prefix].some((condition) => condition !== undefined) || enabled === false;
}
