/** Which ends of a source's child process are worth another try. Pure. */
import { transientCodes } from './errors.js';
import type { SourceCode } from './source-codes.js';

/** A source that kills its reader this many times before its first frame will never work. */
const hopelessCrashes = 5;

interface SourceRun {
  readonly isLive: boolean;
  readonly mode: 'live' | 'replay';
  /** It has delivered a frame since it was opened. */
  readonly framesEver: boolean;
  /** Starts without a frame so far. */
  readonly attempt: number;
}

export function mayHeal(code: SourceCode, { isLive, mode, framesEver, attempt }: SourceRun): boolean {
  if (isLive && framesEver) return true;
  // A replay that stands still twice at the same picture will do so again; a room waits on.
  if (code === 'SONO_SOURCE_STALLED') return mode === 'live' || attempt === 0;
  if (code === 'SONO_SOURCE_NO_PROCESS' && framesEver && mode === 'live') return true;
  if (code === 'SONO_SOURCE_CRASHED' || code === 'SONO_SOURCE_NO_PROCESS')
    return attempt + 1 < hopelessCrashes;
  return isLive && transientCodes.has(code);
}
