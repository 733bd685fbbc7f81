/** The public names of `@dunlin/client` in browsers and their workers: those of Node, but for what makes clients. */

import { clientsOn } from './create-client.ts';
import { dialBrowser } from './dial-browser.ts';
import { debugNames, PAGE } from './environment-browser.ts';

export { Client } from './client.ts';
export { SYSTEM } from './environment.ts';
export { MqttError, reasonCodeOfReturnCode } from './errors.ts';
export type * from './public-types.ts';
export { describeReason } from './reason-words.ts';
export { ReceivedMessage } from './received-message.ts';
export { Subscription } from './subscription.ts';

/** See `clientsOn`; by `ws:` and `wss:`. */
export const { createClient, connect } = /* @__PURE__ */ clientsOn({
  dial: dialBrowser,
  environment: PAGE,
  debugNames,
});
