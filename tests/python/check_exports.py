"""Reads what the exporters wrote with the field's own readers and hands back the masks that they see.

Input (JSON): {"directory", "clip", "width", "height", "labels"}. Output: per format what the reader found; masks as row-major
bytes in base64.
"""
import base64
import csv
import json
import sys
from pathlib import Path

import cv2
import highdicom as hd
import nibabel as nib
import numpy as np
import pydicom
from PIL import Image
from pycocotools.coco import COCO

request = json.load(sys.stdin)
answer, sys.stdout = sys.stdout, sys.stderr  # pycocotools talks while it reads
root = Path(request["directory"])
clip = root / request["clip"]
shape = request["height"], request["width"]
result = {}


def encode(mask):
    mask = np.asarray(mask)
    assert mask.shape == shape, (mask.shape, shape)
    return base64.b64encode(np.ascontiguousarray(mask.astype(np.uint8)).tobytes()).decode()


if (path := clip / "coco.json").exists():
    coco = COCO(str(path))
    frames = []
    for image in coco.loadImgs(sorted(coco.getImgIds())):
        found = {}
        for annotation in coco.loadAnns(coco.getAnnIds(imgIds=[image["id"]])):
            mask = coco.annToMask(annotation)
            ys, xs = np.nonzero(mask)
            box = [xs.min(), ys.min(), xs.max() - xs.min() + 1, ys.max() - ys.min() + 1]
            assert [int(v) for v in box] == annotation["bbox"] and int(mask.sum()) == annotation["area"]
            found[coco.loadCats([annotation["category_id"]])[0]["name"]] = encode(mask)
        frames.append({"frame": image["frame_index"], "objects": found})
    result["coco"] = {"frames": frames, "sizes": sorted({(i["width"], i["height"]) for i in coco.imgs.values()})}

if any((clip / label).is_dir() for label in request["labels"]):
    result["png"] = {
        label: {file.stem: encode(np.array(Image.open(file)) == 255) for file in sorted((clip / label).glob("*.png"))}
        for label in request["labels"]
    }
    values = {int(v) for label in request["labels"] for f in (clip / label).glob("*.png") for v in np.unique(np.array(Image.open(f)))}
    result["pngValues"] = sorted(values)

if (folder := clip / "indexed").is_dir():
    pictures = {file.stem: Image.open(file) for file in sorted(folder.glob("*.png"))}
    assert all(p.mode == "P" for p in pictures.values())
    result["indexed"] = {name: encode(np.array(p)) for name, p in pictures.items()}
    result["palette"] = next(iter(pictures.values())).getpalette()[:12]

if (folder := root / "davis").is_dir():
    name = request["clip"]
    masks = sorted((folder / "Annotations/480p" / name).glob("*.png"))
    pictures = sorted((folder / "JPEGImages/480p" / name).glob("*.jpg"))
    assert [m.stem for m in masks] == [p.stem for p in pictures]
    assert all(cv2.imread(str(p)).shape[:2] == shape for p in pictures)
    result["davis"] = {m.stem: encode(np.array(Image.open(m))) for m in masks}

if (path := clip / "labels.nii.gz").exists():
    image = nib.load(path)
    data = np.asanyarray(image.dataobj)
    result["nifti"] = {
        "shape": list(data.shape),
        "zooms": [float(z) for z in image.header.get_zooms()],
        "units": list(image.header.get_xyzt_units()),
        "affine": image.affine.tolist(),
        "qform": image.get_qform().tolist(),
        "dtype": str(data.dtype),
        "frames": [encode(data[:, :, 0, t].T) for t in range(data.shape[3])],
    }

if (path := clip / "segmentation.dcm").exists():
    raw = pydicom.dcmread(path)
    seg = hd.seg.segread(path)
    frames = []
    pixels = raw.pixel_array.reshape((-1,) + shape)
    for item, mask in zip(raw.PerFrameFunctionalGroupsSequence, pixels, strict=True):
        number = item.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        source = None
        if "DerivationImageSequence" in item:
            reference = item.DerivationImageSequence[0].SourceImageSequence[0]
            source = [reference.ReferencedSOPInstanceUID, int(reference.ReferencedFrameNumber)]
        frames.append({
            "segment": seg.get_segment_description(number).segment_label,
            "dimensions": list(item.FrameContentSequence[0].DimensionIndexValues),
            "source": source,
            "mask": encode(mask),
        })
    by_source = None
    if request.get("sourceFrames"):
        # highdicom's own look-up: masks of given frames of the source instance.
        stack = seg.get_pixels_by_source_frame(
            request["sopInstanceUid"], request["sourceFrames"], combine_segments=False,
            assert_missing_frames_are_empty=True)
        by_source = [[encode(stack[f, :, :, s]) for s in range(stack.shape[3])] for f in range(stack.shape[0])]
    result["dicomSeg"] = {
        "frames": frames,
        "bySource": by_source,
        "segments": [
            {
                "label": s.segment_label,
                "category": [s.segmented_property_category.value, s.segmented_property_category.meaning],
                "type": [s.segmented_property_type.value, s.segmented_property_type.meaning],
            }
            for s in (seg.get_segment_description(n) for n in seg.segment_numbers)
        ],
        "patient": [str(raw.PatientName), raw.PatientID],
        "study": raw.StudyInstanceUID,
        "overlap": raw.SegmentsOverlap,
        "spacing": [float(v) for v in raw.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing]
        if "PixelMeasuresSequence" in raw.SharedFunctionalGroupsSequence[0] else None,
    }

if (path := clip / "objects.csv").exists():
    with open(path, newline="") as file:
        result["csv"] = list(csv.DictReader(file))

if (path := clip / "overlay.mp4").exists():
    video = cv2.VideoCapture(str(path))
    times, means = [], []
    while True:
        ok, picture = video.read()
        if not ok:
            break
        times.append(video.get(cv2.CAP_PROP_POS_MSEC))
        means.append([float(v) for v in picture[request["probe"][1], request["probe"][0], ::-1]])
        size = picture.shape[:2]
    result["mp4"] = {"times": times, "probe": means, "size": [size[1], size[0]]}

json.dump(result, answer)
