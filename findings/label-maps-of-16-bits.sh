#!/usr/bin/env bash
# Label maps of sixteen bits through the grey modes of OpenCV and Pillow, as loaders of data sets call them.
#
# Expected (guess before the first run): both give the labels, or both refuse; at least the same.
# Seen: OpenCV's IMREAD_GRAYSCALE divides by 256: labels 1 and 2 become 0 (an empty mask), 1001 and 1002 both become 3. Pillow's
#   convert("L") cuts at 255: 1 and 2 stay, 1001 and 1002 both become 255, which many loaders leave out as void. IMREAD_UNCHANGED and numpy.asarray(Image.open(...)) keep the labels.
#   None of them warns.
# Versions: opencv-python-headless 5.0.0.93, Pillow 13.0.0, numpy 2.4.6, Python 3.11 or newer.
# Why it matters: instance masks of many tools are uint16 PNGs. A loader that asks for grey gets an empty or a merged truth, and a perfect
#   prediction scores 0.
# Exit status: 0 as long as it is as described, 1 when it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check opencv-python-headless==5.0.0.93 pillow==13.0.0 numpy==2.4.6
cat >read.py <<'PY'
import sys
import cv2, numpy as np
from PIL import Image
labels = np.zeros((4, 8), np.uint16)
labels[0, :4] = (1, 2, 1001, 1002)
assert cv2.imwrite("labels.png", labels)
seen = {
    "OpenCV, unchanged": cv2.imread("labels.png", cv2.IMREAD_UNCHANGED),
    "OpenCV, grey": cv2.imread("labels.png", cv2.IMREAD_GRAYSCALE),
    "Pillow, as it comes": np.asarray(Image.open("labels.png")),
    "Pillow, convert L": np.asarray(Image.open("labels.png").convert("L")),
}
for name, values in seen.items():
    print(f"{name}: 1, 2, 1001, 1002 -> {', '.join(str(int(v)) for v in values[0, :4])} ({values.dtype})")
first = {name: values[0, :4].astype(int).tolist() for name, values in seen.items()}
sys.exit(
    first["OpenCV, unchanged"] != [1, 2, 1001, 1002]
    or first["Pillow, as it comes"] != [1, 2, 1001, 1002]
    or first["OpenCV, grey"][:2] != [0, 0]
    or first["OpenCV, grey"][2] != first["OpenCV, grey"][3]
    or first["Pillow, convert L"] == first["OpenCV, grey"]
    or first["Pillow, convert L"] == [1, 2, 1001, 1002]
)
PY
venv/bin/python read.py
