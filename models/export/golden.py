"""Golden cases: a drawn frame pair with a prompt, and what ONNX Runtime's CPU provider answers. Any provider must agree within the manifest's tolerance.

Input entries of `golden.json`:
- `{"file", "dtype", "shape", "encoding": "png"}`: PNG whose decoded bytes, row by row, are the tensor (RGB for `frame`; grey, planes stacked below each
  other, for `prompt`),
- `{"value": [...], "dtype", "shape"}`: the numbers themselves,
- `{"from": "prompt.key", "slot": 0, "dtype", "shape"}`: output `key` of the case with graph `prompt` goes into this slot, all other slots are zero.
Outputs: raw little-endian float32 in `.bin` files.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime

from models.train.runtime import open_graph
from models.train.track_reference import Array

STORED_OUTPUTS = ("logits", "iou", "presence")


def golden_frames(height: int, width: int) -> tuple[Array, Array, Array]:
    """Two RGB frames of a disk and a bar that move over a soft background, and the disk's mask in the first."""
    frames = []
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    masks = []
    for step in range(2):
        image = np.stack([120 + 40 * np.sin(columns / 60), 70 + 20 * np.cos(rows / 45), 60 + 0 * rows], 2)
        image = image.astype(np.uint8) // 4 * 4
        cv2.rectangle(image, (int(width * 0.62) - 6 * step, 0), (int(width * 0.70) - 6 * step, int(height * 0.6)), (190, 190, 200), -1)
        centre = (int(width * 0.35) + 8 * step, int(height * 0.55) + 4 * step)
        cv2.circle(image, centre, height // 6, (220, 180, 90), -1)
        cv2.circle(image, (centre[0] - 8, centre[1] - 8), height // 24, (245, 230, 190), -1)
        mask = np.zeros((height, width), np.uint8)
        cv2.circle(mask, centre, height // 6, 255, -1)
        frames.append(image)
        masks.append(mask)
    return frames[0], frames[1], masks[0]


def write_golden(folder: Path, manifest: dict[str, Any]) -> None:
    """Runs both graphs of `folder` and writes `golden/`."""
    target = folder / "golden"
    target.mkdir(exist_ok=True)
    height, width = manifest["input"]["height"], manifest["input"]["width"]
    memory = manifest["memory"]
    first, second, mask = golden_frames(height, width)
    planes = np.zeros((1, 4, height, width), np.uint8)
    cv2.circle(planes[0, 0], (int(width * 0.35), int(height * 0.55)), manifest["clickRadius"], 255, -1)
    planes[0, 3] = mask
    cv2.imwrite(str(target / "frame0.png"), first[..., ::-1])
    cv2.imwrite(str(target / "frame1.png"), second[..., ::-1])
    cv2.imwrite(str(target / "prompt.png"), planes[0].reshape(-1, width))

    def session(graph: str) -> onnxruntime.InferenceSession:
        return open_graph(folder / manifest["graphs"][graph]["file"])

    def image_input(file: str, shape: list[int]) -> dict[str, Any]:
        return {"file": file, "dtype": "uint8", "shape": shape, "encoding": "png"}

    def store(graph: str, outputs: dict[str, Array]) -> dict[str, Any]:
        described = {}
        for name in STORED_OUTPUTS:
            file = f"{graph}.{name}.bin"
            (target / file).write_bytes(outputs[name].astype("<f4").tobytes())
            described[name] = {"file": file, "dtype": "float32", "shape": list(outputs[name].shape)}
        return described

    names = [entry["name"] for entry in manifest["graphs"]["prompt"]["outputs"]]
    given = np.ones(1, np.float32)
    prompt = dict(zip(names, session("prompt").run(None, {"frame": first[None], "prompt": planes, "mask_given": given}), strict=True))
    slots = memory["slots"]
    key, value = np.zeros((1, slots, *memory["keyShape"]), np.float32), np.zeros((1, slots, *memory["valueShape"]), np.float32)
    key[0, 0], value[0, 0] = prompt["key"], prompt["value"][0]
    used = np.zeros((1, slots), np.float32)
    used[0, 0] = 1
    feeds = {"frame": second[None], "memory_key": key, "memory_value": value, "memory_score": used, "memory_valid": used}
    track = dict(zip(names, session("track").run(None, feeds), strict=True))
    slot_values = {"value": used[0].tolist(), "dtype": "float32", "shape": [1, slots]}
    cases = [
        {
            "graph": "prompt",
            "inputs": {
                "frame": image_input("frame0.png", [1, height, width, 3]),
                "prompt": image_input("prompt.png", [1, 4, height, width]),
                "mask_given": {"value": [1.0], "dtype": "float32", "shape": [1]},
            },
            "outputs": store("prompt", prompt),
        },
        {
            "graph": "track",
            "inputs": {
                "frame": image_input("frame1.png", [1, height, width, 3]),
                "memory_key": {"from": "prompt.key", "slot": 0, "dtype": "float32", "shape": list(key.shape)},
                "memory_value": {"from": "prompt.value", "slot": 0, "dtype": "float32", "shape": list(value.shape)},
                "memory_score": slot_values,
                "memory_valid": slot_values,
            },
            "outputs": store("track", track),
        },
    ]
    (target / "golden.json").write_text(json.dumps({"schemaVersion": 1, "cases": cases}, indent=1) + "\n")
