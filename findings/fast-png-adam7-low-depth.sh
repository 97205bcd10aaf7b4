#!/usr/bin/env bash
# fast-png 8.0.0: interlaced (Adam7) PNGs of 1, 2 and 4 bits per pixel.
#
# Expected (guess before its code was read): the same pixels as for the same picture without interlacing.
# Seen: without interlacing `data` holds the packed bits, ceil(width * depth / 8) bytes a row. With interlacing each pass is read as if
#   a pixel took a whole byte, so that rows begin in the wrong place: the error "Unsupported filter" and a number. Eight bits
#   are right.
# Versions: fast-png 8.0.0, Node 20.20.2; Pillow 13.0.0 as the reference reader, which reads both alike.
# Why it matters: label maps with few classes are palette PNGs of 1 to 4 bits, and "save for web" interlaces them. Valid masks cannot
#   be read, and the message sends people looking for a damaged file.
# Exit status: 0 as long as it is as described, 1 when it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit fast-png@8.0.0
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pillow==13.0.0

# A grey ramp and a label map (a square of ones) of 13 x 9 pixels, written from the specification with Python's zlib, at each depth, plain and interlaced.
cat >make.py <<'PY'
import struct, sys, zlib
from PIL import Image
W, H = 13, 9
TILE = ["16462646", "77777777", "56565656", "77777777", "36463646", "77777777", "56565656", "77777777"]
def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
ramp = lambda x, y, depth: (3 * x + 5 * y) % 2**depth
square = lambda x, y, depth: int(3 <= x < 9 and 2 <= y < 7)
for kind, draw in (("ramp", ramp), ("labels", square)):
  for depth in (1, 2, 4, 8):
    value = lambda x, y: draw(x, y, depth)
    for interlaced in (0, 1):
        rows = b""
        for number in "1234567" if interlaced else "-":
            for y in range(H):
                row = [value(x, y) for x in range(W) if number == "-" or TILE[y % 8][x % 8] == number]
                if row:
                    bits = "".join(format(v, f"0{depth}b") for v in row)
                    bits = bits.ljust(-(-len(bits) // 8) * 8, "0")
                    rows += b"\0" + bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))
        name = f"{kind}-{depth}-{interlaced}.png"
        header = struct.pack(">IIBBBBB", W, H, depth, 0, 0, 0, interlaced)
        open(name, "wb").write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
        stretch = 255 // (2**depth - 1)
        read = list(Image.open(name).convert("L").getdata())
        assert read == [value(x, y) * stretch for y in range(H) for x in range(W)], name
print("Pillow reads every file as it was drawn")
PY
venv/bin/python -W ignore make.py

cat >read.mjs <<'JS'
import { readFileSync } from 'node:fs';
import { decode } from 'fast-png';
const [W, H] = [13, 9];
const draw = {
  ramp: (x, y, depth) => (3 * x + 5 * y) % 2 ** depth,
  labels: (x, y) => (x >= 3 && x < 9 && y >= 2 && y < 7 ? 1 : 0),
};
/** "right", "wrong" or "error". */
function read(kind, depth, interlaced) {
  const wanted = Array.from({ length: W * H }, (_, at) => draw[kind](at % W, Math.floor(at / W), depth));
  const name = `${kind}, ${depth} bits, ${interlaced ? 'interlaced' : 'plain'}`;
  let data;
  try {
    ({ data } = decode(readFileSync(`${kind}-${depth}-${interlaced}.png`)));
  } catch (error) {
    console.log(`${name}: ${error.message}`);
    return 'error';
  }
  const unpacked =
    data.length === W * H
      ? [...data]
      : wanted.map((_, at) => {
          const bit = (at % W) * depth;
          const byte = data[Math.floor(at / W) * Math.ceil((W * depth) / 8) + (bit >> 3)];
          return (byte >> (8 - depth - (bit & 7))) & (2 ** depth - 1);
        });
  const wrong = unpacked.filter((value, at) => value !== wanted[at]).length;
  console.log(`${name}: ${data.length} bytes, ${wrong} of ${W * H} pixels wrong`);
  return wrong === 0 ? 'right' : 'wrong';
}
const seen = {};
for (const kind of ['ramp', 'labels'])
  for (const depth of [1, 2, 4, 8]) seen[`${kind} ${depth}`] = [0, 1].map((way) => read(kind, depth, way)).join(' ');
const low = [1, 2, 4];
const kinds = ['ramp', 'labels'];
process.exit(
  kinds.every((kind) => low.every((depth) => seen[`${kind} ${depth}`] === 'right error')) &&
    kinds.every((kind) => seen[`${kind} 8`] === 'right right')
    ? 0
    : 1,
);
JS
node read.mjs
