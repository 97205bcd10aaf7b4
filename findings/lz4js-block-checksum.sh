#!/usr/bin/env bash
# lz4js 0.2.0: LZ4 frames whose blocks carry checksums.
#
# Expected (guess before the first run): the content; block checksums are an option of the frame format since 1.4 (2012) and only
#   four bytes to step over.
# Seen: fewer and other bytes than were packed, and no error. Frames without block checksums are right.
# Versions: lz4js 0.2.0, Node 20.20.2; frames made by python-lz4 4.4.5, which reads its own frames back.
# Why it matters: MCAP and ROS recordings are packed with LZ4 by many programs. Where a chunk has no checksum of its own (MCAP allows
#   0 for "none"), pictures would change without a word.
# Exit status: 0 as long as it is as described, 1 when it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit lz4js@0.2.0
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check lz4==4.4.5
cat >make.py <<'PY'
import lz4.frame
content = b"abcdefgh" * 40 + bytes(range(256)) + b"xyz" * 50
open("content", "wb").write(content)
for checksum in (False, True):
    packed = lz4.frame.compress(content, block_checksum=checksum)
    assert lz4.frame.decompress(packed) == content
    open(f"packed-{int(checksum)}", "wb").write(packed)
PY
venv/bin/python make.py
cat >read.cjs <<'JS'
const { readFileSync } = require('node:fs');
const lz4 = require('lz4js');
const content = readFileSync('content');
const same = [0, 1].map((checksum) => {
  let seen;
  try {
    const unpacked = Buffer.from(lz4.decompress(readFileSync(`packed-${checksum}`), content.length));
    seen = unpacked.equals(content) ? 'right' : `wrong, ${unpacked.length} of ${content.length} bytes, no error`;
  } catch (error) {
    seen = `error: ${error.message}`;
  }
  console.log(`block checksums ${checksum ? 'on' : 'off'}: ${seen}`);
  return seen;
});
process.exit(same[0] === 'right' && same[1].startsWith('wrong') ? 0 : 1);
JS
node read.cjs
