#!/usr/bin/env bash
# @cornerstonejs/adapters 5.14.0 (what OHIF opens segmentations with): a binary segmentation whose packed masks take an odd number of bytes.
#
# Expected (guess before it was run): opened like any other; DICOM pads the value to an even length (PS3.5 8.1.1), which a reader drops.
# Seen: two slices of 40 pixels (10 bytes) open with all 24 pixels; three slices of the same mask (15 bytes and one of padding) are refused with
#   "Unexpected 1-bit SEG PixelData length 16 for 3 frame(s) of 40 pixels".
# Versions: @cornerstonejs/adapters and @cornerstonejs/core 5.14.0, Node 20.20.2; the files are written by highdicom 0.28.2 and read back right by it.
# Why it matters: masks of cropped pictures have any size; the same object opens or not by the number of its slices.
# Exit status: 0 as long as it is as described, 1 when it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit @cornerstonejs/adapters@5.14.0 @cornerstonejs/core@5.14.0 @babel/runtime@8.1.3
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check highdicom==0.28.2 pydicom==3.0.2

# A stack of CT slices of 8 x 5 pixels and a segmentation of it: three slices are 15 bytes of masks, two are 10.
cat >make.py <<'PY'
import json
import highdicom as hd
import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

known = {}
for slices in (2, 3):
    study, series, place = generate_uid(), generate_uid(), generate_uid()
    images = []
    for index in range(slices):
        image = Dataset()
        image.file_meta = FileMetaDataset()
        image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        image.SOPClassUID, image.SOPInstanceUID = CTImageStorage, generate_uid()
        image.StudyInstanceUID, image.SeriesInstanceUID, image.FrameOfReferenceUID = study, series, place
        image.PatientID = image.PatientName = image.PatientBirthDate = image.PatientSex = ""
        image.StudyID = image.StudyDate = image.StudyTime = image.AccessionNumber = image.ReferringPhysicianName = ""
        image.PositionReferenceIndicator = ""
        image.Modality = "CT"
        image.InstanceNumber = index + 1
        image.Rows, image.Columns = 8, 5
        image.ImagePositionPatient = [0, 0, index]
        image.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        image.PixelSpacing = [1, 1]
        image.SliceThickness = 1
        images.append(image)
    mask = np.zeros((slices, 8, 5), np.uint8)
    mask[:, 2:6, 1:4] = 1
    segment = hd.seg.SegmentDescription(
        1, "heart", codes.SCT.Organ, codes.SCT.Heart, hd.seg.SegmentAlgorithmTypeValues.MANUAL
    )
    seg = hd.seg.Segmentation(
        images, mask, hd.seg.SegmentationTypeValues.BINARY, [segment], generate_uid(), 1, generate_uid(), 1, "m", "m", "1", "1"
    )
    seg.save_as(f"{slices}.dcm")
    read = hd.seg.segread(f"{slices}.dcm")
    frames = read.get_pixels_by_source_instance([image.SOPInstanceUID for image in images])
    assert (frames[..., 0] == mask).all()
    print(f"highdicom {hd.__version__}: {slices} slices, {slices * 40} bits, value of {len(read.PixelData)} bytes, {int(frames.sum())} pixels read back")
    known[slices] = {"series": series, "place": place, "images": [image.SOPInstanceUID for image in images]}
json.dump(known, open("known.json", "w"))
PY
venv/bin/python make.py

cat >read.mjs <<'JS'
import { readFileSync } from 'node:fs';
import { adaptersSEG } from '@cornerstonejs/adapters';
import { metaData } from '@cornerstonejs/core';
const { version } = JSON.parse(readFileSync('node_modules/@cornerstonejs/adapters/package.json', 'utf8'));
const stacks = JSON.parse(readFileSync('known.json', 'utf8'));
const seen = {};
for (const [slices, { series, place, images }] of Object.entries(stacks)) {
  const get = (kind, imageId) => {
    const index = Number(imageId);
    const uid = images[index];
    return {
      generalSeriesModule: { seriesInstanceUID: series, modality: 'CT' },
      generalImageModule: { sopInstanceUID: uid },
      imagePixelModule: { bitsAllocated: 16, rows: 8, columns: 5, samplesPerPixel: 1 },
      instance: { SOPInstanceUID: uid, Rows: 8, Columns: 5 },
      imagePlaneModule: {
        frameOfReferenceUID: place,
        rows: 8,
        columns: 5,
        rowPixelSpacing: 1,
        columnPixelSpacing: 1,
        rowCosines: [1, 0, 0],
        columnCosines: [0, 1, 0],
        imagePositionPatient: [0, 0, index],
      },
    }[kind];
  };
  metaData.removeAllProviders();
  metaData.addProvider(get, 10_000);
  const file = readFileSync(`${slices}.dcm`);
  const bytes = file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength);
  try {
    const { labelMapImages } = await adaptersSEG.Cornerstone3D.Segmentation.createFromDICOMSegBuffer(
      images.map((_, index) => `${index}`),
      bytes,
      { metadataProvider: { get } },
    );
    seen[slices] = labelMapImages
      .flat()
      .reduce((sum, image) => sum + Array.from(image.getPixelData()).filter((value) => value === 1).length, 0);
  } catch (error) {
    seen[slices] = String(error.message ?? error);
  }
  console.log(`@cornerstonejs/adapters ${version}: ${slices} slices:`, seen[slices]);
}
process.exit(seen[2] === 24 && typeof seen[3] === 'string' ? 0 : 1);
JS
node read.mjs
