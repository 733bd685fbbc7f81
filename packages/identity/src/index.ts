/** What the package offers: methods of authentication, and rules of what a client may do. */

export type { Method } from './method.ts';
