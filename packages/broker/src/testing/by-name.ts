/** For tests: lets everybody in under the name they give. */
import type { Authenticator } from '../ports.ts';

export const byName: Authenticator = {
  supports: () => false,
  authenticate: ({ connect }) => ({
    kind: 'accept',
    principal: {
      username: connect.username,
      attributes: {},
      certificateSerial: undefined,
      expiresAtMs: Number.POSITIVE_INFINITY,
    },
  }),
};
