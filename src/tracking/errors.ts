/** What can be wrong with a command to the tracker. */
import { errorFactory, wrongUse } from '../vocabulary/errors.js';

export const trackingError = errorFactory({
  ...wrongUse(404, {
    SONO_OBJECT_UNKNOWN: 'There is no object number {objectId} any more. Choose one from the list.',
  }),
  ...wrongUse(409, {
    SONO_OBJECTS_FULL: 'This model follows at most {limit} objects at once. Remove one first.',
    SONO_LABEL_TAKEN: 'Another object is already called "{label}". Choose another name.',
    SONO_NOTHING_TO_UNDO: 'There is nothing left to undo.',
  }),
  ...wrongUse(422, {
    SONO_PROMPT_EMPTY: 'Nothing was marked. Point at the object, draw a box around it or draw over it.',
    SONO_PROMPT_OUTSIDE:
      'The mark lies outside the picture, which has {width} × {height} pixels. Please point inside it.',
    SONO_PROMPT_INVALID: 'The mark cannot be used: {problem}. Please draw it again.',
    SONO_LABEL_INVALID: 'A name has 1 to {limit} characters and no line breaks. Choose another name.',
    SONO_POLICY_UNKNOWN: 'There is no memory policy "{policy}". Choose one of: {known}.',
  }),
});
