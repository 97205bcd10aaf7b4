/** What has no end cannot be analysed to its end. Pure. */
import { isLive, parseSourceUri, redact } from '../ingest/source-uri.js';
import { replayError } from './errors.js';
import type { InputItem } from './input-item.js';
import type { FrameRange } from './range.js';

/** Throws SONO_REPLAY_INPUT_ENDLESS for a camera, and for a scene without a duration of which no end is asked for. */
export function checkEnd({ kind, uri }: Pick<InputItem, 'kind' | 'uri'>, range: FrameRange): void {
  if (kind === 'recording') return;
  let address;
  try {
    address = parseSourceUri(uri);
  } catch {
    // Said when it is opened.
    return;
  }
  const endless = address.kind === 'synthetic' && address.durationS === null && range.to === null;
  if (isLive(address) || endless) throw replayError('SONO_REPLAY_INPUT_ENDLESS', { input: redact(uri) });
}
