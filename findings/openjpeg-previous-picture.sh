#!/usr/bin/env bash
# @cornerstonejs/codec-openjpeg 1.3.6: what a decoder object says of a JPEG 2000 frame that it cannot decode.
#
# Expected (guess before it was run): `decode()` throws, or the decoded buffer is empty.
# Seen: `decode()` returns as if all were well. A fresh object then has an empty buffer; one that has decoded a frame before hands out that earlier frame again, in full and without any
#   error. The next whole frame is right again.
# Versions: @cornerstonejs/codec-openjpeg 1.3.6, Node 20.20.2.
# Why it matters: keeping one decoder for all frames of a cine is the obvious way to use it. A damaged frame is then the picture before it, or that of the patient before, and measurements are taken on it.
#   Make a new decoder per frame, or compare the size and give it up after the first frame that is short.
# Exit status: 0 as long as it is as described, 1 when it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit @cornerstonejs/codec-openjpeg@1.3.6

cat >read.mjs <<'JS'
import { createRequire } from 'node:module';
const codec = await createRequire(import.meta.url)('@cornerstonejs/codec-openjpeg/wasmjs')({ print() {}, printErr() {} });
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

const [first, second] = [draw(0), draw(1)].map((picture) => ({ picture, bytes: encode(codec.J2KEncoder, picture) }));
const half = second.bytes.subarray(0, second.bytes.length >> 1);
const fresh = decode(new codec.J2KDecoder(), half);
console.log(`a fresh decoder, half a frame: error ${fresh.error}, ${fresh.picture.length} bytes`);
const decoder = new codec.J2KDecoder();
const whole = same(decode(decoder, first.bytes).picture, first.picture);
const reused = decode(decoder, half);
const earlier = same(reused.picture, first.picture);
console.log(`a decoder that has decoded another frame (right: ${whole}), the same half: error ${reused.error}, the earlier picture: ${earlier}`);
const after = same(decode(decoder, second.bytes).picture, second.picture);
console.log(`then the whole frame: right ${after}`);
const asDescribed = fresh.error === null && fresh.picture.length === 0 && whole && reused.error === null && earlier && after;
process.exit(asDescribed ? 0 : 1);
JS
echo "codec-openjpeg $(node -p "require('./node_modules/@cornerstonejs/codec-openjpeg/package.json').version"), Node $(node -v)"
node read.mjs
