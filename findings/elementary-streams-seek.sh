#!/usr/bin/env bash
# FFmpeg 7.0.2 and OpenCV 4.11.0: going to a picture in H.264, HEVC and MPEG-2 without a container.
#
# Expected (guess before it was run): as in an MP4 of the same pictures, 2 seconds at 25 per second lead to picture 50; or the program says that it cannot go there.
# Seen: `ffmpeg -ss 2 -i` ends with exit code 0 and no picture at all of H.264 and HEVC, and begins at picture 46 of MPEG-2. OpenCV's VideoCapture counts -192153584101141 pictures,
#   answers "set CAP_PROP_POS_FRAMES to 50" with True in all three, and reads picture 0. Read from the beginning, both give all 100 pictures in order. The MP4 is right in both.
# Versions: FFmpeg 7.0.2 (imageio-ffmpeg 0.6.0, static build), opencv-python-headless 4.11.0.86, numpy 2.2.4.
# Why it matters: endoscopes store video in DICOM objects as such streams, and many take them out and cut or sample them by time or number. They get nothing, or the wrong pictures, without an error.
# Exit status: 0 as long as it is as described, 1 when it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check imageio-ffmpeg==0.6.0 opencv-python-headless==4.11.0.86 numpy==2.2.4

cat >seek.py <<'PY'
import subprocess
import sys

import cv2
import imageio_ffmpeg
import numpy as np

ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
print(f"FFmpeg {imageio_ffmpeg.get_ffmpeg_version()}, OpenCV {cv2.__version__}")

# Picture n of 100 is one grey, 20 + 2 n: the grey of what is read tells its number.
pictures = np.concatenate([np.full((1, 64, 64), 20 + 2 * n, np.uint8) for n in range(100)])
raw = ["-f", "rawvideo", "-pix_fmt", "gray"]
h264 = ["-c:v", "libx264", "-g", "25"]
coders = {
    "a.mp4": h264,
    "a.h264": h264,
    "a.hevc": ["-c:v", "libx265", "-g", "25", "-x265-params", "log-level=none"],
    "a.m2v": ["-c:v", "mpeg2video", "-g", "12", "-q:v", "2"],
}


def greys_of(arguments):
    run = subprocess.run([ffmpeg, "-v", "error", *arguments, *raw, "-"], capture_output=True, check=False)
    return run.returncode, np.frombuffer(run.stdout, np.uint8).reshape(-1, 64 * 64).mean(axis=1)


def number_of(grey, greys):
    return int(np.argmin(np.abs(np.array(greys) - grey)))


def opencv(name):
    whole, greys = cv2.VideoCapture(name), []
    while True:
        there, picture = whole.read()
        if not there:
            break
        greys.append(picture.mean())
    capture = cv2.VideoCapture(name)
    said = capture.set(cv2.CAP_PROP_POS_FRAMES, 50)
    there, picture = capture.read()
    first = number_of(picture.mean(), greys) if there else None
    return len(greys), int(capture.get(cv2.CAP_PROP_FRAME_COUNT)), said, first


expected = {
    "a.mp4": ((0, 50, 50), (100, 100, True, 50)),
    "a.h264": ((0, 0, None), (100, -192153584101141, True, 0)),
    "a.hevc": ((0, 0, None), (100, -192153584101141, True, 0)),
    "a.m2v": ((0, 54, 46), (100, -192153584101141, True, 0)),
}
seen = {}
for name, coder in coders.items():
    subprocess.run(
        [ffmpeg, "-v", "error", *raw, "-s", "64x64", "-r", "25", "-i", "-", "-threads", "1", *coder, "-pix_fmt", "yuv420p", name],
        input=pictures.tobytes(),
        check=True,
    )
    _, greys = greys_of(["-i", name])
    assert len(greys) == 100 and (np.diff(greys) > 0).all(), name
    code, there = greys_of(["-ss", "2", "-i", name])
    seen[name] = ((code, len(there), number_of(there[0], greys) if len(there) else None), opencv(name))
    (code, count, first), (read, told, said, went_to) = seen[name]
    print(f"{name:7} ffmpeg -ss 2: exit {code}, {count} pictures, first {first}")
    print(f"{name:7} OpenCV: {read} pictures read, {told} told, set to 50: {said}, then reads picture {went_to}")
sys.exit(0 if seen == expected else 1)
PY
nice venv/bin/python seek.py && echo "as described" || { echo "CHANGED"; exit 1; }
