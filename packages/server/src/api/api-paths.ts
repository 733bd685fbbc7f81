/** What is the API's of all that may be asked at a listener. */

const PATHS = /^\/(?:api|crl|ocsp|claim)(?:[/?]|$)/;
const PAGES = /^\/claim(?:[/?]|$)/;

/** Whether the URL of a request is one that the API answers, be it that there is nothing. */
export function isApiUrl(url: string): boolean {
  return PATHS.test(url);
}

/** Whether people see the answer, as a page. */
export function isPageUrl(url: string): boolean {
  return PAGES.test(url);
}
