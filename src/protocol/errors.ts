/** Coded errors of the wire: what a message or a request can be refused for. Shared by server, client and browser. */
import { errorFactory, sourceFails, wrongUse } from '../vocabulary/errors.js';

export const protocolError = errorFactory({
  ...wrongUse(400, {
    SONO_WIRE_GARBAGE:
      'A message could not be understood ({what}); it was ignored. Check that the viewer is up to date.',
    SONO_WIRE_SCHEMA:
      'A "{schema}" message could not be read; it was left out. Check that viewer and server are the same version.',
    SONO_REQUEST_INVALID: 'The request "{operation}" is not valid: {problem}. Correct it and try again.',
  }),
  ...wrongUse(404, {
    SONO_REQUEST_UNKNOWN:
      'The server does not offer "{operation}". Check that viewer and server are the same version.',
  }),
  ...sourceFails(500, {
    SONO_REQUEST_FAILED: 'The server could not do "{operation}": {message}',
  }),
  ...sourceFails(503, {
    SONO_CONNECTION_LOST:
      'The connection to the server was lost before it answered. Wait until it is back, then try again.',
    SONO_REQUEST_TIMEOUT: 'The server did not answer "{operation}" in time. Try again.',
  }),
});
