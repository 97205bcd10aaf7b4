/** Errors of the command line, and failures of commands that belong to no other room. */
import { environmentFails, errorFactory, sourceFails, wrongUse } from '../vocabulary/errors.js';

export const cliError = errorFactory({
  ...wrongUse(400, {
    SONO_USAGE: '{problem}. "./sonoscope {command} --help" shows what is possible.',
  }),
  ...wrongUse(401, {
    SONO_TOKEN_FILE:
      'The access token cannot be read from {file}: {reason}. Check the name and that you may read it.',
  }),
  ...wrongUse(404, {
    SONO_ROOM_MODEL: 'There is no model "{model}" on this server. Installed are: {valid}.',
    SONO_BENCH_NO_RESULT: 'There is no full result in bench/results yet. Run "./sonoscope bench" first.',
  }),
  ...sourceFails(503, {
    SONO_CALL_UNREACHABLE:
      'No server answers at "{server}". Start one with "./sonoscope demo", or name another with --server.',
    SONO_CALL_FOREIGN:
      'What answers at "{server}" (status {status}) is not a sonoscope server. Check the address and the port.',
    SONO_RUN_NO_PICTURE: 'No picture of "{stream}" came from "{uri}" before the run ended. {reason}',
  }),
  ...environmentFails(500, {
    SONO_DOCTOR_MISSING: 'Something that is needed is missing: {missing}. The lines above say how to get it.',
    // Said by ./sonoscope itself, before there is a program.
    SONO_SETUP: '{problem}',
    SONO_BENCH_FAILED: 'Parts of the bench could not be measured ({count}); the lines above say why.',
    SONO_BENCH_REGRESSION:
      'Figures have become worse since the last committed result ({count}); the lines above say which.',
    SONO_UNEXPECTED: 'Something unexpected happened: {reason}. Please report it with the lines above.',
  }),
  ...environmentFails(503, {
    SONO_ROOMS_FULL:
      'No more rooms can be added: this computer has {cores} cores, which is enough for {limit} rooms. Close a room first.',
    SONO_ROOMS_MEMORY:
      'No more rooms can be added: {free} GB of memory are free, and a room needs about {needed} GB. Close a room first.',
  }),
  ...environmentFails(507, {
    SONO_CALL_UNWRITABLE: 'The answer cannot be written to {file}: {reason}. Choose another place.',
    SONO_RUN_REPORT_UNWRITABLE: 'The report cannot be written to {file}: {reason}. Choose another place.',
    SONO_RUN_REPORT_DISK_FULL:
      'The disk is full: the report {file} could not be written. Free some space and run again.',
  }),
});
