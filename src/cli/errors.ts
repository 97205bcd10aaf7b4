/** What can be wrong with a command line, and what a command can fail at that belongs to no other layer. */
import { errorFactory } from '../errors.js';

export const cliError = errorFactory({
  SONO_USAGE: {
    exitCode: 2,
    httpStatus: 400,
    sentence: '{problem}. "./sonoscope {command} --help" shows what is possible.',
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
  SONO_UNEXPECTED: {
    exitCode: 5,
    httpStatus: 500,
    sentence: 'Something unexpected happened: {reason}. Please report it with the lines above.',
  },
});
