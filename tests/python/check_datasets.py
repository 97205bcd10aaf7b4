"""Makes the data set fixtures that need the field's own writers, and says what our readers must find in them.

Input: {"camus": folder, "tracing": {"chords": [[x1, y1, x2, y2], ...], "width": w, "height": h}}
"""
import base64
import json
import sys
from pathlib import Path

import cv2
import nibabel as nib
import numpy as np

request = json.load(sys.stdin)
rng = np.random.default_rng(3)
folder = Path(request["camus"]) / "patient0007"
folder.mkdir(parents=True)
width, height, frames = 20, 31, 5
x, y = np.meshgrid(np.arange(width), np.arange(height), indexing="ij")
affine = np.diag([0.3, 0.15, 1, 1])
truths = {}
for view in ("2CH", "4CH"):
    picture = np.zeros((width, height, frames), np.uint8)
    truth = np.zeros((width, height, frames), np.uint8)
    for t in range(frames):
        radius = np.hypot(x - 9, (y - 12) / 1.4)
        truth[..., t][radius < 8] = 2
        truth[..., t][radius < 4 + t % 3] = 1
        truth[..., t][np.hypot(x - 9, y - 27) < 3] = 3
        picture[..., t] = 60 * truth[..., t] + rng.integers(0, 20, (width, height))
    nib.save(nib.Nifti1Image(picture, affine), folder / f"patient0007_{view}_half_sequence.nii.gz")
    nib.save(nib.Nifti1Image(truth.astype(np.int16 if view == "4CH" else np.uint8), affine),
             folder / f"patient0007_{view}_half_sequence_gt.nii.gz")
    (folder / f"Info_{view}.cfg").write_text("ED: 1\nES: 5\nNbFrame: 5\nSex: F\nFrameRate: 45.5\n")
    truths[view] = [base64.b64encode(np.ascontiguousarray(truth[..., t].T).tobytes()).decode() for t in range(frames)]

tracing = request["tracing"]
chords = np.array(tracing["chords"])[1:]
outline = np.concatenate([chords[:, :2], chords[::-1, 2:]])
outline = np.rint(outline).astype(np.int32)
mask = [[cv2.pointPolygonTest(outline, (float(px), float(py)), False) >= 0 for px in range(tracing["width"])]
        for py in range(tracing["height"])]
json.dump({"camus": truths, "tracing": base64.b64encode(np.array(mask, np.uint8).tobytes()).decode()}, sys.stdout)
