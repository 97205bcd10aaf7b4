/** What can be wrong with a command to the tracker. */
import { errorFactory } from '../errors.js';

export const trackingError = errorFactory({
  SONO_PROMPT_EMPTY: {
    exitCode: 2,
    httpStatus: 422,
    sentence: 'Nothing was marked. Point at the object, draw a box around it or draw over it.',
  },
  SONO_PROMPT_NOT_A_NUMBER: {
    exitCode: 2,
    httpStatus: 422,
    sentence: 'A coordinate of the mark is not a number. Draw the mark again.',
  },
  SONO_PROMPT_OUTSIDE: {
    exitCode: 2,
    httpStatus: 422,
    sentence: 'The mark at {x}, {y} lies outside the picture of {width} × {height} pixels. Mark inside it.',
  },
  SONO_PROMPT_BOX: {
    exitCode: 2,
    httpStatus: 422,
    sentence:
      'The box is inside out or has no area. Give left, top, right, bottom with left before right and top before bottom.',
  },
  SONO_PROMPT_MASK_SIZE: {
    exitCode: 2,
    httpStatus: 422,
    sentence:
      'The given mask is {maskWidth} × {maskHeight} pixels, the picture {width} × {height}. Give a mask of the size of the picture.',
  },
  SONO_PROMPT_MASK_EMPTY: {
    exitCode: 2,
    httpStatus: 422,
    sentence: 'The given mask is empty. Give a mask that covers the object.',
  },
  SONO_PROMPT_TOO_LARGE: {
    exitCode: 2,
    httpStatus: 413,
    sentence: 'The drawing has {count} points, more than the {limit} that are allowed. Draw less at once.',
  },
  SONO_OBJECT_UNKNOWN: {
    exitCode: 2,
    httpStatus: 404,
    sentence: 'There is no object {objectId} any more. Choose one from the list.',
  },
  SONO_OBJECTS_FULL: {
    exitCode: 2,
    httpStatus: 409,
    sentence: 'This model follows at most {limit} objects at once. Remove one first.',
  },
  SONO_LABEL_TAKEN: {
    exitCode: 2,
    httpStatus: 409,
    sentence: 'Another object is already called "{label}". Choose another name.',
  },
  SONO_LABEL_INVALID: {
    exitCode: 2,
    httpStatus: 422,
    sentence: 'A name has 1 to {limit} characters and no line breaks. Choose another name.',
  },
  SONO_POLICY_UNKNOWN: {
    exitCode: 2,
    httpStatus: 422,
    sentence: 'There is no memory policy "{policy}". Choose one of: {known}.',
  },
  SONO_NOTHING_TO_UNDO: {
    exitCode: 2,
    httpStatus: 409,
    sentence: 'There is nothing left to undo.',
  },
});
