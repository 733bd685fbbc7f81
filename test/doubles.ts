/** What the tests beside several packages use of the doubles that stand beside one: time, requests, tokens, a web server. */
export { TestClock } from '../packages/identity/src/testing/clock.ts';
export { brief, type TestCredentials, testRequest } from '../packages/identity/src/testing/request.ts';
export { signed } from '../packages/identity/src/testing/tokens.ts';
export { testWeb, until } from '../packages/identity/src/testing/web.ts';
