#!/usr/bin/env bash
# dcmjs 0.52.2: a deflated file (1.2.840.10008.1.2.1.99) read while it arrives.
#
# Expected (guess before it was run): AsyncDicomReader inflates as DicomMessage does, or refuses the syntax.
# Seen: DicomMessage.readFile gives all twelve elements. AsyncDicomReader resolves with a data set of one element that is not in the file, taken from the compressed bytes;
#   rows and pixels are not there. No error is raised; the log says "Invalid vr type" and "using UN". The same image without deflation is read by both.
# Versions: dcmjs 0.52.2, Node 20.20.2; pydicom 3.0.2 writes the files and is the reference reader.
# Why it matters: the streaming reader is the one for large objects of archives, and a program that trusts it shows an object without pictures, patient or calibration instead of saying that the syntax is not read.
# Exit status: 0 as long as it is as described, 1 when it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit dcmjs@0.52.2
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pydicom==3.0.2

# The same ultrasound image of 6 x 4 grey pixels twice: as it is, and deflated.
cat >make.py <<'PY'
import pydicom
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, SecondaryCaptureImageStorage

for name, syntax in (("plain.dcm", ExplicitVRLittleEndian), ("deflated.dcm", DeflatedExplicitVRLittleEndian)):
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = "2.25.1"
    meta.TransferSyntaxUID = syntax
    image = FileDataset(name, {}, file_meta=meta, preamble=b"\0" * 128)
    image.SOPClassUID = SecondaryCaptureImageStorage
    image.SOPInstanceUID = "2.25.1"
    image.Modality = "US"
    image.Rows, image.Columns = 4, 6
    image.BitsAllocated = image.BitsStored = 8
    image.HighBit = 7
    image.SamplesPerPixel = 1
    image.PixelRepresentation = 0
    image.PhotometricInterpretation = "MONOCHROME2"
    image.PixelData = bytes(range(24))
    image.save_as(name, enforce_file_format=True)
    read = pydicom.dcmread(name)
    assert read.Rows == 4 and len(read.PixelData) == 24
    print(f"pydicom {pydicom.__version__}, {name}: {len(read)} elements, rows {read.Rows}, {len(read.PixelData)} bytes of pixels")
PY
venv/bin/python make.py

cat >read.mjs <<'JS'
import { readFileSync } from 'node:fs';
import dcmjs from 'dcmjs';
const { version } = JSON.parse(readFileSync('node_modules/dcmjs/package.json', 'utf8'));
const tell = (dict) => ({
  elements: Object.keys(dict).length,
  rows: dict['00280010']?.Value?.[0] ?? null,
  pixels: '7FE00010' in dict,
});
const seen = {};
for (const name of ['plain.dcm', 'deflated.dcm']) {
  const file = readFileSync(name);
  const bytes = file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength);
  const whole = tell(dcmjs.data.DicomMessage.readFile(bytes).dict);
  const reader = new dcmjs.async.AsyncDicomReader();
  reader.stream.addBuffer(bytes);
  reader.stream.setComplete();
  const streamed = tell((await reader.readFile()).dict);
  console.log(`dcmjs ${version}, ${name}: DicomMessage`, whole, 'AsyncDicomReader', streamed);
  seen[name] = { whole, streamed };
}
const { 'plain.dcm': plain, 'deflated.dcm': deflated } = seen;
const asDescribed =
  plain.whole.rows === 4 &&
  plain.streamed.rows === 4 &&
  deflated.whole.rows === 4 &&
  deflated.whole.pixels &&
  deflated.streamed.rows === null &&
  !deflated.streamed.pixels;
process.exit(asDescribed ? 0 : 1);
JS
node read.mjs
