/** The public names of `@dunlin/client` in browsers and their workers. */

import { clientsOn } from './create-client.ts';
import { dialBrowser } from './dial-browser.ts';
import { PAGE } from './environment-browser.ts';

export * from './names.ts';

/** See `clientsOn`; by `ws:` and `wss:`. */
export const { createClient, connect } = /* @__PURE__ */ clientsOn({ dial: dialBrowser, environment: PAGE });
