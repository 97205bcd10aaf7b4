/** What can be wrong with a model folder, an execution provider or a running engine. */
import { errorFactory, modelFails, wrongUse } from '../vocabulary/errors.js';

export const inferenceError = errorFactory({
  ...wrongUse(422, {
    SONO_FRAME_MISSING: 'A mark needs the picture it was made on. Point again.',
    SONO_SNAPSHOT_INVALID:
      'The stored state of the objects does not fit this model ({problem}), so it was not used.',
  }),
  ...modelFails(404, {
    SONO_MODEL_MISSING:
      'There is no model in {path}: the file {file} cannot be read. Check the name of the model.',
  }),
  ...wrongUse(409, {
    SONO_MODEL_FINDS:
      'This model finds its structures by itself, so {what} is not possible. Choose a model that follows what is marked.',
  }),
  ...modelFails(409, {
    SONO_ENGINE_CLOSED: 'Following objects has been switched off.',
  }),
  ...modelFails(422, {
    SONO_MODEL_MANIFEST:
      'The description of the model in {path} is not valid at "{field}": {problem}. Install the model again.',
    SONO_MODEL_NEWER:
      'The model in {path} was made for a newer version of this program (description version {version}, known up to {known}). Update the program or choose another model.',
    SONO_MODEL_KIND:
      'The model in {path} is of kind "{kind}", but one of kind "{needed}" is needed here. Choose another model.',
    SONO_MODEL_TRUNCATED:
      'The model file {file} has {bytes} bytes instead of {expected}: it is incomplete. Install the model again.',
    SONO_MODEL_HASH:
      'The model file {file} is not the one that belongs to this model (its checksum differs). Install the model again.',
    SONO_MODEL_BROKEN: 'The model file {file} cannot be loaded. Install the model again.',
    SONO_MODEL_SHAPE:
      'The model file {file} does not fit its description: {tensor} is {actual}, described as {expected}. Install the model again.',
    SONO_MODEL_GOLDEN:
      'The stored test of the model in {path} cannot be used: {problem}. Install the model again.',
  }),
  ...modelFails(500, {
    SONO_FRAME_SIZE:
      'A picture of {actual} reached the model, which takes {expected}. This is a fault of the program.',
  }),
  ...modelFails(503, {
    SONO_PROVIDER_NONE: 'No processor of this machine can run the model: {reasons}.',
    SONO_INFERENCE_FAILED: 'The model stopped working on "{provider}" and is being started again.',
    SONO_ENGINE_LOST: 'The part of the program that follows objects stopped and is being started again.',
  }),
});
