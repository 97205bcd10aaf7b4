/** What a room can refuse or report. */
import { environmentFails, errorFactory, modelFails, sourceFails, wrongUse } from '../vocabulary/errors.js';

export const pipelineError = errorFactory({
  ...wrongUse(410, {
    SONO_PROMPT_FRAME_GONE:
      'The picture you pointed at is too old to be used: it is kept for 2 seconds, or for {seconds} while you draw. Please point again.',
  }),
  ...wrongUse(429, {
    SONO_GESTURES_FULL:
      'Already {most} people are drawing on pictures of this room. Finish within 2 seconds, or wait a moment and draw again.',
  }),
  ...wrongUse(404, {
    SONO_HOLD_UNKNOWN:
      'There is no held measurement {id} in this room. A room keeps the last {most}; older ones are in the recording, if there was one.',
    SONO_HOLD_NO_PICTURE: 'The picture of {moment} was not received, so the held measurement {id} has none.',
  }),
  ...wrongUse(409, {
    SONO_HOLD_NO_NUMBER: 'There is no ejection fraction to hold: {reason}.',
    SONO_VIEW_FIXED:
      'The view of a recording that is played cannot be changed. Say which view it is where it is analysed.',
  }),
  ...wrongUse(422, {
    SONO_PROMPT_FRAME_UNKNOWN:
      'The prompt for "{label}" names {moment}, but the recording has only {frames} pictures.',
    SONO_PROMPT_UNFIT:
      'The prompt for "{label}" at {moment} does not fit the source, which has {width} × {height} pixels: {problem}.',
  }),
  ...sourceFails(410, {
    SONO_ROOM_CLOSED: 'This room has been closed.',
  }),
  ...modelFails(409, {
    SONO_ANALYSIS_OFF: 'This room shows the picture only, nothing is outlined: {reason}.',
  }),
  ...modelFails(503, {
    SONO_ANALYSIS_FAILED: 'There are no outlines at present; the picture goes on. {reason}',
  }),
  ...environmentFails(500, {
    SONO_ROOM_FAULT:
      'Something unexpected happened in this room ({reason}); it goes on. The details are in the log of the server.',
  }),
});
