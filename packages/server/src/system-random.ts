/** The Random of a real process. */
import { randomUUID } from 'node:crypto';
import type { Random } from '@dunlin/broker';

/** Identifiers of 122 random bits from the system's generator, as 32 hexadecimal digits. */
export const systemRandom: Random = {
  identifier: () => randomUUID().replaceAll('-', ''),
};
