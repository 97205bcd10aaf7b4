/** Coded errors of the server: starting, connecting, asking, uploading, storing. */
import { errorFactory, SonoError } from '../vocabulary/errors.js';

export function isSonoError(error: unknown): error is SonoError {
  return error instanceof SonoError;
}

export const serverError = errorFactory({
  SONO_PORT_TAKEN: {
    exitCode: 5,
    httpStatus: 503,
    sentence:
      'Port {port} is in use by another program. End that program or choose another port with --port.',
  },
  SONO_PORT_FORBIDDEN: {
    exitCode: 5,
    httpStatus: 503,
    sentence: 'This user may not use port {port}. Choose a port above 1023 with --port.',
  },
  SONO_HOST_UNUSABLE: {
    exitCode: 5,
    httpStatus: 503,
    sentence: 'The address {host} does not belong to this computer. Choose another with --host.',
  },
  SONO_TOKEN_REQUIRED: {
    exitCode: 2,
    httpStatus: 401,
    sentence:
      'Serving {host} to other computers needs an access token. Give one with --token-file or SONO_TOKEN.',
  },
  SONO_TOKEN_WRONG: {
    exitCode: 2,
    httpStatus: 401,
    sentence:
      'The access token is missing or wrong. Open the address that the server printed when it started.',
  },
  SONO_TOKEN_UNUSABLE: {
    exitCode: 2,
    httpStatus: 401,
    sentence:
      'The access token cannot be used: {problem}. Use at least {shortest} plain letters, digits or signs. Without a token of yours the program serves this computer only, or generates one.',
  },
  SONO_TOKEN_TOO_OFTEN: {
    exitCode: 2,
    httpStatus: 429,
    sentence: 'Too many wrong access tokens came from this computer. Wait {seconds} seconds, then try again.',
  },
  SONO_ORIGIN_FOREIGN: {
    exitCode: 2,
    httpStatus: 403,
    sentence: 'A page of another website ({origin}) tried to reach this server and was refused.',
  },
  SONO_NOT_ALLOWED: {
    exitCode: 2,
    httpStatus: 403,
    sentence:
      'You may not do "{operation}" here: it needs the right "{needs}". Ask the person who gave you access to this server.',
  },
  SONO_SUBPROTOCOL: {
    exitCode: 2,
    httpStatus: 400,
    sentence:
      'This viewer does not speak the protocol of this server, which is {offered}. Update the viewer.',
  },
  SONO_TOO_MANY_VIEWERS: {
    exitCode: 3,
    httpStatus: 503,
    sentence: 'This server takes {limit} viewers, and all places are in use. Close one and try again.',
  },
  SONO_TOO_MANY_REQUESTS: {
    exitCode: 2,
    httpStatus: 429,
    sentence: 'Too many requests at once. Wait for the answers, then try again.',
  },
  SONO_REQUEST_SLOW: {
    exitCode: 2,
    httpStatus: 408,
    sentence: 'The request did not arrive within {seconds} seconds and was given up. Try again.',
  },
  SONO_REQUEST_DEEP: {
    exitCode: 2,
    httpStatus: 400,
    sentence: 'The request was not read, because it is nested more deeply than any valid request.',
  },
  SONO_REQUEST_TOO_LARGE: {
    exitCode: 2,
    httpStatus: 413,
    sentence: 'The request is too large; at most {limit} bytes are taken. Draw less, or send it in parts.',
  },
  SONO_PUBLISH_REFUSED: {
    exitCode: 2,
    httpStatus: 403,
    sentence: 'Viewers cannot publish channels on this server; only its services can be used.',
  },
  SONO_CHANNEL_UNKNOWN: {
    exitCode: 2,
    httpStatus: 404,
    sentence: 'There is no channel number {channel} on this server any more.',
  },
  SONO_SUBSCRIPTION_TWICE: {
    exitCode: 2,
    httpStatus: 409,
    sentence: 'Subscription {subscription} was left out: its number or its channel is already in use.',
  },
  SONO_STREAM_UNKNOWN: {
    exitCode: 2,
    httpStatus: 404,
    sentence: 'There is no stream "{stream}" on this server. Reload the page to see which there are.',
  },
  SONO_STREAM_TWICE: {
    exitCode: 2,
    httpStatus: 409,
    sentence: 'There is already a stream "{stream}". Give the new one another id.',
  },
  SONO_NOT_OFFERED: {
    exitCode: 2,
    httpStatus: 404,
    sentence: 'This server was started without "{operation}".',
  },
  SONO_PAGE_UNKNOWN: {
    exitCode: 2,
    httpStatus: 404,
    sentence: 'There is nothing at {path}.',
  },
  SONO_SERVER_FAULT: {
    exitCode: 5,
    httpStatus: 500,
    sentence: 'Something went wrong inside the server. The picture goes on; the details are in its log.',
  },
  SONO_REPORT_DISK_FULL: {
    exitCode: 5,
    httpStatus: 507,
    sentence:
      'The report could not be stored: the disk of the server is full. Free some space, then store it again.',
  },
  SONO_REPORT_UNWRITABLE: {
    exitCode: 5,
    httpStatus: 500,
    sentence: 'The report could not be stored: the server may not write to {directory}.',
  },
  SONO_REPORT_UNKNOWN: {
    exitCode: 2,
    httpStatus: 404,
    sentence: 'There is no report "{id}" on this server.',
  },
  SONO_UPLOAD_NAME: {
    exitCode: 2,
    httpStatus: 400,
    sentence: 'The upload needs a file name of ordinary letters. Rename the file and try again.',
  },
  SONO_UPLOAD_TOO_LARGE: {
    exitCode: 2,
    httpStatus: 413,
    sentence: 'The file is too large; at most {limit} bytes are taken.',
  },
  SONO_UPLOAD_EMPTY: {
    exitCode: 2,
    httpStatus: 422,
    sentence: 'The file is empty. Choose another one.',
  },
  SONO_UPLOAD_CUT: {
    exitCode: 3,
    httpStatus: 400,
    sentence: 'The upload ended before the whole file had come. Try again.',
  },
  SONO_UPLOAD_DISK_FULL: {
    exitCode: 5,
    httpStatus: 507,
    sentence: 'The disk of the server is full; the file was not stored. Free some space, then try again.',
  },
  SONO_DISK_RESERVE: {
    exitCode: 5,
    httpStatus: 507,
    sentence:
      'The last {reserve} GB of the disk are kept for recordings, so this was not stored. Delete what is no longer needed, then try again.',
  },
  SONO_FILE_UNKNOWN: {
    exitCode: 2,
    httpStatus: 404,
    sentence: 'There is no file "{name}" here any more.',
  },
  SONO_FILE_IN_USE: {
    exitCode: 2,
    httpStatus: 409,
    sentence:
      'The file "{name}" is being recorded, shown or worked on. Close it there first, then delete it.',
  },
  SONO_UPLOAD_UNWRITABLE: {
    exitCode: 5,
    httpStatus: 500,
    sentence: 'The file could not be stored: the server may not write to {directory}.',
  },
});
