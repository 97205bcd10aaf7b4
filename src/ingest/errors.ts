/** Every way in which a source can fail, in words for the person at the bedside. Pure; used by parent and child process. */
import { environmentFails, errorFactory, sourceFails, wrongUse } from '../vocabulary/errors.js';

export const ingestError = errorFactory({
  ...wrongUse(400, {
    SONO_SOURCE_URI:
      'The source address "{uri}" cannot be understood: {why}. Give a file, a folder of pictures, rtsp://, srt://, dicomweb://, orthanc://, v4l2://, decklink:// or synthetic:.',
  }),
  ...sourceFails(401, {
    SONO_SOURCE_UNAUTHORIZED: 'The camera at "{uri}" refuses the user name or password: check both.',
  }),
  ...sourceFails(403, {
    SONO_SOURCE_OUTSIDE:
      '"{uri}" lies outside the folders that may be opened from the page: copy it into one of them, or ask whoever started the server to add its folder with --media-root.',
    SONO_SOURCE_HOST:
      '"{uri}" may not be opened from the page ({host}): ask whoever started the server to allow this camera or archive with --allow-host.',
    SONO_SOURCE_FORBIDDEN:
      'The file "{path}" may not be read by this program: ask for permission to read it.',
  }),
  ...sourceFails(404, {
    SONO_SOURCE_MISSING:
      'There is no file or folder at "{path}": check the name and that the disk is connected.',
    SONO_SOURCE_NO_FOLDER: 'There is no folder at "{path}": check the name and that the disk is connected.',
    SONO_SOURCE_NOT_FOUND:
      'The camera answers, but has no stream called "{uri}": check the last part of the address.',
    SONO_SOURCE_DEVICE_ABSENT:
      'The video input "{device}" is not there: check the cable, the card and its driver.',
  }),
  ...sourceFails(409, {
    SONO_SOURCE_DEVICE_BUSY:
      'The video input "{device}" is used by another program: close that program first.',
  }),
  ...sourceFails(410, {
    SONO_SOURCE_TRIAL_LEFT: 'Opening "{uri}" was given up, because whoever asked for it has left.',
  }),
  ...sourceFails(422, {
    SONO_SOURCE_EMPTY: 'The file "{path}" is empty: copy it again from where it was recorded.',
    SONO_SOURCE_NOT_VIDEO:
      '"{path}" is not a video that can be read: choose a video file, a DICOM cine or a folder of pictures.',
    SONO_SOURCE_NO_PICTURE: '"{path}" has no picture, only sound or text: choose a recording with video.',
    SONO_SOURCE_CODEC:
      'The video in "{path}" is stored in a form this machine cannot read ({codec}): install the missing decoder or convert the file.',
    SONO_SOURCE_DAMAGED:
      'The recording "{path}" is damaged or was cut off: it was read up to {seconds} seconds, copy it again from where it was recorded.',
    SONO_SOURCE_PICTURES:
      '"{path}" is damaged: {count} of its pictures could not be shown and were left out, the first at {seconds} seconds; copy it again from where it was recorded.',
    SONO_SOURCE_MORE_PICTURES:
      '"{path}" holds {count} more pictures than it says, which were left out behind its last one: export it again from where it was recorded.',
    SONO_FOLDER_EMPTY:
      'The folder "{path}" has no pictures in it: choose one with PNG, JPEG, TIFF or WebP files.',
    SONO_FOLDER_MIXED:
      'The pictures in "{path}" have different sizes: "{file}" is {width} by {height}, the first is {firstWidth} by {firstHeight}.',
    SONO_FOLDER_ANIMATED:
      'The file "{file}" in "{path}" holds {pictures} pictures, but in a folder each picture needs a file of its own: open it by itself, or take it out.',
    SONO_FOLDER_PICTURE: 'The picture "{file}" in "{path}" cannot be read: remove it or save it again.',
  }),
  ...sourceFails(429, {
    SONO_SOURCE_TRIALS:
      'Already {limit} sources are being opened, which is all that are tried at once: wait for one of them, then try again.',
  }),
  ...sourceFails(503, {
    SONO_SOURCE_REFUSED:
      'Nothing answers at "{uri}": check that the camera or sender is on and its address is right.',
    SONO_SOURCE_SILENT:
      'No picture has come from "{uri}" for {seconds} seconds: check the camera and its cable.',
    SONO_SOURCE_NO_ANSWER:
      '"{uri}" was given up after {seconds} seconds of waiting for {what}: check that it can be reached and is a video.',
    SONO_SOURCE_STALLED:
      'Reading "{uri}" has stood still for {seconds} seconds and is being started again: this computer may be too busy.',
    SONO_SOURCE_KEY_AWAITED:
      'The camera at "{uri}" is connected; its next whole picture is being waited for, which takes a few seconds.',
    SONO_SOURCE_STOPPED: 'The sender at "{uri}" stopped sending: waiting for it to come back.',
    SONO_SOURCE_FAILED: 'The picture from "{uri}" broke off: {why}',
    SONO_SOURCE_CRASHED: 'The part that reads "{uri}" stopped by itself ({how}) and is being started again.',
  }),
  ...environmentFails(500, {
    SONO_SOURCE_PLUGIN:
      'A part needed to read "{uri}" is not installed ({element}): run "./sonoscope doctor" to see what is missing.',
  }),
  ...environmentFails(503, {
    SONO_SOURCE_NO_PROCESS:
      'No program could be started to read "{uri}": too much is running on this computer; end something, then try again.',
  }),
});

/**
 * Failures that may heal by themselves (a camera that is still off): the source waits and tries again even when
 * it has never delivered a frame. Everything else ends a source that has never delivered a frame.
 */
export const transientCodes: ReadonlySet<string> = new Set([
  'SONO_SOURCE_REFUSED',
  'SONO_SOURCE_SILENT',
  'SONO_SOURCE_STOPPED',
]);
