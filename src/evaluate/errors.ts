/** Everything that can go wrong with a data set or the way it is evaluated. */
import { errorFactory } from '../errors.js';

export const evaluateError = errorFactory({
  SONO_DATASET_ROOT: {
    exitCode: 2,
    httpStatus: 422,
    sentence: '{path} does not hold a data set of the kind "{kind}". Expected: {expected}. Found: {found}.',
  },
  SONO_DATASET_FILE: {
    exitCode: 2,
    httpStatus: 422,
    sentence: '{path} cannot be read: {reason}. Replace the file or take it out of the data set.',
  },
  SONO_DATASET_MASKS_MISSING: {
    exitCode: 2,
    httpStatus: 422,
    sentence:
      'In "{clip}", {count} of {total} frames have no mask; the first is {first}. Add the masks or list the clip in a JSON file (kind "json") with null for them.',
  },
  SONO_DATASET_SIZE: {
    exitCode: 2,
    httpStatus: 422,
    sentence:
      'In "{clip}", {path} is {found} pixels, but the picture is {expected}. Masks must have the size of their pictures.',
  },
  SONO_DATASET_LABEL: {
    exitCode: 2,
    httpStatus: 422,
    sentence: 'In "{clip}", {path} holds the value {value}, which is none of the known labels: {known}.',
  },
  SONO_DATASET_LABEL_NAME: {
    exitCode: 2,
    httpStatus: 422,
    sentence: 'There is no label "{label}" in this data set. Known: {known}.',
  },
  SONO_DATASET_CLIP: {
    exitCode: 2,
    httpStatus: 422,
    sentence: 'There is no clip "{clip}" in this data set. It has: {known}.',
  },
  SONO_DATASET_NO_OBJECT: {
    exitCode: 2,
    httpStatus: 422,
    sentence:
      'No frame of "{clip}" shows an object, so there is nothing to follow. Take the clip out of the data set.',
  },
  SONO_EVALUATE_PROMPT: {
    exitCode: 2,
    httpStatus: 400,
    sentence:
      'The prompt "{prompt}" is not known. Use mask, box, click, clicks:N (2 to 20) or rounds:N (2 to 8).',
  },
  SONO_EVALUATE_GROUPS: {
    exitCode: 2,
    httpStatus: 422,
    sentence:
      'The group file {path} cannot be used: {reason}. It needs a header line "clip,…" and one line per clip.',
  },
  SONO_EVALUATE_RESULT: {
    exitCode: 2,
    httpStatus: 422,
    sentence: '{path} is not a result of "sonoscope evaluate": {reason}.',
  },
  SONO_EVALUATE_PREDICTIONS: {
    exitCode: 2,
    httpStatus: 422,
    sentence: 'The folder of predicted masks has none for "{clip}". Expected: {expected}.',
  },
  SONO_EVALUATE_BASELINE: {
    exitCode: 5,
    httpStatus: 500,
    sentence:
      'The optical-flow baseline did not run: {reason}. It needs Python with OpenCV ("./sonoscope test" makes one).',
  },
  SONO_EVALUATE_OUTPUT: {
    exitCode: 2,
    httpStatus: 507,
    sentence: 'The report cannot be written to {path}: {reason}.',
  },
});
