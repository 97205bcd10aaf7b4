/** Everything that can go wrong while writing results. */
import { errorFactory } from '../vocabulary/errors.js';

export const exportError = errorFactory({
  SONO_EXPORT_NOT_WRITABLE: {
    exitCode: 2,
    httpStatus: 507,
    sentence:
      'The results cannot be written to {path}. Check that the folder exists and that you may write to it.',
  },
  SONO_EXPORT_DISK_FULL: {
    exitCode: 5,
    httpStatus: 507,
    sentence: 'The disk is full while writing {path}. Free some space and run again with --resume.',
  },
  SONO_EXPORT_EXISTS: {
    exitCode: 2,
    httpStatus: 409,
    sentence: '{path} is already there. Choose another output folder or run again with --overwrite.',
  },
  SONO_EXPORT_RESUME_BROKEN: {
    exitCode: 2,
    httpStatus: 409,
    sentence:
      'The unfinished results in {path} do not match their progress file, so the run cannot go on. Start it again with --overwrite.',
  },
  SONO_EXPORT_FRAME: {
    exitCode: 5,
    httpStatus: 500,
    sentence: 'Frame {frame} cannot be written as {format}: {reason}.',
  },
  SONO_EXPORT_UNSUPPORTED: {
    exitCode: 2,
    httpStatus: 422,
    sentence: 'This source cannot be written as {format}: {reason}.',
  },
  SONO_EXPORT_ENCODER: {
    exitCode: 5,
    httpStatus: 500,
    sentence: 'The video encoder stopped: {reason}. Run "./sonoscope doctor" to see what is missing.',
  },
});
