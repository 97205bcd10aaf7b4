/** Everything that can go wrong while recorded material is analysed, verified or played. */
import { environmentFails, errorFactory, modelFails, sourceFails, wrongUse } from '../vocabulary/errors.js';

export const replayError = errorFactory({
  ...wrongUse(400, {
    SONO_REPLAY_OPTION: '"{value}" is not a valid value for {option}: {expected}.',
    SONO_PROJECT_REQUEST: 'The request is not valid: {problem}.',
    SONO_PLAYBACK_REQUEST: 'The player did not understand the request: {problem}.',
  }),
  ...wrongUse(404, {
    SONO_REPLAY_INPUT_MISSING: 'There is nothing to analyse at {input}. Check the name.',
    SONO_PROJECT_UNKNOWN: 'There is no such recording here any more. Open it again.',
    SONO_PROJECT_MARK: 'There is no such mark any more.',
    SONO_PROJECT_FRAME: 'Picture {frame} has not been read yet, or the recording has no such picture.',
  }),
  ...wrongUse(409, {
    SONO_REPLAY_OUT_NOT_EMPTY:
      'The folder {path} is not empty. Choose another one, add --resume to go on with an unfinished run, or --overwrite to replace its results.',
    SONO_REPLAY_OUT_BUSY:
      'Another run is writing to {path} (process {pid} on {host}). Wait until it has ended, or choose another folder.',
    SONO_REPLAY_RESUME_NOTHING: 'There is no unfinished run in {path}. Start it without --resume.',
    SONO_REPLAY_RESUME_OTHER:
      'The unfinished run in {path} was started with other settings ({what}). Use the same ones, or start again with --overwrite.',
    SONO_PROJECT_BUSY: 'This recording is being analysed. Wait until that is done, or cancel it first.',
    SONO_PROJECT_LOCKED: '"{label}" is locked. Unlock it to change it.',
    SONO_PROJECT_MARKS_FULL:
      'There are {marks} marks in this recording already, and no more than {most} can be kept. Remove some first.',
    SONO_PROJECT_FOLDER_BUSY:
      'Another sonoscope on this computer (process {pid} on {host}) has the opened recordings. End it, or use it for them.',
    SONO_PROJECT_DECIDED:
      'There are marks or corrections in this recording. Take them back first, or open the recording once more.',
    SONO_PROJECT_NOTHING: 'Nothing has been {what} yet. {advice}',
    SONO_PLAYBACK_READ_ONLY: 'This is a recording that is being played: nothing can be changed in it.',
  }),
  ...wrongUse(429, {
    SONO_PROJECT_MARKS_BUSY: 'Too many marks are waiting for their outlines. Wait a moment, then mark again.',
  }),
  ...wrongUse(422, {
    SONO_REPLAY_PAIR:
      'It is not clear which clips are two views of one heart: {reason}. Rename them, or give them in order with --pair order.',
    SONO_PROJECT_CORRECTION: 'The correction cannot be made: {problem}.',
    SONO_PROJECT_PAIR: 'These two recordings cannot be put together: {problem}.',
    SONO_PROJECT_FINDER:
      'The model "{name}", which is to find the structures, is not installed here. Install it, or choose another one.',
    SONO_PROJECT_IMPORT: 'The masks of "{name}" cannot be used: {reason}.',
    SONO_REPLAY_INPUT_ENDLESS:
      '{input} has no end, so it cannot be analysed to its end. Open it in a room and record it there, or with "./sonoscope run --source … --record FILE.mcap", then open the recording; give a synthetic scene a duration or use --to.',
    SONO_REPLAY_RANGE: 'The part from {from} to {to} holds no pictures of {input}, which has {frames}.',
    SONO_REPLAY_PROMPT_RANGE:
      'The prompt for "{label}" at {moment} lies outside the part that is analysed. Move the prompt or change --from and --to.',
    SONO_REPLAY_PROMPT_FRAME:
      'The prompt for "{label}" names {moment}, but the video has only {frames} pictures.',
    SONO_REPLAY_PROMPT_INVALID:
      'The prompt for "{label}" at {moment} does not fit the video, which has {width} × {height} pixels: {problem}.',
    SONO_VERIFY_NO_JOURNAL:
      'The recording {path} cannot be checked: it holds no journal of what was computed. Record it with "run --record".',
  }),
  ...wrongUse(507, {
    SONO_REPLAY_OUT_NOT_WRITABLE:
      'Results cannot be written to {path}. Check that it is a folder and that you may write to it.',
  }),
  ...sourceFails(500, {
    SONO_REPLAY_ITEMS_FAILED:
      '{failed} of {total} inputs could not be analysed; the others are complete. See above for the reasons.',
    SONO_VERIFY_DIFFERENT:
      'The recording {path} was not reproduced: first difference at frame {frame} ({difference}).',
  }),
  ...sourceFails(503, {
    SONO_REPLAY_SOURCE_SILENT:
      'The analysis of {input} was given up after {seconds} seconds of waiting for {what}: check the disk or share on which it lies, and that it is a video.',
  }),
  ...modelFails(422, {
    SONO_VERIFY_MODEL:
      'The recording {path} was made with the model {recorded}, but this is {present}. Give the same model with --model.',
    SONO_VERIFY_PROVIDER:
      'The recording {path} was computed on "{recorded}", which gives slightly other numbers than "{present}". Check it on a machine with "{recorded}".',
  }),
  ...environmentFails(409, {
    SONO_REPLAY_CANCELLED: 'The analysis of {input} was cancelled. Run again with --resume to go on.',
  }),
  ...environmentFails(500, {
    SONO_REPLAY_STOPPED:
      'The analysis of {input} stopped unexpectedly ({reason}). Run again with --resume to go on.',
    SONO_PROJECT_FAULT:
      'Something unexpected happened with this recording ({reason}). What was done so far is kept; the details are in the log of the server.',
    SONO_PROJECT_ARCHIVE:
      'The export could not be packed, because the program "tar" cannot be started on the server. Install it, or copy the files from {folder}.',
  }),
  ...environmentFails(503, {
    SONO_REPLAY_NO_PROCESS:
      'No program could be started to analyse {input}: too much is running on this computer. End something, then run again with --resume.',
  }),
  ...environmentFails(507, {
    SONO_REPLAY_DISK_FULL:
      'The disk is full while writing to {path}. Free some space and run again with --resume.',
  }),
});
