/** What a session leaves behind when it ends: what shared subscriptions gave it, for another member of each. */
import { type Entry, mayHandOver } from './entry.ts';
import type { Inflight } from './inflight.ts';
import type { Queue } from './queue.ts';

export interface Remains {
  /** For another member: QoS 1 in flight and all that waited; never a QoS 2 message that was sent [MQTT-4.8.2-5]. */
  readonly handOver: readonly Entry[];
  /** The store alone has more of that, to be read page by page; undefined where it has not. */
  readonly rest: Queue | undefined;
  /** Messages that nobody gets. */
  readonly dropped: number;
}

/** Takes apart what a session had under way and what waited; neither can be used any more, except for `rest`. */
export function remainsOf(inflight: Inflight | undefined, queue: Queue | undefined): Remains {
  const handOver: Entry[] = [];
  let dropped = queue?.pagedOwn ?? 0;
  for (const { qos, item } of inflight?.end() ?? []) {
    if (qos === 1 && item.share !== undefined) handOver.push(item);
    else dropped += 1;
  }
  for (const entry of queue?.waiting() ?? []) {
    if (mayHandOver(entry)) handOver.push(entry);
    else dropped += 1;
  }
  const rest = queue?.hasPagedShares === true ? queue : undefined;
  if (rest === undefined) queue?.clear();
  else rest.clearMemory();
  return { handOver, rest, dropped };
}
