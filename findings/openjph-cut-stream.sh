#!/usr/bin/env bash
# @cornerstonejs/codec-openjph 2.4.7: a lossless HTJ2K frame of which the end is missing.
#
# Expected (guess before it was run): `decode()` throws for each of them, as the frame is marked lossless and its end marker is missing.
# Seen: with half of the bytes or more it returns a picture of full size that is wrong (here by up to 13 of 255 levels), without an error or a sign of it. OpenJPEG (codec-openjpeg 1.3.6), which reads
#   HTJ2K too, gives no picture for any of them.
# Versions: @cornerstonejs/codec-openjph 2.4.7, @cornerstonejs/codec-openjpeg 1.3.6, Node 20.20.2.
# Why it matters: HTJ2K is what new archives send (1.2.840.10008.1.2.4.201 is called lossless). A frame that broke off on its way looks a little soft and is taken for whole. Compare the bytes with what the
#   header of the object promises, or look for the end marker, before decoding.
# Exit status: 0 as long as it is as described, 1 when it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit @cornerstonejs/codec-openjph@2.4.7 @cornerstonejs/codec-openjpeg@1.3.6

cat >read.mjs <<'JS'
import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);
const quiet = () => ({ print() {}, printErr() {} });
const openjph = await require('@cornerstonejs/codec-openjph')(quiet());
const openjpeg = await require('@cornerstonejs/codec-openjpeg/wasmjs')(quiet());
const [width, height] = [96, 64];
/** A grey picture of waves; `phase` tells pictures apart. */
const draw = (phase) =>
  Uint8Array.from({ length: width * height }, (_, i) =>
    128 + 90 * Math.sin((i % width) / 7 + phase) * Math.cos(Math.floor(i / width) / 5 + phase));
const info = { width, height, bitsPerSample: 8, componentCount: 1, isSigned: false, isUsingColorTransform: false };
function encode(Encoder, picture) {
  const encoder = new Encoder();
  encoder.getDecodedBuffer(info).set(picture);
  if (encoder.setQuality) encoder.setQuality(true, 0);
  encoder.encode();
  return Uint8Array.from(encoder.getEncodedBuffer());
}
function decode(decoder, bytes) {
  decoder.getEncodedBuffer(bytes.length).set(bytes);
  let error = null;
  try {
    decoder.decode();
  } catch (thrown) {
    error = thrown.message ?? String(thrown);
  }
  return { error, picture: Uint8Array.from(decoder.getDecodedBuffer()) };
}
const same = (a, b) => a.length === b.length && a.every((value, i) => value === b[i]);

const picture = draw(1);
const bytes = encode(openjph.HTJ2KEncoder, picture);
const wholes = [openjph.HTJ2KDecoder, openjpeg.J2KDecoder].map((Decoder) => same(decode(new Decoder(), bytes).picture, picture));
console.log(`the whole frame: right with openjph ${wholes[0]}, with openjpeg ${wholes[1]}`);
let asDescribed = wholes.every(Boolean);
for (const share of [0.5, 0.75, 0.9]) {
  const cut = bytes.subarray(0, Math.round(bytes.length * share));
  const ours = decode(new openjph.HTJ2KDecoder(), cut);
  const theirs = decode(new openjpeg.J2KDecoder(), cut);
  const off = ours.picture.reduce((most, value, i) => Math.max(most, Math.abs(value - picture[i])), 0);
  console.log(`${100 * share} % of its bytes: openjph error ${ours.error}, ${ours.picture.length} pixels, off by up to ${off}; openjpeg ${theirs.picture.length} pixels`);
  asDescribed &&= ours.error === null && ours.picture.length === picture.length && off > 0 && theirs.picture.length === 0;
}
process.exit(asDescribed ? 0 : 1);
JS
echo "codec-openjph $(node -p "require('./node_modules/@cornerstonejs/codec-openjph/package.json').version"), codec-openjpeg $(node -p "require('./node_modules/@cornerstonejs/codec-openjpeg/package.json').version"), Node $(node -v)"
node read.mjs
