/** Everything that can go wrong while recorded material is analysed, verified or played. */
import { errorFactory } from '../vocabulary/errors.js';

export const replayError = errorFactory({
  SONO_REPLAY_INPUT_MISSING: {
    exitCode: 2,
    httpStatus: 404,
    sentence: 'There is nothing to analyse at {input}. Check the name.',
  },
  SONO_REPLAY_INPUT_ENDLESS: {
    exitCode: 2,
    httpStatus: 422,
    sentence:
      '{input} has no end, so it cannot be analysed to its end. Open it in a room and record it there, or with "./sonoscope run --source … --record FILE.mcap", then open the recording; give a synthetic scene a duration or use --to.',
  },
  SONO_REPLAY_RANGE: {
    exitCode: 2,
    httpStatus: 422,
    sentence: 'The part from {from} to {to} holds no pictures of {input}, which has {frames}.',
  },
  SONO_REPLAY_PROMPT_RANGE: {
    exitCode: 2,
    httpStatus: 422,
    sentence:
      'The prompt for "{label}" at {moment} lies outside the part that is analysed. Move the prompt or change --from and --to.',
  },
  SONO_REPLAY_PROMPT_FRAME: {
    exitCode: 2,
    httpStatus: 422,
    sentence: 'The prompt for "{label}" names {moment}, but the video has only {frames} pictures.',
  },
  SONO_REPLAY_PROMPT_INVALID: {
    exitCode: 2,
    httpStatus: 422,
    sentence:
      'The prompt for "{label}" at {moment} does not fit the video, which has {width} × {height} pixels: {problem}.',
  },
  SONO_REPLAY_OUT_NOT_EMPTY: {
    exitCode: 2,
    httpStatus: 409,
    sentence:
      'The folder {path} is not empty. Choose another one, add --resume to go on with an unfinished run, or --overwrite to replace its results.',
  },
  SONO_REPLAY_OUT_NOT_WRITABLE: {
    exitCode: 2,
    httpStatus: 507,
    sentence: 'Results cannot be written to {path}. Check that it is a folder and that you may write to it.',
  },
  SONO_REPLAY_OUT_BUSY: {
    exitCode: 2,
    httpStatus: 409,
    sentence:
      'Another run is writing to {path} (process {pid} on {host}). Wait until it has ended, or choose another folder.',
  },
  SONO_REPLAY_RESUME_NOTHING: {
    exitCode: 2,
    httpStatus: 409,
    sentence: 'There is no unfinished run in {path}. Start it without --resume.',
  },
  SONO_REPLAY_RESUME_OTHER: {
    exitCode: 2,
    httpStatus: 409,
    sentence:
      'The unfinished run in {path} was started with other settings ({what}). Use the same ones, or start again with --overwrite.',
  },
  SONO_REPLAY_DISK_FULL: {
    exitCode: 5,
    httpStatus: 507,
    sentence: 'The disk is full while writing to {path}. Free some space and run again with --resume.',
  },
  SONO_REPLAY_STOPPED: {
    exitCode: 5,
    httpStatus: 500,
    sentence: 'The analysis of {input} stopped unexpectedly ({reason}). Run again with --resume to go on.',
  },
  SONO_REPLAY_NO_PROCESS: {
    exitCode: 5,
    httpStatus: 503,
    sentence:
      'No program could be started to analyse {input}: too much is running on this computer. End something, then run again with --resume.',
  },
  SONO_REPLAY_SOURCE_SILENT: {
    exitCode: 3,
    httpStatus: 503,
    sentence:
      'The analysis of {input} was given up after {seconds} seconds of waiting for {what}: check the disk or share on which it lies, and that it is a video.',
  },
  SONO_REPLAY_CANCELLED: {
    exitCode: 5,
    httpStatus: 409,
    sentence: 'The analysis of {input} was cancelled. Run again with --resume to go on.',
  },
  SONO_REPLAY_OPTION: {
    exitCode: 2,
    httpStatus: 400,
    sentence: '"{value}" is not a valid value for {option}: {expected}.',
  },
  SONO_REPLAY_ITEMS_FAILED: {
    exitCode: 3,
    httpStatus: 500,
    sentence:
      '{failed} of {total} inputs could not be analysed; the others are complete. See above for the reasons.',
  },
  SONO_VERIFY_NO_JOURNAL: {
    exitCode: 2,
    httpStatus: 422,
    sentence:
      'The recording {path} cannot be checked: it holds no journal of what was computed. Record it with "run --record".',
  },
  SONO_VERIFY_MODEL: {
    exitCode: 4,
    httpStatus: 422,
    sentence:
      'The recording {path} was made with the model {recorded}, but this is {present}. Give the same model with --model.',
  },
  SONO_VERIFY_PROVIDER: {
    exitCode: 4,
    httpStatus: 422,
    sentence:
      'The recording {path} was computed on "{recorded}", which gives slightly other numbers than "{present}". Check it on a machine with "{recorded}".',
  },
  SONO_VERIFY_DIFFERENT: {
    exitCode: 3,
    httpStatus: 500,
    sentence: 'The recording {path} was not reproduced: first difference at frame {frame} ({difference}).',
  },
  SONO_PROJECT_UNKNOWN: {
    exitCode: 2,
    httpStatus: 404,
    sentence: 'There is no such recording here any more. Open it again.',
  },
  SONO_PROJECT_REQUEST: {
    exitCode: 2,
    httpStatus: 400,
    sentence: 'The request is not valid: {problem}.',
  },
  SONO_PROJECT_FRAME: {
    exitCode: 2,
    httpStatus: 404,
    sentence: 'Picture {frame} has not been read yet, or the recording has no such picture.',
  },
  SONO_PROJECT_BUSY: {
    exitCode: 2,
    httpStatus: 409,
    sentence: 'This recording is being analysed. Wait until that is done, or cancel it first.',
  },
  SONO_PROJECT_FOLDER_BUSY: {
    exitCode: 2,
    httpStatus: 409,
    sentence:
      'Another sonoscope on this computer (process {pid} on {host}) has the opened recordings. End it, or use it for them.',
  },
  SONO_PROJECT_FAULT: {
    exitCode: 5,
    httpStatus: 500,
    sentence:
      'Something unexpected happened with this recording ({reason}). What was done so far is kept; the details are in the log of the server.',
  },
  SONO_PROJECT_ARCHIVE: {
    exitCode: 5,
    httpStatus: 500,
    sentence:
      'The export could not be packed, because the program "tar" cannot be started on the server. Install it, or copy the files from {folder}.',
  },
  SONO_PROJECT_NOTHING: {
    exitCode: 2,
    httpStatus: 409,
    sentence: 'Nothing has been {what} yet. {advice}',
  },
  SONO_PLAYBACK_READ_ONLY: {
    exitCode: 2,
    httpStatus: 409,
    sentence: 'This is a recording that is being played: nothing can be changed in it.',
  },
  SONO_PLAYBACK_REQUEST: {
    exitCode: 2,
    httpStatus: 400,
    sentence: 'The player did not understand the request: {problem}.',
  },
});
