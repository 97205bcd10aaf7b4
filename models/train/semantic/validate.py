"""Figures of an exported echo model through ONNX Runtime, and the constants that make its probabilities right:

    python -m models.train.semantic.validate --model models/echo-lv --out models/echo-lv/validation.json [--calibration calibration.json]

Dice per class and phase and single-plane ejection fraction on the CAMUS validation patients; views refused; other pictures accepted, by kind, none of them used in training.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import cv2
import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from models.train.data.geometry import Random
from models.train.paths import data_root
from models.train.runtime import open_graph
from models.train.semantic.echo_pictures import CLASSES, camus, letterboxed, negative
from models.train.semantic.measure import Predict, dice, measure

Array = np.ndarray


def predictor(folder: Path, threads: int = 2):
    """-> picture [side, side, 3] u8 -> logits [C, side, side], view, quality (both logits)."""
    session = open_graph(folder / "segment.onnx", threads)

    def predict(picture: Array) -> tuple[Array, float, float]:
        logits, view, quality = session.run(None, {"frame": picture[None]})
        side = picture.shape[0]
        return np.stack([cv2.resize(plane, (side, side), interpolation=cv2.INTER_LINEAR) for plane in logits]), float(view[0]), float(quality[0])

    return predict


def softmax(logits: Array) -> Array:
    shares = np.exp(logits - logits.max(0))
    return shares / shares.sum(0)


def other_kinds(side: int) -> dict[str, list[Array]]:
    """Held-out pictures that are no four-chamber view, by kind."""
    root = data_root()
    kinds: dict[str, list[Path]] = {
        "natural video": sorted((root / "davis").glob("*/frames/*"))[::6],
        "robotic instruments": sorted((root / "robotic-instruments/scene-c/frames").glob("*"))[::4],
        "laryngoscopy": sorted((root / "vocalfolds/patient1/seq4/frames").glob("*"))[::2],
    }
    out = {kind: [letterboxed(cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB), side)[0] for path in paths] for kind, paths in kinds.items()}
    out["laparoscopy"] = list(clip_pictures(root / "clips/laparoscopy.mp4", side))[::8]
    random: Random = np.random.default_rng(78)
    out["fans without a heart, torn views, M-mode, noise (drawn)"] = [picture for picture in (negative(random, side) for _ in range(200))]
    return out


def clip_pictures(path: Path, side: int):
    capture = cv2.VideoCapture(str(path))
    while True:
        more, picture = capture.read()
        if not more:
            return
        yield letterboxed(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), side)[0]


def calibrate(predict: Predict, side: int) -> dict[str, dict[str, object]]:
    """Temperature of the class logits (likelihood of the annotated classes), and of the quality against the Dice that came."""
    logits_all, truth_all, quality, reached = [], [], [], []
    random = np.random.default_rng(5)
    for labelled in camus(True):
        box, matrix = letterboxed(labelled.picture, side)
        logits, _, expected = predict(box)
        columns, rows = np.meshgrid(np.arange(side) + 0.5, np.arange(side) + 0.5)
        height, width = labelled.mask.shape
        x = ((columns - matrix[0, 2]) / matrix[0, 0]).astype(int)
        y = ((rows - matrix[1, 2]) / matrix[1, 1]).astype(int)
        inside = (x >= 0) & (y >= 0) & (x < width) & (y < height)
        truth = np.where(inside, labelled.mask[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)], 0)
        chosen = random.integers(0, side * side, 1500)
        logits_all.append(logits.reshape(len(CLASSES), -1)[:, chosen])
        truth_all.append(truth.ravel()[chosen])
        quality.append(expected)
        reached.append(dice(logits.argmax(0) == 1, truth == 1))
    logits_flat, truth_flat = np.concatenate(logits_all, 1), np.concatenate(truth_all)

    def surprise(parameters: Array) -> float:
        shares = softmax(logits_flat / np.exp(parameters[0]))
        return float(-np.log(shares[truth_flat, np.arange(len(truth_flat))] + 1e-12).mean())

    temperature = float(np.exp(minimize(surprise, [0.0], method="Nelder-Mead").x[0]))
    expected, came = np.array(quality), np.array(reached)

    def off(parameters: Array) -> float:
        guess = np.clip(expit((expected + parameters[1]) / np.exp(parameters[0])), 1e-6, 1 - 1e-6)
        return float(-(came * np.log(guess) + (1 - came) * np.log(1 - guess)).mean())

    scale, bias = minimize(off, [0.0, 0.0], method="Nelder-Mead").x
    rounded = lambda value: round(float(value), 4)  # noqa: E731
    return {
        "classes": {"kind": "temperature", "temperature": rounded(temperature), "bias": 0.0},
        "quality": {"kind": "temperature", "temperature": rounded(np.exp(scale)), "bias": rounded(bias)},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--calibration", type=Path, help="write the constants for models.export.semantic here")
    arguments = parser.parse_args()
    manifest = json.loads((arguments.model / "model.json").read_text())
    side = manifest["input"]["height"]
    predict = predictor(arguments.model)
    if arguments.calibration:
        arguments.calibration.write_text(json.dumps(calibrate(predict, side), indent=1) + "\n")

    def probabilities(picture: Array) -> tuple[Array, float, float]:
        logits, view, quality = predict(picture)
        return softmax(logits), float(expit(view)), float(expit(quality))

    figures = measure(probabilities, side, negatives=0)
    accepted = {kind: {"pictures": len(pictures), "accepted": round(float(np.mean([predict(picture)[1] >= 0 for picture in pictures])), 4)} for kind, pictures in other_kinds(side).items() if pictures}
    total = sum(entry["pictures"] for entry in accepted.values())
    share = sum(entry["pictures"] * entry["accepted"] for entry in accepted.values()) / total
    frame = letterboxed(camus(True)[0].picture, side)[0]
    times = []
    for _ in range(200):
        start = time.perf_counter()
        predict(frame)
        times.append(time.perf_counter() - start)
    result = {
        "model": {"version": manifest["version"], "sha256": manifest["graphs"]["segment"]["sha256"]},
        "patients": f"CAMUS 0001-0040, {len(camus(True))} pictures",
        **{name: value for name, value in figures.as_dict().items() if name != "others_accepted"},
        "others_accepted": {"share": round(share, 4), "by_kind": accepted},
        "ms_median_2_threads": round(float(np.median(times)) * 1e3, 2),
    }
    arguments.out.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
