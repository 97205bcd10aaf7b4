/** Errors of the command line, and failures of commands that belong to no other room. */
import { errorFactory } from '../vocabulary/errors.js';

export const cliError = errorFactory({
  SONO_USAGE: {
    exitCode: 2,
    httpStatus: 400,
    sentence: '{problem}. "./sonoscope {command} --help" shows what is possible.',
  },
  SONO_TOKEN_FILE: {
    exitCode: 2,
    httpStatus: 401,
    sentence:
      'The access token cannot be read from {file}: {reason}. Check the name and that you may read it.',
  },
  SONO_RUN_REPORT_UNWRITABLE: {
    exitCode: 5,
    httpStatus: 507,
    sentence: 'The report cannot be written to {file}: {reason}. Choose another place.',
  },
  SONO_RUN_REPORT_DISK_FULL: {
    exitCode: 5,
    httpStatus: 507,
    sentence: 'The disk is full: the report {file} could not be written. Free some space and run again.',
  },
  SONO_BENCH_NO_RESULT: {
    exitCode: 2,
    httpStatus: 404,
    sentence: 'There is no full result in bench/results yet. Run "./sonoscope bench" first.',
  },
  SONO_BENCH_FAILED: {
    exitCode: 5,
    httpStatus: 500,
    sentence: 'Parts of the bench could not be measured ({count}); the lines above say why.',
  },
  SONO_BENCH_REGRESSION: {
    exitCode: 5,
    httpStatus: 500,
    sentence:
      'Figures have become worse since the last committed result ({count}); the lines above say which.',
  },
  SONO_RUN_NO_PICTURE: {
    exitCode: 3,
    httpStatus: 503,
    sentence: 'No picture of "{stream}" came from "{uri}" before the run ended. {reason}',
  },
  SONO_UNEXPECTED: {
    exitCode: 5,
    httpStatus: 500,
    sentence: 'Something unexpected happened: {reason}. Please report it with the lines above.',
  },
});
