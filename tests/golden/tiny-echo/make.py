"""Makes this folder: the colour-telling network of `tiny-semantic` with the classes of an echo model, so that tests have a heart.

    .sonoscope/venv-train/bin/python -m tests.golden.tiny-echo.make     (from the repository root)

`quality` is a logit that rises with the brightness of the picture.
"""

from __future__ import annotations

import hashlib
import importlib
import json
from pathlib import Path

import cv2
import numpy as np

from models.train.runtime import open_graph

tiny = importlib.import_module("tests.golden.tiny-semantic.make")

SIZE, CELL = 160, 2
CELLS = SIZE // CELL
FRAME = [1, SIZE, SIZE, 3]
CLASSES = {
    "background": (20, 20, 20),
    "left ventricle": (230, 40, 30),
    "myocardium": (30, 60, 220),
    "left atrium": (40, 200, 60),
}
OUTPUTS = {"logits": [len(CLASSES), CELLS, CELLS], "quality": [1], "brightness": [1]}


def write_golden(folder: Path) -> None:
    target = folder / "golden"
    target.mkdir(exist_ok=True)
    frame = np.full((SIZE, SIZE, 3), 20, np.uint8)
    frame[40:120, 40:120] = CLASSES["myocardium"]
    frame[50:110, 50:110] = CLASSES["left ventricle"]
    frame[110:140, 60:100] = CLASSES["left atrium"]
    cv2.imwrite(str(target / "frame.png"), frame[..., ::-1])
    answers = dict(zip(OUTPUTS, open_graph(folder / "segment.onnx").run(list(OUTPUTS), {"frame": frame[None]}), strict=True))
    stored = {}
    for name, values in answers.items():
        (target / f"{name}.bin").write_bytes(values.astype("<f4").tobytes())
        stored[name] = {"file": f"{name}.bin", "dtype": "float32", "shape": OUTPUTS[name]}
    picture = {"file": "frame.png", "dtype": "uint8", "shape": FRAME, "encoding": "png"}
    golden = {"schemaVersion": 1, "cases": [{"graph": "segment", "inputs": {"frame": picture}, "outputs": stored}]}
    (target / "golden.json").write_text(json.dumps(golden, indent=1) + "\n")


def main() -> None:
    folder = Path(__file__).parent
    tiny.CELL, tiny.FRAME, tiny.CLASSES, tiny.OUTPUTS = CELL, FRAME, CLASSES, OUTPUTS
    data = tiny.build().SerializeToString()
    (folder / "segment.onnx").write_bytes(data)
    write_golden(folder)
    certain = {"kind": "temperature", "temperature": 1, "bias": 3}
    manifest = {
        "schemaVersion": 1,
        "name": "tiny-echo",
        "version": "1.0.0",
        "kind": "semantic",
        "input": {"width": SIZE, "height": SIZE, "dtype": "uint8", "layout": "NHWC", "color": "RGB", "fit": "stretch", "mean": [0, 0, 0], "std": [255, 255, 255]},
        "graphs": {
            "segment": {
                "file": "segment.onnx",
                "sha256": hashlib.sha256(data).hexdigest(),
                "bytes": len(data),
                "inputs": [{"name": "frame", "dtype": "uint8", "shape": FRAME}],
                "outputs": [{"name": name, "dtype": "float32", "shape": shape} for name, shape in OUTPUTS.items()],
            }
        },
        "mask": {"width": CELLS, "height": CELLS},
        "classes": [{"name": name, "color": "#%02x%02x%02x" % colour} for name, colour in CLASSES.items()],
        "activation": "softmax",
        "calibration": {"kind": "temperature", "temperature": 1, "bias": 0},
        "scalars": [{"name": "quality", "as": "probability", "calibration": certain}, {"name": "brightness", "as": "value"}],
        "golden": {"file": "golden/golden.json", "tolerance": {"logits": 0.001, "quality": 0.001, "brightness": 0.001}},
        "licence": "Apache-2.0",
        "origin": "No training: constants of make.py",
    }
    (folder / "model.json").write_text(json.dumps(manifest, indent=2) + "\n")


if __name__ == "__main__":
    main()
