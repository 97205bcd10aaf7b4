/** What can be wrong with a DICOM object or the size of a picture, in words for the person at the bedside. Pure. */
import { environmentFails, errorFactory, sourceFails, wrongUse } from '../vocabulary/errors.js';

export const dicomError = errorFactory({
  ...sourceFails(422, {
    SONO_SOURCE_SIZE:
      'The picture of "{path}" is {width} by {height} points, which cannot be handled: use a size between 1 and 16384.',
    SONO_SOURCE_MEMORY:
      '"{path}" needs {megabytes} megabytes of memory or more for {what}, and {limit} are given: store it in smaller pieces.',
    SONO_DICOM_DAMAGED:
      'The DICOM file "{path}" is damaged or cut off: export it again from the ultrasound machine.',
    SONO_DICOM_ENCRYPTED:
      'The DICOM file "{path}" is encrypted: ask whoever exported it for a copy that is not.',
    SONO_DICOM_NO_PIXELS: 'The DICOM file "{path}" has no pictures in it ({what}): choose a cine loop.',
    SONO_DICOM_SYNTAX:
      'The pictures in "{path}" are compressed in a way that is not supported ({syntax}): export them uncompressed or as JPEG.',
    SONO_DICOM_PHOTOMETRIC:
      'The colours in "{path}" are stored in a way that is not supported ({photometric}).',
  }),
  ...sourceFails(404, {
    SONO_DICOM_SERIES:
      'There is no DICOM series of single pictures in the folder "{path}" ({series}): list the folder again, its files may have changed.',
  }),
  ...sourceFails(409, {
    SONO_DICOM_CHOOSE: 'The folder "{path}" holds {count} DICOM recordings: choose one of them.',
  }),
  ...wrongUse(400, {
    SONO_ARCHIVE_LOGINS:
      'The file of logins {file} cannot be used: {reason}. It has one line for each archive: machine HOST login USER password SECRET.',
    SONO_ARCHIVE_CA:
      'The file {file} cannot be used as certificates to trust: give the certificate of the authority in PEM form.',
    SONO_ARCHIVE_LOGIN_PLACE:
      'The address "{uri}" holds a login, which would be kept with the recording: leave it out, and give it to the server with --archive-logins.',
    SONO_ARCHIVE_ADDRESS:
      'The archive address "{uri}" cannot be understood: {why}. Give dicomweb://host/root, dicomwebs:// for TLS, or orthanc://host.',
  }),
  ...sourceFails(401, {
    SONO_ARCHIVE_LOGIN_NEEDED:
      'The archive at "{archive}" asks for a user name and password, and none is known here: put them into the file of --archive-logins.',
    SONO_ARCHIVE_UNAUTHORIZED: 'The archive at "{archive}" refuses the user name or password: check both.',
  }),
  ...sourceFails(403, {
    SONO_ARCHIVE_FORBIDDEN:
      'The archive at "{archive}" does not allow this user to {what}: ask its administrator for the right to do so.',
  }),
  ...sourceFails(404, {
    SONO_ARCHIVE_GONE:
      '"{uri}" is not in the archive, or not any more: search for it again, it may have been deleted or moved.',
    SONO_ARCHIVE_NOT_DICOMWEB:
      'What answers at "{archive}" is not a DICOMweb service ({why}): check the port and the path of the address.',
  }),
  ...sourceFails(409, {
    SONO_ARCHIVE_CHOOSE: '"{uri}" holds {count} cines: choose one of them.',
  }),
  ...sourceFails(422, {
    SONO_ARCHIVE_NO_CINE: '"{uri}" holds no cine, only still pictures or documents: choose another series.',
    SONO_ARCHIVE_CERTIFICATE:
      'The certificate of the archive at "{archive}" is not trusted ({reason}): give the certificate of its authority with --archive-ca.',
    SONO_ARCHIVE_ANSWER: 'The archive at "{archive}" gave an answer that cannot be used: {why}.',
    SONO_ARCHIVE_NOT_STORED: 'The archive at "{archive}" did not store "{file}": {reason}.',
    SONO_ARCHIVE_STORED_PARTLY:
      'The archive at "{archive}" stored {stored} of {total} files. It did not store "{file}": {reason}.',
  }),
  ...sourceFails(503, {
    SONO_ARCHIVE_NO_ANSWER:
      'No archive answers at "{archive}": check that it is on, its address is right and this computer may reach it.',
    SONO_ARCHIVE_SILENT:
      'The archive at "{archive}" has sent nothing for {seconds} seconds: it may be busy, try again later.',
    SONO_ARCHIVE_BROKE_OFF:
      'The connection to the archive at "{archive}" broke off {attempts} times before all had come: check that it is on, then try again.',
    SONO_ARCHIVE_FAILED:
      'The archive at "{archive}" reports a fault of its own ({status}): ask its administrator.',
  }),
  ...environmentFails(507, {
    SONO_DICOM_DISK:
      'There is no room on the disk ({folder}) to put the parts of the video in "{path}" together, {megabytes} megabytes: free some space, then try again.',
    SONO_ARCHIVE_DISK:
      'There is no room on the disk to take over "{uri}" ({folder}): free some space, then try again.',
  }),
});
