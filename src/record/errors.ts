/** Everything that can go wrong while a recording is written or read. */
import { environmentFails, errorFactory, wrongUse } from '../vocabulary/errors.js';

export const recordError = errorFactory({
  ...wrongUse(404, {
    SONO_RECORDING_MISSING: 'There is no recording at {path}. Check the name.',
  }),
  ...wrongUse(409, {
    SONO_RECORD_EXISTS:
      'There is already a file {path}. Choose another name for the recording, or move the old one away.',
  }),
  ...wrongUse(422, {
    SONO_RECORDING_NOT_MCAP: '{path} is not a recording: it is empty or another kind of file.',
    SONO_RECORDING_NEWER:
      'The recording {path} was made by a newer sonoscope (format {found}; this one reads up to {known}). Update sonoscope to open it.',
    SONO_RECORDING_DAMAGED:
      'The recording {path} is damaged at {position} bytes ({reason}) and cannot be read beyond that.',
    SONO_RECORDING_PICTURE:
      'Picture {frame} of the recording {path} is damaged and cannot be shown; the recording is used up to there.',
    SONO_RECORDING_MESSAGE:
      'A picture on "{topic}" in the recording {path} cannot be read: write the recording again, or choose another one.',
    SONO_RECORDING_COMPRESSION:
      'The recording {path} is compressed with {compression}; zstd and lz4 are read. Convert it with "mcap compress --compression none".',
    SONO_RECORDING_PICTURES:
      'The recording {path} holds pictures of kinds that are not read: {topics}. Record compressed images (foxglove.CompressedImage or sensor_msgs/CompressedImage).',
    SONO_RECORDING_EMPTY: 'The recording {path} holds no pictures{stream}.',
  }),
  ...wrongUse(507, {
    SONO_RECORD_NOT_WRITABLE:
      'The recording cannot be written to {path}. Check that the folder exists and that you may write to it.',
  }),
  ...environmentFails(500, {
    SONO_RECORD_FAILED: 'The recording {path} stopped ({reason}). Everything up to now is kept.',
  }),
  ...environmentFails(503, {
    SONO_RECORD_OVERFLOW:
      'The recording stopped because the disk is too slow. Everything up to now is kept in {path}. Record to a faster disk.',
  }),
  ...environmentFails(507, {
    SONO_RECORD_DISK_FULL:
      'The recording stopped because the disk is full. Everything up to now is kept in {path}. Free some space and start a new recording.',
  }),
});
