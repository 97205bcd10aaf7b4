"""The peer of the benchmarks: what an engineer writes in an afternoon. GStreamer decodes, Python loops, onnxruntime runs the same ONNX files with the same
memory, OpenCV draws the outlines and encodes a JPEG for the screen. One process, one loop.

    python bench/peer/peer.py --model models/compact --clip clip.mp4 --boxes '[[x0,y0,x1,y1],…]' --mode throughput|live [--rate 2]

`throughput`: as fast as it goes, every frame. `live`: GStreamer paces the clip (times `--rate`), its queue drops the oldest frame while the loop is busy, and
the age of each frame, from its due time to its JPEG, is measured. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[2]))
from models.train.track_reference import ReferenceTracker  # noqa: E402

HEADER = 62
BUFFER = 1


def read_exactly(stream: BinaryIO, count: int) -> bytes | None:
    data = stream.read(count)
    return data if len(data) == count else None


def frames(stream: BinaryIO) -> Iterator[tuple[float, bytes]]:
    """(seconds within the clip, payload) of every buffer in a GDP stream."""
    first: int | None = None
    while (header := read_exactly(stream, HEADER)) is not None:
        (kind,) = struct.unpack_from(">H", header, 4)
        (length,) = struct.unpack_from(">I", header, 6)
        (pts,) = struct.unpack_from(">Q", header, 10)
        payload = read_exactly(stream, length)
        if payload is None:
            return
        if kind == BUFFER:
            first = pts if first is None else first
            yield (pts - first) / 1e9, payload


def planes_of(boxes: list[list[float]], tracker: ReferenceTracker, size: tuple[int, int]) -> NDArray[Any]:
    height, width = tracker.manifest.height, tracker.manifest.width
    planes = np.zeros((len(boxes), 4, height, width), np.uint8)
    for index, (x0, y0, x1, y1) in enumerate(boxes):
        left, right = round(x0 * width / size[0]), round(x1 * width / size[0])
        top, bottom = round(y0 * height / size[1]), round(y1 * height / size[1])
        planes[index, 2, top:bottom, left:right] = 255
    return planes


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--clip", required=True)
    parser.add_argument("--boxes", type=json.loads, required=True)
    parser.add_argument("--size", type=json.loads, required=True, help="[width, height] of the clip")
    parser.add_argument("--mode", choices=["throughput", "live"], required=True)
    parser.add_argument("--rate", type=float, default=1.0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--quality", type=int, default=85)
    arguments = parser.parse_args()
    width, height = arguments.size

    tracker = ReferenceTracker.open(arguments.model, threads=arguments.threads)
    planes = planes_of(arguments.boxes, tracker, (width, height))
    # One call before the clock starts, as any program would warm up.
    tracker.prompt(np.zeros((tracker.manifest.height, tracker.manifest.width, 3), np.uint8), planes, np.zeros(len(planes)))
    tracker.track(np.zeros((tracker.manifest.height, tracker.manifest.width, 3), np.uint8))

    pace = [] if arguments.mode == "throughput" else ["identity", "sync=true", "!", "queue", "leaky=downstream", "max-size-buffers=1", "max-size-bytes=0", "max-size-time=0", "!"]
    # `rate` by rewriting time stamps: the clip's seconds pass faster.
    speed = [] if arguments.rate == 1 else ["videorate", f"rate={arguments.rate}", "!"]
    command = ["gst-launch-1.0", "-q", "filesrc", f"location={arguments.clip}", "!", "decodebin", "!", *speed]
    command += ["videoconvert", "!", "video/x-raw,format=RGB", "!", *pace, "gdppay", "!", "fdsink", "fd=1"]
    decoder = subprocess.Popen(command, stdout=subprocess.PIPE)
    if decoder.stdout is None:
        raise RuntimeError("no pipe")

    arrivals: list[float] = []
    dues: list[float] = []
    dones: list[float] = []
    bytes_out = 0
    started: float | None = None
    stride = (width * 3 + 3) // 4 * 4
    for number, (due, payload) in enumerate(frames(decoder.stdout)):
        arrivals.append(time.monotonic())
        if started is None:
            started = arrivals[0]
            own_before = resource.getrusage(resource.RUSAGE_SELF)
        rows = np.frombuffer(payload, np.uint8).reshape(height, stride)
        image = rows[:, : width * 3].reshape(height, width, 3)
        output = tracker.prompt(image, planes, np.zeros(len(planes))) if number == 0 else tracker.track(image)
        shown = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        for index in range(len(planes)):
            mask = output.mask(index, height, width).astype(np.uint8)
            contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
            cv2.drawContours(shown, contours, -1, (0, 255, 255), 2)
        _, jpeg = cv2.imencode(".jpg", shown, [cv2.IMWRITE_JPEG_QUALITY, arguments.quality])
        bytes_out += len(jpeg)
        dues.append(due)
        dones.append(time.monotonic())
    decoder.wait()
    if decoder.returncode != 0 or not dones or started is None:
        raise SystemExit(f"GStreamer ended with {decoder.returncode} after {len(dones)} frames")

    # The clip's zero on the clock: no frame arrives before it is due.
    zero = min(arrival - due for arrival, due in zip(arrivals, dues, strict=True))
    ages = np.array([(done - zero - due) * 1000 for done, due in zip(dones, dues, strict=True)])
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    result: dict[str, Any] = {
        "frames": len(dones),
        "seconds": dones[-1] - started,
        "framesPerSecond": len(dones) / (dones[-1] - started),
        "jpegBytes": bytes_out,
        "cpuSeconds": own.ru_utime + own.ru_stime - own_before.ru_utime - own_before.ru_stime + children.ru_utime + children.ru_stime,
        "versions": {"onnxruntime": __import__("onnxruntime").__version__, "opencv": cv2.__version__, "python": sys.version.split()[0]},
        "pid": os.getpid(),
    }
    if arguments.mode == "live":
        result["ageMs"] = {name: float(np.percentile(ages, q)) for name, q in (("p50", 50), ("p95", 95), ("p99", 99), ("max", 100))}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
