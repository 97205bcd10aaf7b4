#!/usr/bin/env bash
# dcmjs 0.52.2: a Sequence of Ultrasound Regions that a converter has written as VR UN.
#
# Expected (guess before it was run): the sequence is read as one (PS3.5 6.2.2: the value of UN is implicit VR little endian), or kept as bytes; what stands behind it is read in either case.
# Seen: DicomMessage.readFile gives the region without any of its values; AsyncDicomReader loses every element behind the sequence, here rows, columns and pixel data.
#   Neither raises an error; the log says that "UN value declares 1572865 bytes": the item was read as explicit VR. pydicom 3.0.2 reads the region and everything behind it.
# Versions: dcmjs 0.52.2, Node 20.20.2; pydicom 3.0.2 as the reference reader.
# Why it matters: archives that turn implicit VR into explicit VR write UN for what they do not know, and the regions hold the millimetres per pixel of an ultrasound cine.
#   A viewer that trusts the reader shows a picture without calibration, or none.
# Exit status: 0 as long as it is as described, 1 when it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit dcmjs@0.52.2
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pydicom==3.0.2

# An ultrasound image of 4 x 2 grey pixels with one region of 0.05 cm per pixel. The item stands in UN, in implicit VR, once with known and once with undefined length.
cat >make.py <<'PY'
import struct
import pydicom

def implicit(tag, value):
    return struct.pack("<HHI", tag >> 16, tag & 0xFFFF, len(value)) + value

def explicit(tag, vr, value):
    long = vr in (b"OB", b"UN")
    head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr)
    return head + (struct.pack("<HI", 0, len(value)) if long else struct.pack("<H", len(value))) + value

us = lambda number: struct.pack("<H", number)
region = implicit(0x00186012, us(1)) + implicit(0x00186024, us(3)) + implicit(0x00186026, us(3))
region += implicit(0x0018602C, struct.pack("<d", 0.05)) + implicit(0x0018602E, struct.pack("<d", 0.05))
item = struct.pack("<HHI", 0xFFFE, 0xE000, len(region)) + region
uid = lambda text: text.encode() + b"\0" * (len(text) % 2)
meta = explicit(0x00020001, b"OB", b"\0\1") + explicit(0x00020002, b"UI", uid("1.2.840.10008.5.1.4.1.1.6.1"))
meta += explicit(0x00020003, b"UI", uid("2.25.1")) + explicit(0x00020010, b"UI", uid("1.2.840.10008.1.2.1"))
body = explicit(0x00080060, b"CS", b"US") + explicit(0x00186011, b"UN", item)
body += explicit(0x00280002, b"US", us(1)) + explicit(0x00280004, b"CS", b"MONOCHROME2 ")
body += explicit(0x00280010, b"US", us(2)) + explicit(0x00280011, b"US", us(4)) + explicit(0x00280100, b"US", us(8))
body += explicit(0x7FE00010, b"OB", bytes(range(8)))
with open("regions.dcm", "wb") as file:
    file.write(b"\0" * 128 + b"DICM" + explicit(0x00020000, b"UL", struct.pack("<I", len(meta))) + meta + body)
read = pydicom.dcmread("regions.dcm")
assert read.SequenceOfUltrasoundRegions[0].PhysicalDeltaX == 0.05 and read.Rows == 2 and len(read.PixelData) == 8
print(f"pydicom {pydicom.__version__}: region of", read.SequenceOfUltrasoundRegions[0].PhysicalDeltaX, "cm per pixel, rows", read.Rows, "pixel bytes", len(read.PixelData))
PY
venv/bin/python make.py

cat >read.mjs <<'JS'
import { readFileSync } from 'node:fs';
import dcmjs from 'dcmjs';
const { version } = JSON.parse(readFileSync('node_modules/dcmjs/package.json', 'utf8'));
const { DicomMessage } = dcmjs.data;
const { AsyncDicomReader } = dcmjs.async;
const file = readFileSync('regions.dcm');
const bytes = file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength);
const tell = (dict) => {
  const region = dict['00186011'];
  const items = region?.Value ?? [];
  return {
    regions: items.length,
    deltaX: items[0]?.['0018602C']?.Value?.[0] ?? null,
    rows: dict['00280010']?.Value?.[0] ?? null,
    pixels: '7FE00010' in dict,
  };
};
const whole = tell(DicomMessage.readFile(bytes).dict);
console.log(`dcmjs ${version} DicomMessage`, whole);
const reader = new AsyncDicomReader();
reader.stream.addBuffer(bytes);
reader.stream.setComplete();
const streamed = tell((await reader.readFile()).dict);
console.log(`dcmjs ${version} AsyncDicomReader`, streamed);
const asDescribed =
  whole.deltaX === null && whole.rows === 2 && whole.pixels && streamed.rows === null && !streamed.pixels;
process.exit(asDescribed ? 0 : 1);
JS
node read.mjs
