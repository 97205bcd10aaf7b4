/** What kind of picture a source shows, as far as the colours of outlines depend on it. Pure; any thread; throws nothing. */

/** Mucosa and organs in colour; grey ultrasound; ultrasound with blood flow in colour. */
export const pictureKinds = ['endoscopy', 'ultrasound', 'doppler'] as const;
export type PictureKind = (typeof pictureKinds)[number];

/** Pixels looked at, at most: enough for shares of a hundredth. */
const sampled = 8192;
/** A pixel below this is background and says nothing, 0..255. */
const litFrom = 40;
/** A pixel is coloured when its channels differ by this, and by this share of the brightest: noise of a grey camera is not. */
const coloured = { levels: 40, share: 0.25 };
/** Fewer lit pixels than this share of the picture: it shows nothing yet. */
const leastLit = 0.005;
/**
 * Shares of lit pixels that are coloured. Measured: grey ultrasound of six machines with its coloured marks at most 0.007,
 * laparoscopy and laryngoscopy at least 0.68.
 */
const shares = { flow: 0.03, colour: 0.4 };

/** `data`: uint8 RGB [height, width, 3]. null: too dark to say. */
export function pictureKindOf(data: Uint8Array): PictureKind | null {
  const pixels = Math.floor(data.length / 3);
  const step = Math.max(1, Math.floor(pixels / sampled));
  let seen = 0;
  let lit = 0;
  let colours = 0;
  for (let at = 0; at < pixels; at += step) {
    const [red, green, blue] = [data[3 * at], data[3 * at + 1], data[3 * at + 2]] as [number, number, number];
    const most = Math.max(red, green, blue);
    const span = most - Math.min(red, green, blue);
    seen++;
    if (most < litFrom) continue;
    lit++;
    if (span > coloured.levels && span > coloured.share * most) colours++;
  }
  if (lit < leastLit * seen || lit === 0) return null;
  const share = colours / lit;
  return share >= shares.colour ? 'endoscopy' : share >= shares.flow ? 'doppler' : 'ultrasound';
}
