/** Coded errors of the server: starting, connecting, asking, uploading, storing. */
import type { ErrorBody } from '../protocol/requests.js';
import { environmentFails, errorFactory, SonoError, sourceFails, wrongUse } from '../vocabulary/errors.js';

export function isSonoError(error: unknown): error is SonoError {
  return error instanceof SonoError;
}

/** What a refused request is answered with. */
export function refusalBody({ code, message, definition }: SonoError): ErrorBody {
  return { code, message, exitCode: definition.exitCode };
}

export const serverError = errorFactory({
  ...wrongUse(400, {
    SONO_SUBPROTOCOL:
      'This viewer does not speak the protocol of this server, which is {offered}. Update the viewer.',
    SONO_REQUEST_DEEP: 'The request was not read, because it is nested more deeply than any valid request.',
    SONO_UPLOAD_NAME: 'The upload needs a file name of ordinary letters. Rename the file and try again.',
  }),
  ...wrongUse(401, {
    SONO_TOKEN_REQUIRED:
      'Serving {host} to other computers needs an access token. Give one with --token-file or SONO_TOKEN.',
    SONO_TOKEN_WRONG:
      'The access token is missing or wrong. Open the address that the server printed when it started.',
    SONO_TOKEN_UNUSABLE:
      'The access token cannot be used: {problem}. Use at least {shortest} plain letters, digits or signs. Without a token of yours the program serves this computer only, or generates one.',
  }),
  ...wrongUse(403, {
    SONO_ORIGIN_FOREIGN: 'A page of another website ({origin}) tried to reach this server and was refused.',
    SONO_NOT_ALLOWED:
      'You may not do "{operation}" here: it needs the right "{needs}". Ask the person who gave you access to this server.',
    SONO_PUBLISH_REFUSED: 'Viewers cannot publish channels on this server; only its services can be used.',
  }),
  ...wrongUse(404, {
    SONO_CHANNEL_UNKNOWN: 'There is no channel number {channel} on this server any more.',
    SONO_STREAM_UNKNOWN:
      'There is no stream "{stream}" on this server. Reload the page to see which there are.',
    SONO_NOT_OFFERED: 'This server was started without "{operation}".',
    SONO_PAGE_UNKNOWN: 'There is nothing at {path}.',
    SONO_REPORT_UNKNOWN: 'There is no report "{id}" on this server.',
    SONO_FILE_UNKNOWN: 'There is no file "{name}" here any more.',
  }),
  ...wrongUse(408, {
    SONO_REQUEST_SLOW: 'The request did not arrive within {seconds} seconds and was given up. Try again.',
  }),
  ...wrongUse(409, {
    SONO_SUBSCRIPTION_TWICE:
      'Subscription {subscription} was left out: its number or its channel is already in use.',
    SONO_STREAM_TWICE: 'There is already a stream "{stream}". Give the new one another id.',
    SONO_FILE_IN_USE:
      'The file "{name}" is being recorded, shown or worked on. Close it there first, then delete it.',
  }),
  ...wrongUse(413, {
    SONO_REQUEST_TOO_LARGE:
      'The request is too large; at most {limit} bytes are taken. Draw less, or send it in parts.',
    SONO_UPLOAD_TOO_LARGE: 'The file is too large; at most {limit} bytes are taken.',
  }),
  ...wrongUse(422, {
    SONO_UPLOAD_EMPTY: 'The file is empty. Choose another one.',
  }),
  ...wrongUse(429, {
    SONO_TOKEN_TOO_OFTEN:
      'Too many wrong access tokens came from this computer. Wait {seconds} seconds, then try again.',
    SONO_TOO_MANY_REQUESTS: 'Too many requests at once. Wait for the answers, then try again.',
  }),
  ...sourceFails(400, {
    SONO_UPLOAD_CUT: 'The upload ended before the whole file had come. Try again.',
  }),
  ...sourceFails(503, {
    SONO_TOO_MANY_VIEWERS:
      'This server takes {limit} viewers, and all places are in use. Close one and try again.',
  }),
  ...environmentFails(500, {
    SONO_SERVER_FAULT:
      'Something went wrong inside the server. The picture goes on; the details are in its log.',
    SONO_REPORT_UNWRITABLE: 'The report could not be stored: the server may not write to {directory}.',
    SONO_UPLOAD_UNWRITABLE: 'The file could not be stored: the server may not write to {directory}.',
  }),
  ...environmentFails(503, {
    SONO_PORT_TAKEN:
      'Port {port} is in use by another program. End that program or choose another port with --port.',
    SONO_PORT_FORBIDDEN: 'This user may not use port {port}. Choose a port above 1023 with --port.',
    SONO_HOST_UNUSABLE: 'The address {host} does not belong to this computer. Choose another with --host.',
  }),
  ...environmentFails(507, {
    SONO_REPORT_DISK_FULL:
      'The report could not be stored: the disk of the server is full. Free some space, then store it again.',
    SONO_UPLOAD_DISK_FULL:
      'The disk of the server is full; the file was not stored. Free some space, then try again.',
    SONO_DISK_RESERVE:
      'The last {reserve} GB of the disk are kept for recordings, so this was not stored. Delete what is no longer needed, then try again.',
  }),
});
