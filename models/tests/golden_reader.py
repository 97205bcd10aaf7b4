"""Reads `golden.json` exactly as its docstring in `models/export/golden.py` says and compares an ONNX Runtime run with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime


def run_golden(folder: Path) -> None:
    manifest = json.loads((folder / "model.json").read_text())
    golden = folder / manifest["golden"]["file"]
    tolerance = manifest["golden"]["tolerance"]
    outputs: dict[str, np.ndarray[Any, Any]] = {}
    for case in json.loads(golden.read_text())["cases"]:
        session = onnxruntime.InferenceSession(str(folder / manifest["graphs"][case["graph"]]["file"]), providers=["CPUExecutionProvider"])
        feeds = {}
        for name, entry in case["inputs"].items():
            if "from" in entry:
                tensor = np.zeros(entry["shape"], entry["dtype"])
                tensor[0, entry["slot"]] = outputs[entry["from"]].reshape(entry["shape"][2:])
            elif "value" in entry:
                tensor = np.array(entry["value"], entry["dtype"]).reshape(entry["shape"])
            else:
                image = cv2.imread(str(golden.parent / entry["file"]), cv2.IMREAD_UNCHANGED)
                tensor = (image[..., ::-1] if image.ndim == 3 else image).reshape(entry["shape"])
            feeds[name] = tensor
        for description, value in zip(session.get_outputs(), session.run(None, feeds), strict=True):
            outputs[f"{case['graph']}.{description.name}"] = value
        for name, entry in case["outputs"].items():
            expected = np.frombuffer((golden.parent / entry["file"]).read_bytes(), "<f4").reshape(entry["shape"])
            assert np.abs(outputs[f"{case['graph']}.{name}"] - expected).max() <= tolerance.get(name, tolerance["logits"]), (case["graph"], name)
