/** What can be wrong with a model folder, an execution provider or a running engine. */
import { errorFactory } from '../vocabulary/errors.js';

export const inferenceError = errorFactory({
  SONO_MODEL_MISSING: {
    exitCode: 4,
    httpStatus: 404,
    sentence: 'There is no model in {path}: the file {file} cannot be read. Check the name of the model.',
  },
  SONO_MODEL_MANIFEST: {
    exitCode: 4,
    httpStatus: 422,
    sentence:
      'The description of the model in {path} is not valid at "{field}": {problem}. Install the model again.',
  },
  SONO_MODEL_NEWER: {
    exitCode: 4,
    httpStatus: 422,
    sentence:
      'The model in {path} was made for a newer version of this program (description version {version}, known up to {known}). Update the program or choose another model.',
  },
  SONO_MODEL_KIND: {
    exitCode: 4,
    httpStatus: 422,
    sentence:
      'The model in {path} is of kind "{kind}", but one of kind "{needed}" is needed here. Choose another model.',
  },
  SONO_MODEL_TRUNCATED: {
    exitCode: 4,
    httpStatus: 422,
    sentence:
      'The model file {file} has {bytes} bytes instead of {expected}: it is incomplete. Install the model again.',
  },
  SONO_MODEL_HASH: {
    exitCode: 4,
    httpStatus: 422,
    sentence:
      'The model file {file} is not the one that belongs to this model (its checksum differs). Install the model again.',
  },
  SONO_MODEL_BROKEN: {
    exitCode: 4,
    httpStatus: 422,
    sentence: 'The model file {file} cannot be loaded. Install the model again.',
  },
  SONO_MODEL_SHAPE: {
    exitCode: 4,
    httpStatus: 422,
    sentence:
      'The model file {file} does not fit its description: {tensor} is {actual}, described as {expected}. Install the model again.',
  },
  SONO_MODEL_GOLDEN: {
    exitCode: 4,
    httpStatus: 422,
    sentence: 'The stored test of the model in {path} cannot be used: {problem}. Install the model again.',
  },
  SONO_PROVIDER_NONE: {
    exitCode: 4,
    httpStatus: 503,
    sentence: 'No processor of this machine can run the model: {reasons}.',
  },
  SONO_INFERENCE_FAILED: {
    exitCode: 4,
    httpStatus: 503,
    sentence: 'The model stopped working on "{provider}" and is being started again.',
  },
  SONO_ENGINE_LOST: {
    exitCode: 4,
    httpStatus: 503,
    sentence: 'The part of the program that follows objects stopped and is being started again.',
  },
  SONO_ENGINE_CLOSED: {
    exitCode: 4,
    httpStatus: 409,
    sentence: 'Following objects has been switched off.',
  },
  SONO_FRAME_SIZE: {
    exitCode: 4,
    httpStatus: 500,
    sentence:
      'A picture of {actual} reached the model, which takes {expected}. This is a fault of the program.',
  },
  SONO_FRAME_MISSING: {
    exitCode: 2,
    httpStatus: 422,
    sentence: 'A mark needs the picture it was made on. Point again.',
  },
  SONO_SNAPSHOT_INVALID: {
    exitCode: 2,
    httpStatus: 422,
    sentence: 'The stored state of the objects does not fit this model ({problem}), so it was not used.',
  },
});
