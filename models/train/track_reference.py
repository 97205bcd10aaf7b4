"""The reference tracking loop: one object group, ONNX Runtime, plain Python. The product's tracker must give the same masks frame by frame.

    python -m models.train.track_reference --model models/compact --frames FOLDER --mask first.png --out FOLDER [--policy gated]

FOLDER holds PNG or JPEG frames (sorted by name). Frames of another size are stretched to the model's input with `cv2.INTER_AREA`; for a comparison
across implementations give frames that already have the model's size. `--mask` is the first frame's mask (non-zero = object; an image with several grey
levels is several objects). Written: one PNG per frame, 0 or the object's number.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from models.train.runtime import open_graph

Array = NDArray[Any]
POLICIES = ("gated", "sam2", "first")


@dataclass(frozen=True)
class Manifest:
    """The part of `model.json` that the loop needs."""

    folder: Path
    raw: dict[str, Any]

    @property
    def height(self) -> int:
        return int(self.raw["input"]["height"])

    @property
    def width(self) -> int:
        return int(self.raw["input"]["width"])

    @property
    def slots(self) -> int:
        return int(self.raw["memory"]["slots"])

    @property
    def tokens(self) -> int:
        return int(self.raw["memory"]["keyShape"][1])

    @property
    def presence_bias(self) -> float:
        """Calibration: an object counts as present where its logit plus this is positive."""
        return float(self.raw["calibration"]["presence"]["bias"])

    @staticmethod
    def read(folder: Path) -> Manifest:
        return Manifest(folder, json.loads((folder / "model.json").read_text()))


@dataclass
class Entry:
    key: Array
    value: Array
    score: float


@dataclass
class Tracked:
    """Output of one frame for all objects of the group."""

    logits: Array  # [N, h, w]
    iou: Array  # [N]
    presence: Array  # [N], logit
    embedding: Array  # [E]

    def mask(self, index: int, height: int, width: int) -> NDArray[np.bool_]:
        """Logits upsampled bilinearly (half-pixel centres) and cut at 0."""
        return cv2.resize(self.logits[index], (width, height), interpolation=cv2.INTER_LINEAR) > 0


@dataclass
class ReferenceTracker:
    """Bank per object = prompt entry + the newest admitted entries, first in first out. `gated` admits an entry whose predicted IoU is above
    `minConfidence` while the object is present (presence logit > 0), `sam2` every entry, `first` none."""

    manifest: Manifest
    prompt_session: onnxruntime.InferenceSession
    track_session: onnxruntime.InferenceSession
    policy: str = "gated"
    min_confidence: float = 0.5
    every: int = 1
    confidence: Callable[[float], float] = float
    """Calibration of the predicted IoU; the gate uses the uncalibrated value."""
    banks: list[list[Entry]] = field(default_factory=list)
    frames: int = 0

    @staticmethod
    def open(folder: Path, policy: str | None = None, threads: int = 2) -> ReferenceTracker:
        manifest = Manifest.read(folder)
        settings = manifest.raw["policy"]
        prompt, track = (open_graph(folder / manifest.raw["graphs"][name]["file"], threads) for name in ("prompt", "track"))
        return ReferenceTracker(manifest, prompt, track, policy or settings["default"], settings["minConfidence"], settings["every"])

    def fit(self, image: Array) -> Array:
        """RGB image of any size -> uint8 [1, H, W, 3], stretched."""
        size = (self.manifest.width, self.manifest.height)
        if (image.shape[1], image.shape[0]) != size:
            image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        return np.ascontiguousarray(image)[None]

    def prompt(self, image: Array, planes: Array, mask_given: Array) -> Tracked:
        """Starts the group anew. image RGB uint8, planes uint8 [N, 4, H, W] 0/255, mask_given float32 [N]."""
        feeds = {"frame": self.fit(image), "prompt": planes, "mask_given": mask_given.astype(np.float32)}
        logits, iou, presence, key, value, embedding = self.prompt_session.run(None, feeds)
        self.banks = [[Entry(key, value[index], 1.0)] for index in range(len(planes))]
        self.frames = 0
        return Tracked(logits, iou, presence, embedding)

    def prompt_masks(self, image: Array, masks: list[Array]) -> Tracked:
        """Starts with given masks (any size, non-zero = object)."""
        planes = np.zeros((len(masks), 4, self.manifest.height, self.manifest.width), np.uint8)
        for index, mask in enumerate(masks):
            area = cv2.resize((mask > 0).astype(np.float32), (self.manifest.width, self.manifest.height), interpolation=cv2.INTER_AREA)
            planes[index, 3] = np.round(area * 255)
        return self.prompt(image, planes, np.ones(len(masks), np.float32))

    def feeds(self, image: Array) -> dict[str, Array]:
        """Inputs of the track graph for the next frame."""
        return {"frame": self.fit(image), **self._bank_tensors()}

    def track(self, image: Array) -> Tracked:
        """Next frame of the stream."""
        logits, iou, presence, key, value, embedding = self.track_session.run(None, self.feeds(image))
        self.frames += 1
        for index, bank in enumerate(self.banks):
            admitted = self.policy == "sam2" or (self.policy == "gated" and iou[index] > self.min_confidence and presence[index] > 0)
            if not admitted or self.frames % self.every:
                continue
            bank.append(Entry(key, value[index], float(iou[index])))
            if len(bank) > self.manifest.slots:
                del bank[1]
        return Tracked(logits, iou, presence, embedding)

    def _bank_tensors(self) -> dict[str, Array]:
        memory, objects, slots = self.manifest.raw["memory"], len(self.banks), self.manifest.slots
        key = np.zeros((objects, slots, *memory["keyShape"]), np.float32)
        value = np.zeros((objects, slots, *memory["valueShape"]), np.float32)
        score, valid = np.zeros((objects, slots), np.float32), np.zeros((objects, slots), np.float32)
        for index, bank in enumerate(self.banks):
            for slot, entry in enumerate(bank):
                key[index, slot], value[index, slot], score[index, slot], valid[index, slot] = entry.key, entry.value, entry.score, 1.0
        return {"memory_key": key, "memory_value": value, "memory_score": score, "memory_valid": valid}


def read_rgb(path: Path) -> Array:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"not a readable image: {path.name}")
    return np.ascontiguousarray(image[..., ::-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--frames", type=Path, required=True)
    parser.add_argument("--mask", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--policy", choices=POLICIES)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    tracker = ReferenceTracker.open(arguments.model, arguments.policy, arguments.threads)
    paths = sorted(path for path in arguments.frames.iterdir() if path.suffix.lower() in (".png", ".jpg", ".jpeg"))
    first = cv2.imread(str(arguments.mask), cv2.IMREAD_GRAYSCALE)
    if first is None or not paths:
        parser.error("no frames or no readable mask")
    levels = [int(level) for level in np.unique(first) if level]
    arguments.out.mkdir(parents=True, exist_ok=True)
    for number, path in enumerate(paths):
        image = read_rgb(path)
        output = tracker.prompt_masks(image, [first == level for level in levels]) if number == 0 else tracker.track(image)
        drawn = np.zeros(image.shape[:2], np.uint8)
        best = np.zeros(image.shape[:2], np.float32)
        for index in range(len(levels)):  # where two objects claim a pixel the larger logit wins
            logit = cv2.resize(output.logits[index], (image.shape[1], image.shape[0]), interpolation=cv2.INTER_LINEAR)
            wins = logit > best
            drawn[wins], best[wins] = index + 1, logit[wins]
        cv2.imwrite(str(arguments.out / f"{path.stem}.png"), drawn)


if __name__ == "__main__":
    main()
