/** Everything that can be wrong with a pipeline file or a prompt file. */
import { errorFactory, wrongUse } from '../vocabulary/errors.js';

export const configError = errorFactory({
  ...wrongUse(404, {
    SONO_CONFIG_MISSING: 'The pipeline file {file} cannot be read: {reason}. Check its name.',
    SONO_PROMPT_FILE_MISSING: 'The prompt file {file} cannot be read: {reason}. Check its name.',
  }),
  ...wrongUse(413, {
    SONO_PROMPT_FILE_TOO_LARGE:
      'The prompt file {file} has {megabytes} MB; at most {limit} MB are read. Draw shorter scribbles.',
  }),
  ...wrongUse(422, {
    SONO_CONFIG_SYNTAX: '{file} is not a valid YAML file: line {line}: {problem}.',
    SONO_CONFIG_UNKNOWN_KEY:
      '{file}, line {line}: "{key}" is not a setting here. Did you mean "{nearest}"? Possible are: {valid}.',
    SONO_CONFIG_VALUE: '{file}, line {line}: the setting "{key}" is not valid: {problem}.',
    SONO_CONFIG_MODEL_MISSING:
      '{file}, line {line}: there is no model "{model}". Did you mean "{nearest}"? Installed models are: {valid}.',
    SONO_CONFIG_STREAM_TWICE:
      '{file}, line {line}: two streams have the id "{id}". Give each stream its own.',
    SONO_PROMPT_FILE_SYNTAX: 'The prompt file {file} is not valid JSON: {problem}.',
    SONO_PROMPT_FILE_KEY:
      '{file}: "{key}" is not known at {where}. Did you mean "{nearest}"? Possible are: {valid}.',
    SONO_PROMPT_FILE_VALUE: '{file}: {where} is not valid: {problem}.',
    SONO_PROMPT_BOX_INSIDE_OUT:
      '{file}: the box at {where} is inside out. Give left, top, right, bottom, with left less than right and top less than bottom.',
    SONO_PROMPT_LABEL_TWICE: '{file}: two objects are called "{label}". Give each object its own name.',
    SONO_PROMPT_MASK_UNREADABLE: '{file}: the mask picture {path} at {where} cannot be read: {reason}.',
    SONO_PROMPT_MASK_EMPTY:
      '{file}: the mask picture {path} at {where} marks nothing. Paint the object white on black.',
  }),
});
