#!/usr/bin/env bash
# @foxglove/wasm-lz4 1.0.2, by way of @mcap/support 1.1.0: good LZ4 frames behind a damaged one.
#
# Expected (guess before the first run): the damaged frame raises an error, the next good one is read as ever; each call gets one whole frame.
# Seen: after one damaged frame every good frame raises "Error during decompression" too, for as long as the process lives. The handler for
#   zstd of the same package reads on.
# Versions: @mcap/support 1.1.0 (wasm-lz4 1.0.2, wasm-zstd), Node 20.20.2; frames made by python-lz4 4.4.5 and zstandard 0.25.0.
# Why it matters: a recording that broke off, or a share that dropped a block, ends in one damaged chunk. A viewer or a batch that steps over it
#   loses every later recording with LZ4 as well, and blames files that are whole. Load the handlers anew after an error.
# Exit status: 0 as long as it is as described, 1 when it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit @mcap/support@1.1.0
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check lz4==4.4.5 zstandard==0.25.0
cat >make.py <<'PY'
import random
import lz4.frame
import zstandard

random.seed(1)
content = bytes(random.randrange(64) for _ in range(20000))
frames = {
    "lz4": lz4.frame.compress(content, content_checksum=True),
    "zstd": zstandard.ZstdCompressor(write_checksum=True).compress(content),
}
open("content", "wb").write(content)
for name, frame in frames.items():
    damaged = bytearray(frame)
    damaged[len(damaged) // 2] ^= 0xFF
    open(f"{name}.good", "wb").write(frame)
    open(f"{name}.damaged", "wb").write(bytes(damaged))
PY
venv/bin/python make.py
cat >read.mjs <<'JS'
import { readFileSync } from 'node:fs';
import { loadDecompressHandlers } from '@mcap/support';

const handlers = await loadDecompressHandlers();
const content = readFileSync('content');
const seen = {};
for (const name of ['lz4', 'zstd']) {
  seen[name] = ['good', 'damaged', 'good', 'good'].map((kind) => {
    try {
      const read = handlers[name](readFileSync(`${name}.${kind}`), BigInt(content.length));
      return Buffer.compare(Buffer.from(read), content) === 0 ? 'right' : 'other bytes';
    } catch (error) {
      return `error (${error.message ?? error})`;
    }
  });
  console.log(`${name}: good ${seen[name][0]}, damaged ${seen[name][1]}, good ${seen[name][2]}, good ${seen[name][3]}`);
}
const fails = (text) => text.startsWith('error');
const asDescribed =
  seen.lz4[0] === 'right' && seen.lz4.slice(1).every(fails) &&
  seen.zstd[0] === 'right' && fails(seen.zstd[1]) && seen.zstd[2] === 'right' && seen.zstd[3] === 'right';
process.exit(asDescribed ? 0 : 1);
JS
for name in @mcap/support @foxglove/wasm-lz4 @foxglove/wasm-zstd; do
  printf '%s %s\n' "$name" "$(sed -n 's/.*"version": "\(.*\)".*/\1/p' "node_modules/$name/package.json")"
done
node read.mjs
