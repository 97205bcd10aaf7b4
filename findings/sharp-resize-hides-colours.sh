#!/usr/bin/env bash
# sharp 0.35.5: removeAlpha() called before resize() on a picture with transparency.
#
# Expected (guess before the first run): operations run in the order of the calls, so removeAlpha().resize() keeps the colours behind
#   transparent pixels, as it does without resize().
# Seen: the order of the calls does not matter; transparency is taken out at the end, and reducing works on colours multiplied with
#   it: what was fully transparent comes out black. Without resize() the colours are kept.
# Versions: sharp 0.35.5, Node 20.20.2.
# Why it matters: screenshots and exported frames often carry an alpha channel of zeros; a loader that reduces them for a network shows it
#   black pictures, while FFmpeg, OpenCV and PIL show the frame.
# Exit status: 0 as long as it is as described, 1 when it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit sharp@0.35.5
cat >read.cjs <<'JS'
const sharp = require('sharp');
(async () => {
  const data = Uint8Array.from({ length: 16 * 16 * 4 }, (_, at) => [200, 40, 90, 0][at % 4]);
  const png = await sharp(data, { raw: { width: 16, height: 16, channels: 4 } }).png().toBuffer();
  const first = async (picture) => [...(await picture.raw().toBuffer()).subarray(0, 3)].join(', ');
  const kept = await first(sharp(png).removeAlpha());
  const before = await first(sharp(png).removeAlpha().resize(8, 8));
  const after = await first(sharp(png).resize(8, 8).removeAlpha());
  console.log(`removeAlpha: ${kept}; removeAlpha, resize: ${before}; resize, removeAlpha: ${after}`);
  process.exit(kept === '200, 40, 90' && before === '0, 0, 0' && after === '0, 0, 0' ? 0 : 1);
})();
JS
node read.cjs
