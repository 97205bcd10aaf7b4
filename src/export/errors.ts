/** Everything that can go wrong while writing results. */
import { environmentFails, errorFactory, wrongUse } from '../vocabulary/errors.js';

export const exportError = errorFactory({
  ...wrongUse(409, {
    SONO_EXPORT_EXISTS:
      '{path} is already there. Choose another output folder or run again with --overwrite.',
    SONO_EXPORT_RESUME_BROKEN:
      'The unfinished results in {path} do not match their progress file, so the run cannot go on. Start it again with --overwrite.',
  }),
  ...wrongUse(422, {
    SONO_EXPORT_UNSUPPORTED: 'This source cannot be written as {format}: {reason}.',
  }),
  ...wrongUse(507, {
    SONO_EXPORT_NOT_WRITABLE:
      'The results cannot be written to {path}. Check that the folder exists and that you may write to it.',
  }),
  ...environmentFails(500, {
    SONO_EXPORT_FRAME: 'Frame {frame} cannot be written as {format}: {reason}.',
    SONO_EXPORT_ENCODER:
      'The video encoder stopped: {reason}. Run "./sonoscope doctor" to see what is missing.',
  }),
  ...environmentFails(507, {
    SONO_EXPORT_DISK_FULL:
      'The disk is full while writing {path}. Free some space and run again with --resume.',
  }),
});
