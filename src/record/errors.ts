/** Everything that can go wrong while a recording is written or read. */
import { errorFactory } from '../vocabulary/errors.js';

export const recordError = errorFactory({
  SONO_RECORD_EXISTS: {
    exitCode: 2,
    httpStatus: 409,
    sentence:
      'There is already a file {path}. Choose another name for the recording, or move the old one away.',
  },
  SONO_RECORD_NOT_WRITABLE: {
    exitCode: 2,
    httpStatus: 507,
    sentence:
      'The recording cannot be written to {path}. Check that the folder exists and that you may write to it.',
  },
  SONO_RECORD_DISK_FULL: {
    exitCode: 5,
    httpStatus: 507,
    sentence:
      'The recording stopped because the disk is full. Everything up to now is kept in {path}. Free some space and start a new recording.',
  },
  SONO_RECORD_OVERFLOW: {
    exitCode: 5,
    httpStatus: 503,
    sentence:
      'The recording stopped because the disk is too slow. Everything up to now is kept in {path}. Record to a faster disk.',
  },
  SONO_RECORD_FAILED: {
    exitCode: 5,
    httpStatus: 500,
    sentence: 'The recording {path} stopped ({reason}). Everything up to now is kept.',
  },
  SONO_RECORDING_MISSING: {
    exitCode: 2,
    httpStatus: 404,
    sentence: 'There is no recording at {path}. Check the name.',
  },
  SONO_RECORDING_NOT_MCAP: {
    exitCode: 2,
    httpStatus: 422,
    sentence: '{path} is not a recording: it is empty or another kind of file.',
  },
  SONO_RECORDING_NEWER: {
    exitCode: 2,
    httpStatus: 422,
    sentence:
      'The recording {path} was made by a newer sonoscope (format {found}; this one reads up to {known}). Update sonoscope to open it.',
  },
  SONO_RECORDING_DAMAGED: {
    exitCode: 2,
    httpStatus: 422,
    sentence:
      'The recording {path} is damaged at {position} bytes ({reason}) and cannot be read beyond that.',
  },
  SONO_RECORDING_PICTURE: {
    exitCode: 2,
    httpStatus: 422,
    sentence:
      'Picture {frame} of the recording {path} is damaged and cannot be shown; the recording is used up to there.',
  },
  SONO_RECORDING_MESSAGE: {
    exitCode: 2,
    httpStatus: 422,
    sentence:
      'A picture on "{topic}" in the recording {path} cannot be read: write the recording again, or choose another one.',
  },
  SONO_RECORDING_COMPRESSION: {
    exitCode: 2,
    httpStatus: 422,
    sentence:
      'The recording {path} is compressed with {compression}; zstd and lz4 are read. Convert it with "mcap compress --compression none".',
  },
  SONO_RECORDING_PICTURES: {
    exitCode: 2,
    httpStatus: 422,
    sentence:
      'The recording {path} holds pictures of kinds that are not read: {topics}. Record compressed images (foxglove.CompressedImage or sensor_msgs/CompressedImage).',
  },
  SONO_RECORDING_EMPTY: {
    exitCode: 2,
    httpStatus: 422,
    sentence: 'The recording {path} holds no pictures{stream}.',
  },
});
