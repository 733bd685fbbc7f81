/** What few clients do, as one part that is loaded when they first do it: requests and responses, and topic templates. */

export { Requester } from './requester.ts';
export { responder } from './responder.ts';
