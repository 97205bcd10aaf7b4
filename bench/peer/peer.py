"""The peer of the benchmarks: what an engineer writes in an afternoon. GStreamer decodes, Python loops, onnxruntime runs the same ONNX files with the same
memory, OpenCV draws the outlines and encodes a JPEG for the screen. One process, one loop.

    python bench/peer/peer.py --model models/compact --clip clip.mp4 --boxes '[[x0,y0,x1,y1],…]' --mode throughput|live [--rate 2]

`throughput`: as fast as it goes, every frame. `live`: GStreamer paces the clip (times `--rate`), its queue drops the oldest frame while the loop is busy, and
the age of each frame, from its due time to its JPEG, is measured, without the first second (the prompt and its backlog). Prints one JSON object.

The due time is sonoscope's capture time: a frame is decoded ahead and then held until the clip's clock reaches it; all that follows counts. The clock's zero
comes from a second branch of four pixels that nothing holds up, read by a thread of its own: frames that wait for the loop cannot tell when they were due.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import struct
import subprocess
import sys
import threading
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
    """(PTS in seconds, payload) of every buffer in a GDP stream."""
    while (header := read_exactly(stream, HEADER)) is not None:
        (kind,) = struct.unpack_from(">H", header, 4)
        (length,) = struct.unpack_from(">I", header, 6)
        (pts,) = struct.unpack_from(">Q", header, 10)
        payload = read_exactly(stream, length)
        if payload is None:
            return
        if kind == BUFFER:
            yield pts / 1e9, payload


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

    tick_reader, tick_writer = os.pipe()
    newest = ["queue", "leaky=downstream", "max-size-buffers=1", "max-size-bytes=0", "max-size-time=0", "!"]
    pace = [] if arguments.mode == "throughput" else ["identity", "sync=true", "!", "tee", "name=due", "!", *newest]
    four_pixels = ["videoscale", "method=nearest-neighbour", "!", "videoconvert", "!", "video/x-raw,format=GRAY8,width=4,height=1,pixel-aspect-ratio=1/1"]
    ticking = [] if arguments.mode == "throughput" else ["due.", "!", "queue", "!", *four_pixels, "!", "gdppay", "!", "fdsink", f"fd={tick_writer}"]
    # `rate` by rewriting time stamps: the clip's seconds pass faster.
    speed = [] if arguments.rate == 1 else ["videorate", f"rate={arguments.rate}", "!"]
    command = ["gst-launch-1.0", "-q", "filesrc", f"location={arguments.clip}", "!", "decodebin", "!", *speed, *pace]
    command += ["videoconvert", "!", "video/x-raw,format=RGB", "!", "gdppay", "!", "fdsink", "fd=1", *ticking]
    decoder = subprocess.Popen(command, stdout=subprocess.PIPE, pass_fds=(tick_writer,))
    os.close(tick_writer)
    if decoder.stdout is None:
        raise RuntimeError("no pipe")
    ticks: list[tuple[float, float]] = []

    def listen() -> None:
        with open(tick_reader, "rb") as stream:
            ticks.extend((time.monotonic(), due) for due, _ in frames(stream))

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()

    dues: list[float] = []
    dones: list[float] = []
    bytes_out = 0
    started: float | None = None
    stride = (width * 3 + 3) // 4 * 4
    for number, (due, payload) in enumerate(frames(decoder.stdout)):
        if started is None:
            started = time.monotonic()
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
        listener.join()
        # The clip's zero on the clock: no frame is seen before it is due.
        zero = min(seen - due for seen, due in ticks)
        first = ticks[0][1]
        ages = np.array([(done - zero - due) * 1000 for done, due in zip(dones, dues, strict=True) if due - first >= 1])
        result["captured"] = len(ticks)
        result["ageMs"] = {name: float(np.percentile(ages, q)) for name, q in (("p50", 50), ("p95", 95), ("p99", 99), ("max", 100))}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
