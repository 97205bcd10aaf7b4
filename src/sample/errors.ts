/** What can go wrong while the sample data set is written. */
import { environmentFails, errorFactory, wrongUse } from '../vocabulary/errors.js';

export const sampleError = errorFactory({
  ...wrongUse(409, {
    SONO_SAMPLE_NOT_EMPTY: 'The folder {path} is not empty. Choose another one for the sample data.',
  }),
  ...environmentFails(503, {
    SONO_SAMPLE_ENCODER:
      'The sample video cannot be made, because FFmpeg does not do it ({reason}): install ffmpeg.',
  }),
  ...environmentFails(507, {
    SONO_SAMPLE_UNWRITABLE: 'The sample data cannot be written to {path}: {reason}. Choose another place.',
  }),
});
