/** What can be wrong with a command to the tracker. */
import { errorFactory } from '../vocabulary/errors.js';

export const trackingError = errorFactory({
  SONO_PROMPT_EMPTY: {
    exitCode: 2,
    httpStatus: 422,
    sentence: 'Nothing was marked. Point at the object, draw a box around it or draw over it.',
  },
  SONO_PROMPT_OUTSIDE: {
    exitCode: 2,
    httpStatus: 422,
    sentence:
      'The mark lies outside the picture, which has {width} × {height} pixels. Please point inside it.',
  },
  SONO_PROMPT_INVALID: {
    exitCode: 2,
    httpStatus: 422,
    sentence: 'The mark cannot be used: {problem}. Please draw it again.',
  },
  SONO_OBJECT_UNKNOWN: {
    exitCode: 2,
    httpStatus: 404,
    sentence: 'There is no object number {objectId} any more. Choose one from the list.',
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
