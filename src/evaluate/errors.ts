/** Everything that can go wrong with a data set or the way it is evaluated. */
import { environmentFails, errorFactory, sourceFails, wrongUse } from '../vocabulary/errors.js';

export const evaluateError = errorFactory({
  ...wrongUse(400, {
    SONO_EVALUATE_PROMPT:
      'The prompt "{prompt}" is not known. Use mask, box, click, clicks:N (2 to 20) or rounds:N (2 to 8).',
  }),
  ...wrongUse(422, {
    SONO_DATASET_ROOT:
      '{path} does not hold a data set of the kind "{kind}". Expected: {expected}. Found: {found}.',
    SONO_DATASET_FILE: '{path} cannot be read: {reason}. Replace the file or take it out of the data set.',
    SONO_DATASET_MASKS_MISSING:
      'In "{clip}", {count} of {total} frames have no mask; the first is {first}. Add the masks or list the clip in a JSON file (kind "json") with null for them.',
    SONO_DATASET_SIZE:
      'In "{clip}", {path} is {found} pixels, but the first picture is {expected}. Pictures and masks of a clip must have one size.',
    SONO_DATASET_LABEL:
      'In "{clip}", {path} holds the value {value}, which is none of the known labels: {known}.',
    SONO_DATASET_MASK_UNCLEAR:
      'In "{clip}", the mask {path} has no clear meaning: {reason}. Save masks as PNG: black and white for one object, or the numbers 1, 2, 3 for several.',
    SONO_DATASET_PICTURES_MISSING:
      'In "{clip}", {count} masks have no picture; the first is {first}. Add the pictures or take the masks out of the folder.',
    SONO_DATASET_NAMES:
      'In "{clip}", {first} and {second} have the same name, so it is not clear which one counts. Remove one of them.',
    SONO_DATASET_FRAME_ABSENT:
      'In "{clip}", frame {frame} is outlined, but {path} has {found} frames. Get the whole video or take the clip out of the list.',
    SONO_DATASET_NOT_OUTLINED:
      '"{clip}" is listed, but {path} has no usable outline of it ({reason}), so there is nothing to compare with.',
    SONO_DATASET_NOTHING_COUNTS:
      'In "{clip}", {object} is on no frame that counts: the frame of the prompt is never scored, and it is the last one that could be.',
    SONO_DATASET_LABEL_NAME: 'There is no label "{label}" in this data set. Known: {known}.',
    SONO_DATASET_CLIP: 'There is no clip "{clip}" in this data set. It has: {known}.',
    SONO_DATASET_NO_OBJECT:
      'No frame of "{clip}" shows an object, so there is nothing to follow. Take the clip out of the data set.',
    SONO_DATASET_HEART:
      'Nothing says what the ejection fraction of "{clip}" is: {reason}. Take the clip out, or choose a data set of echocardiograms.',
    SONO_EVALUATE_MODEL:
      'The model "{model}" does not outline the {missing}, so no ejection fraction can be measured with it. Choose one that does, such as echo-lv.',
    SONO_EVALUATE_COMPARE:
      '{path} holds ejection fractions (--task ef), and --compare knows results of tracking only. Read both reports side by side.',
    SONO_EVALUATE_GROUPS:
      'The group file {path} cannot be used: {reason}. It needs a header line "clip,…" and one line per clip.',
    SONO_EVALUATE_RESULT: '{path} is not a result of "sonoscope evaluate": {reason}.',
    SONO_EVALUATE_PREDICTIONS: 'The folder of predicted masks has none for "{clip}". Expected: {expected}.',
  }),
  ...wrongUse(507, {
    SONO_EVALUATE_OUTPUT: 'The report cannot be written to {path}: {reason}.',
  }),
  ...sourceFails(422, {
    SONO_EVALUATE_CLIPS:
      '{failed} of {total} clips have no score and are in no mean: {names}. The figures are those of the others.',
  }),
  ...environmentFails(500, {
    SONO_EVALUATE_BASELINE:
      'The optical-flow baseline did not run: {reason}. It needs Python with OpenCV ("./sonoscope test" makes one).',
  }),
});
