"""Reads DICOM objects that an export wrote with the field's own readers: pydicom, highdicom, SimpleITK, dcmqi.

Input (JSON): {"clips": {name: folder}}; each folder has segmentation.dcm, report.dcm and capture.dcm. Output by name: pixel counts of
every frame as each reader sees them, the content of the report, the capture's pictures and attributes.
"""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import SimpleITK as sitk

request = json.load(sys.stdin)
answer, sys.stdout = sys.stdout, sys.stderr


def counts(stack):
    stack = np.asarray(stack)
    return [int(n) for n in (stack.reshape((-1,) + stack.shape[-2:]) > 0).sum((1, 2))]


def itk(path):
    try:
        image = sitk.ReadImage(str(path))
    except RuntimeError as error:
        return {"refused": " ".join(str(error).split())[-100:]}
    return {"counts": counts(sitk.GetArrayFromImage(image)), "spacing": list(image.GetSpacing())}


def dcmqi(path):
    """One volume per segment, empty where a moment has no mask."""
    with tempfile.TemporaryDirectory() as folder:
        command = [str(Path(sys.executable).parent / "segimage2itkimage"), "--inputDICOM", str(path), "--outputDirectory", folder, "-t", "nii"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            return {"refused": (done.stderr or done.stdout)[-300:]}
        return {"counts": [counts(sitk.GetArrayFromImage(sitk.ReadImage(str(file)))) for file in sorted(Path(folder).glob("*.nii*"))]}


def segmentation(path):
    raw = pydicom.dcmread(path)
    shared = raw.SharedFunctionalGroupsSequence[0]
    first = raw.PerFrameFunctionalGroupsSequence[0]
    source = [item for group in first.get("DerivationImageSequence", []) for item in group.SourceImageSequence]
    return {
        "pydicom": counts(raw.pixel_array),
        "highdicom": counts(hd.seg.segread(path).pixel_array),
        "itk": itk(path),
        "dcmqi": dcmqi(path),
        "sopInstance": raw.SOPInstanceUID,
        "patient": [str(raw.PatientName), raw.PatientID, raw.PatientBirthDate, raw.PatientSex],
        "study": [raw.StudyInstanceUID, raw.StudyDate, raw.StudyTime],
        "zone": raw.get("TimezoneOffsetFromUTC"),
        "lossy": [raw.LossyImageCompression, raw.get("LossyImageCompressionRatio"), raw.get("LossyImageCompressionMethod")],
        "frameOfReference": raw.FrameOfReferenceUID,
        "orientation": [float(v) for v in shared.PlaneOrientationSequence[0].ImageOrientationPatient],
        "spacing": [float(v) for v in shared.PixelMeasuresSequence[0].PixelSpacing],
        "positions": [[float(v) for v in g.PlanePositionSequence[0].ImagePositionPatient] for g in raw.PerFrameFunctionalGroupsSequence],
        "algorithm": [s.SegmentAlgorithmType for s in raw.SegmentSequence],
        "labels": [s.SegmentLabel for s in raw.SegmentSequence],
        "tracking": [s.TrackingUID for s in raw.SegmentSequence],
        "sourceFrames": [item.get("ReferencedFrameNumber") for item in source],
        "comment": raw.ImageComments,
    }


def measurement(m):
    return {
        "name": m.name.value,
        "value": m.value,
        "unit": m.unit.value,
        "derivation": m.derivation.meaning if m.derivation else None,
        "method": m.method.value if m.method else None,
        "images": [[r.referenced_sop_instance_uid, r.referenced_frame_numbers] for r in m.referenced_images],
    }


def segment(found):
    (item,) = [i for i in found if i.ConceptNameCodeSequence[0].CodeValue == "121191"]
    reference = item.ReferencedSOPSequence[0]
    sources = [i for i in found if i.ConceptNameCodeSequence[0].CodeValue in ("121232", "121233")]
    return [reference.ReferencedSOPInstanceUID, reference.ReferencedSegmentNumber, len(sources)]


def report(path):
    sr = hd.sr.srread(path)

    def texts(content):
        for item in content:
            if item.ValueType == "TEXT" and item.ConceptNameCodeSequence[0].CodeValue == "121106":
                yield item.TextValue
            if "ContentSequence" in item:
                yield from texts(item.ContentSequence)

    return {
        "class": type(sr).__name__,
        "patient": [str(sr.PatientName), sr.PatientID],
        "study": sr.StudyInstanceUID,
        "objects": [
            {
                "tracking": [g.tracking_identifier, g.tracking_uid],
                "finding": g.finding_type.meaning,
                "segment": segment(g.referenced_segment),
                "measurements": [measurement(m) for m in g.get_measurements()],
            }
            for g in sr.content.get_volumetric_roi_measurement_groups()
        ],
        "heart": [
            {"tracking": g.tracking_identifier, "measurements": [measurement(m) for m in g.get_measurements()]}
            for g in sr.content.get_image_measurement_groups()
        ],
        "texts": list(texts(sr.ContentSequence)),
    }


def capture(path):
    raw = pydicom.dcmread(path)
    pictures = raw.pixel_array
    pictures = pictures.reshape((-1,) + pictures.shape[-3:])
    rate = raw.get("FrameTimeVector")
    return {
        "shape": list(pictures.shape),
        "colours": [[int(v) for v in p[1, -2]] for p in pictures],
        "edge": [int(v) for v in pictures[0, request["edge"][1], request["edge"][0]]],
        "strip": [int(v) for v in (pictures[:, request["height"]:] > 128).sum((1, 2, 3))],
        "imageType": list(raw.ImageType),
        "burned": raw.BurnedInAnnotation,
        "description": raw.DerivationDescription,
        "lossy": [raw.LossyImageCompression, raw.LossyImageCompressionRatio, raw.LossyImageCompressionMethod],
        "times": [float(v) for v in rate] if rate is not None else raw.get("FrameTime"),
        "modality": raw.Modality,
        "study": raw.StudyInstanceUID,
    }


json.dump(
    {
        name: {
            "segmentation": segmentation(Path(folder) / "segmentation.dcm"),
            "report": report(Path(folder) / "report.dcm"),
            "capture": capture(Path(folder) / "capture.dcm"),
        }
        for name, folder in request["clips"].items()
    },
    answer,
    default=lambda v: [float(x) if not isinstance(x, str) else x for x in v] if hasattr(v, "__iter__") else (float(v) if hasattr(v, "__float__") else str(v)),
)
