/**
 * Path and query of a request, taken apart without the URL class: that one throws at addresses such as `//`, and takes the
 * first part of `//name/path` for a host. Pure; no text makes it fail.
 */

/** Path of a request's address, as it was sent; of an absolute address (`http://host/path`) what follows the host. */
export function requestPath(address: string): string {
  return withoutHost(address).split(/[?#]/, 1)[0] ?? '';
}

/** Parameters behind the first question mark. */
export function requestQuery(address: string): URLSearchParams {
  return new URLSearchParams(/\?([^#]*)/.exec(address)?.[1] ?? '');
}

function withoutHost(address: string): string {
  return address.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '');
}
