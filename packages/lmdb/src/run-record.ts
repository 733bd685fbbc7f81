/**
 * What a run leaves in the store for the next one: whether it ended well, and under which boot of the machine.
 *
 * A run that did not flush may leave a file of which some pages reached the disk and others did not, if the machine
 * went down. Then the store must be checked before it is used.
 */
import { readFileSync } from 'node:fs';

export interface RunRecord {
  readonly durability: 'durable' | 'process';
  /** Empty where the system has none. */
  readonly bootId: string;
  readonly isClean: boolean;
}

/** Changes with each start of the machine; empty where the system does not tell. */
export function readBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}

/** Whether what this run left may be torn. */
export function mayBeTorn(former: RunRecord | undefined, bootId: string): boolean {
  if (former === undefined || former.isClean || former.durability === 'durable') return false;
  return bootId === '' || former.bootId !== bootId;
}
