/** Everything that can be wrong with a pipeline file or a prompt file. */
import { errorFactory } from '../vocabulary/errors.js';

export const configError = errorFactory({
  SONO_CONFIG_MISSING: {
    exitCode: 2,
    httpStatus: 404,
    sentence: 'The pipeline file {file} cannot be read: {reason}. Check its name.',
  },
  SONO_CONFIG_SYNTAX: {
    exitCode: 2,
    httpStatus: 422,
    sentence: '{file} is not a valid YAML file: line {line}: {problem}.',
  },
  SONO_CONFIG_UNKNOWN_KEY: {
    exitCode: 2,
    httpStatus: 422,
    sentence:
      '{file}, line {line}: "{key}" is not a setting here. Did you mean "{nearest}"? Possible are: {valid}.',
  },
  SONO_CONFIG_VALUE: {
    exitCode: 2,
    httpStatus: 422,
    sentence: '{file}, line {line}: the setting "{key}" is not valid: {problem}.',
  },
  SONO_CONFIG_MODEL_MISSING: {
    exitCode: 2,
    httpStatus: 422,
    sentence:
      '{file}, line {line}: there is no model "{model}". Did you mean "{nearest}"? Installed models are: {valid}.',
  },
  SONO_CONFIG_STREAM_TWICE: {
    exitCode: 2,
    httpStatus: 422,
    sentence: '{file}, line {line}: two streams have the id "{id}". Give each stream its own.',
  },
  SONO_PROMPT_FILE_MISSING: {
    exitCode: 2,
    httpStatus: 404,
    sentence: 'The prompt file {file} cannot be read: {reason}. Check its name.',
  },
  SONO_PROMPT_FILE_SYNTAX: {
    exitCode: 2,
    httpStatus: 422,
    sentence: 'The prompt file {file} is not valid JSON: {problem}.',
  },
  SONO_PROMPT_FILE_KEY: {
    exitCode: 2,
    httpStatus: 422,
    sentence: '{file}: "{key}" is not known at {where}. Did you mean "{nearest}"? Possible are: {valid}.',
  },
  SONO_PROMPT_FILE_VALUE: {
    exitCode: 2,
    httpStatus: 422,
    sentence: '{file}: {where} is not valid: {problem}.',
  },
  SONO_PROMPT_FILE_TOO_LARGE: {
    exitCode: 2,
    httpStatus: 413,
    sentence:
      'The prompt file {file} has {megabytes} MB; at most {limit} MB are read. Draw shorter scribbles.',
  },
  SONO_PROMPT_BOX_INSIDE_OUT: {
    exitCode: 2,
    httpStatus: 422,
    sentence:
      '{file}: the box at {where} is inside out. Give left, top, right, bottom, with left less than right and top less than bottom.',
  },
  SONO_PROMPT_LABEL_TWICE: {
    exitCode: 2,
    httpStatus: 422,
    sentence: '{file}: two objects are called "{label}". Give each object its own name.',
  },
  SONO_PROMPT_MASK_UNREADABLE: {
    exitCode: 2,
    httpStatus: 422,
    sentence: '{file}: the mask picture {path} at {where} cannot be read: {reason}.',
  },
  SONO_PROMPT_MASK_EMPTY: {
    exitCode: 2,
    httpStatus: 422,
    sentence: '{file}: the mask picture {path} at {where} marks nothing. Paint the object white on black.',
  },
});
