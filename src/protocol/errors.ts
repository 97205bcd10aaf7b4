/** Coded errors of the wire: what a message or a request can be refused for. Shared by server, client and browser. */
import { errorFactory } from '../vocabulary/errors.js';

export const protocolError = errorFactory({
  SONO_WIRE_GARBAGE: {
    exitCode: 2,
    httpStatus: 400,
    sentence:
      'A message could not be understood ({what}); it was ignored. Check that the viewer is up to date.',
  },
  SONO_WIRE_SCHEMA: {
    exitCode: 2,
    httpStatus: 400,
    sentence:
      'A "{schema}" message could not be read; it was left out. Check that viewer and server are the same version.',
  },
  SONO_REQUEST_INVALID: {
    exitCode: 2,
    httpStatus: 400,
    sentence: 'The request "{operation}" is not valid: {problem}. Correct it and try again.',
  },
  SONO_REQUEST_FAILED: {
    exitCode: 3,
    httpStatus: 500,
    sentence: 'The server could not do "{operation}": {message}',
  },
  SONO_REQUEST_UNKNOWN: {
    exitCode: 2,
    httpStatus: 404,
    sentence: 'The server does not offer "{operation}". Check that viewer and server are the same version.',
  },
  SONO_CONNECTION_LOST: {
    exitCode: 3,
    httpStatus: 503,
    sentence:
      'The connection to the server was lost before it answered. Wait until it is back, then try again.',
  },
  SONO_REQUEST_TIMEOUT: {
    exitCode: 3,
    httpStatus: 503,
    sentence: 'The server did not answer "{operation}" in time. Try again.',
  },
});
