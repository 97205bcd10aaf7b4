"""Runs the Python reference loop of models/train over raw frames, for tests/process/parity.test.ts.

Input (JSON on standard input): {"model": folder, "frames": file of uint8 [F, H, W, 3], "masks": file of uint8 [N, H, W], "policy": name, "threads": n}.
Output: per frame and object the mask as row-major packed bits (base64) and the predicted IoU.

The mask is upsampled here in NumPy float64 (half-pixel centres), independently of both implementations' own resizing code.
"""

import base64
import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))
from models.train.track_reference import ReferenceTracker  # noqa: E402


def axis(source: int, target: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    position = np.maximum((np.arange(target) + 0.5) * (source / target) - 0.5, 0)
    first = np.minimum(np.floor(position).astype(int), source - 1)
    return first, np.minimum(first + 1, source - 1), position - first


def mask(logits: np.ndarray, height: int, width: int) -> np.ndarray:
    values = logits.astype(np.float64)
    x0, x1, wx = axis(values.shape[1], width)
    y0, y1, wy = axis(values.shape[0], height)
    columns = (1 - wx) * values[:, x0] + wx * values[:, x1]
    return (1 - wy)[:, None] * columns[y0] + wy[:, None] * columns[y1] > 0


def main() -> None:
    request = json.load(sys.stdin)
    tracker = ReferenceTracker.open(Path(request["model"]), request["policy"], request["threads"])
    height, width = tracker.manifest.height, tracker.manifest.width
    frames = np.fromfile(request["frames"], np.uint8).reshape(-1, height, width, 3)
    masks = np.fromfile(request["masks"], np.uint8).reshape(-1, height, width)
    results = []
    for number, frame in enumerate(frames):
        output = tracker.prompt_masks(frame, list(masks)) if number == 0 else tracker.track(frame)
        results.append(
            [
                {"bits": base64.b64encode(np.packbits(mask(logits, height, width)).tobytes()).decode(), "iou": float(iou)}
                for logits, iou in zip(output.logits, output.iou, strict=True)
            ]
        )
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
