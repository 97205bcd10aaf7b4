/** What a room can refuse or report. */
import { errorFactory } from '../vocabulary/errors.js';

export const pipelineError = errorFactory({
  SONO_PROMPT_FRAME_GONE: {
    exitCode: 2,
    httpStatus: 410,
    sentence: 'The picture you pointed at is too old to be used (more than 2 seconds). Please point again.',
  },
  SONO_PROMPT_FRAME_UNKNOWN: {
    exitCode: 2,
    httpStatus: 422,
    sentence: 'The prompt for "{label}" names {moment}, but the recording has only {frames} pictures.',
  },
  SONO_PROMPT_UNFIT: {
    exitCode: 2,
    httpStatus: 422,
    sentence:
      'The prompt for "{label}" at {moment} does not fit the source, which has {width} × {height} pixels: {problem}.',
  },
  SONO_ANALYSIS_OFF: {
    exitCode: 4,
    httpStatus: 409,
    sentence: 'This room shows the picture only, nothing is outlined: {reason}.',
  },
  SONO_ANALYSIS_FAILED: {
    exitCode: 4,
    httpStatus: 503,
    sentence: 'There are no outlines at present; the picture goes on. {reason}',
  },
  SONO_ROOM_FAULT: {
    exitCode: 5,
    httpStatus: 500,
    sentence:
      'Something unexpected happened in this room ({reason}); it goes on. The details are in the log of the server.',
  },
  SONO_ROOM_CLOSED: {
    exitCode: 3,
    httpStatus: 410,
    sentence: 'This room has been closed.',
  },
});
