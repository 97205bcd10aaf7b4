"""Constants of the filter over time (`temporal` in model.json): outlines of beating hearts (cines.py) by each choice:

    python -m models.train.semantic.steady --out bench/echo/steady.json [--training-patients 18]

Chosen on patients whose stills the network was trained on, judged on the validation patients. The network looks at the whole picture (the product looks closer), the filter is that of `src/semantic/temporal-filter.ts`,
outlines are compared at 192 x 192 with the annotation carried along. Figures as in fusion.py; `area`: mean absolute error of the fractional area change from ED to ES of the beats, points.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import cv2
import numpy as np

from models.train.paths import MODELS
from models.train.runtime import open_graph
from models.train.semantic.cines import Array, cine
from models.train.semantic.echo_pictures import Labelled, camus, letterboxed
from models.train.semantic.fusion import EVERY as FRAMES_PER_SECOND
from models.train.semantic.measure import dice, largest_component

SIDE = 192
CHOICES: dict[str, tuple[float, float, float] | None] = {
    "each picture alone": None,
    "60 ms, change 3, drift 0.75 (ships)": (60, 3, 0.75),
    "60 ms, change 6, drift 2.5": (60, 6, 2.5),
    "15 ms, change 16, drift 6": (15, 16, 6),
    "20 ms, change 16, drift 6": (20, 16, 6),
    "25 ms, change 16, drift 6": (25, 16, 6),
    "30 ms, change 16, drift 6": (30, 16, 6),
    "40 ms, change 16, drift 6": (40, 16, 6),
}
"""Half-life, change, drift."""
CELL = 4


def steadied(logits: list[Array], temperature: float, choice: tuple[float, float, float] | None) -> list[Array]:
    """[C, h, w] each -> the same, blended as the product does, from picture to picture at 25 per second."""
    if choice is None:
        return logits
    half_life, change, drift = choice
    rest = 1 - 2 ** (-1000 / FRAMES_PER_SECOND / half_life)
    out: list[Array] = []
    for one in logits:
        new = one.astype(np.float32) / temperature
        if not out:
            out.append(new)
            continue
        step = new - out[-1]
        spread = step.max(0) - step.min(0)
        classes, height, width = step.shape
        cells = step.reshape(classes, height // CELL, CELL, width // CELL, CELL).mean((2, 4))
        common = np.kron(cells.max(0) - cells.min(0), np.ones((CELL, CELL), np.float32))
        gain = rest + (1 - rest) * np.minimum(1, np.maximum((spread / change) ** 2, (common / drift) ** 2))
        out.append(out[-1] + gain * step)
    return out


def ventricle(logits: Array) -> Array:
    planes = [cv2.resize(plane.astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_LINEAR) for plane in logits]
    return largest_component(np.argmax(planes, 0) == 1)


def figures(found: list[Array], truth: list[Array], marks: list[tuple[int, int]]) -> dict[str, float]:
    overlap = [dice(a, b) for a, b in zip(found, truth, strict=True)]
    error = np.array([(a.sum() - b.sum()) / b.sum() for a, b in zip(found, truth, strict=True)])
    change = [(a[es].sum() / a[ed].sum()) for ed, es in marks for a in (found, truth)]
    return {
        "dice": float(np.mean(overlap)),
        "diceEd": float(np.mean([overlap[ed] for ed, _ in marks])),
        "diceEs": float(np.mean([overlap[es] for _, es in marks])),
        "flicker": float(np.abs(np.diff(error)).mean()),
        "area": float(100 * abs(np.mean(change[::2]) - np.mean(change[1::2]))),
    }


def hearts(validation: bool, count: int) -> list[dict[str, Labelled]]:
    by_patient: dict[int, dict[str, Labelled]] = {}
    for labelled in camus(validation):
        by_patient.setdefault(labelled.patient, {})[labelled.phase] = labelled
    both = [phases for phases in by_patient.values() if len(phases) == 2]
    return both[:: max(1, len(both) // count)][:count]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--training-patients", type=int, default=18)
    arguments = parser.parse_args()
    cv2.setNumThreads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    folder = MODELS / "echo-lv"
    temperature = float(json.loads((folder / "model.json").read_text())["calibration"]["temperature"])
    session = open_graph(folder / "segment.onnx", 1)
    result: dict[str, object] = {"what": __doc__.split("\n\n")[0]}
    for name, patients in (("training", hearts(False, arguments.training_patients)), ("validation", hearts(True, 40))):
        rows: dict[str, list[dict[str, float]]] = {choice: [] for choice in CHOICES}
        for phases in patients:
            made = cine(phases["ED"], phases["ES"], 3, FRAMES_PER_SECOND, phases["ED"].patient)
            logits, truth = [], []
            for picture, mask in zip(made.pictures, made.masks, strict=True):
                kept = cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 92])[1], cv2.IMREAD_GRAYSCALE)
                box, matrix = letterboxed(kept, SIDE)
                logits.append(session.run(["logits"], {"frame": box[None]})[0])
                truth.append(cv2.warpAffine(mask, matrix.astype(np.float64), (SIDE, SIDE), flags=cv2.INTER_NEAREST) == 1)
            for choice, constants in CHOICES.items():
                found = [ventricle(one) for one in steadied(logits, temperature, constants)]
                rows[choice].append(figures(found, truth, made.marks))
        mean = {choice: {key: round(float(np.mean([row[key] for row in of])), 4) for key in of[0]} for choice, of in rows.items()}
        result[name] = {"patients": len(patients), "mean": mean}
        print(name, json.dumps(mean, indent=1), flush=True)
    arguments.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
