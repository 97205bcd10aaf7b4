"""Makes this folder: a model of kind `semantic` without trained weights that tells colours apart. Tests use it; every number is a constant of this file.

    .sonoscope/venv-train/bin/python -m tests.golden.tiny-semantic.make     (from the repository root)

Logit of a class = -SHARPNESS x squared distance of the mean colour of a 4x4 cell to the colour of the class, without the part that all classes share.
`brightness` is the mean of the picture, 0..1; `quality` is a logit that is 0 at brightness .2.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from models.export.golden import golden_frames
from models.train.runtime import open_graph

HEIGHT, WIDTH, CELL = 48, 64, 4
ROWS, COLUMNS = HEIGHT // CELL, WIDTH // CELL
SHARPNESS = 20.0
CLASSES = {"background": (110, 110, 110), "red tool": (230, 40, 30), "blue tool": (30, 60, 220)}
OUTPUTS: dict[str, list[int]] = {"logits": [len(CLASSES), ROWS, COLUMNS], "quality": [1], "brightness": [1]}
FRAME = [1, HEIGHT, WIDTH, 3]


def build() -> onnx.ModelProto:
    colours = np.array(list(CLASSES.values()), np.float32) / 255
    constants = {
        "scale": np.float32(1 / 255),
        "weights": (2 * SHARPNESS * colours)[:, :, None, None],
        "bias": -SHARPNESS * (colours**2).sum(1),
        "logits_shape": np.array(OUTPUTS["logits"], np.int64),
        "one": np.array([1], np.int64),
        "dark": np.array([-0.2], np.float32),
        "steepness": np.array([20], np.float32),
    }
    nodes = [
        helper.make_node("Cast", ["frame"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["float", "scale"], ["share"]),
        helper.make_node("Transpose", ["share"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("AveragePool", ["planes"], ["cells"], kernel_shape=[CELL, CELL], strides=[CELL, CELL]),
        helper.make_node("Conv", ["cells", "weights", "bias"], ["likeness"]),
        helper.make_node("Reshape", ["likeness", "logits_shape"], ["logits"]),
        helper.make_node("ReduceMean", ["share"], ["mean"], keepdims=0),
        helper.make_node("Reshape", ["mean", "one"], ["brightness"]),
        helper.make_node("Add", ["brightness", "dark"], ["above"]),
        helper.make_node("Mul", ["above", "steepness"], ["quality"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny-semantic",
        [helper.make_tensor_value_info("frame", TensorProto.UINT8, FRAME)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in OUTPUTS.items()],
        [numpy_helper.from_array(np.ascontiguousarray(value, value.dtype), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    return model


def write_golden(folder: Path) -> None:
    target = folder / "golden"
    target.mkdir(exist_ok=True)
    frame, _, _ = golden_frames(HEIGHT, WIDTH)
    frame[8:24, 8:24] = CLASSES["red tool"]
    frame[28:40, 36:56] = CLASSES["blue tool"]
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
    data = build().SerializeToString()
    (folder / "segment.onnx").write_bytes(data)
    manifest = {
        "schemaVersion": 1,
        "name": "tiny-semantic",
        "version": "1.0.0",
        "kind": "semantic",
        "input": {"width": WIDTH, "height": HEIGHT, "dtype": "uint8", "layout": "NHWC", "color": "RGB", "fit": "stretch", "mean": [0, 0, 0], "std": [255, 255, 255]},
        "graphs": {
            "segment": {
                "file": "segment.onnx",
                "sha256": hashlib.sha256(data).hexdigest(),
                "bytes": len(data),
                "inputs": [{"name": "frame", "dtype": "uint8", "shape": FRAME}],
                "outputs": [{"name": name, "dtype": "float32", "shape": shape} for name, shape in OUTPUTS.items()],
            }
        },
        "mask": {"width": COLUMNS, "height": ROWS},
        "classes": [{"name": name, "color": "#%02x%02x%02x" % colour} for name, colour in CLASSES.items()],
        "activation": "softmax",
        "calibration": {"kind": "temperature", "temperature": 2, "bias": 0},
        "scalars": [
            {"name": "quality", "as": "probability", "calibration": {"kind": "temperature", "temperature": 2, "bias": 0}},
            {"name": "brightness", "as": "value"},
        ],
        "golden": {"file": "golden/golden.json", "tolerance": {"logits": 0.001, "quality": 0.001, "brightness": 0.001}},
        "licence": "Apache-2.0",
        "origin": "No training: constants of make.py",
    }
    write_golden(folder)
    (folder / "model.json").write_text(json.dumps(manifest, indent=2) + "\n")


if __name__ == "__main__":
    main()
