"""Makes this folder: a tracker without trained weights that follows a colour, in the format of models/compact. Tests use it where the real model is too slow.

    .sonoscope/venv-train/bin/python -m tests.golden.tiny-tracker.make     (from the repository root)

Memory key = mean colour of each 4x4 cell, memory value = mask there; a new frame looks up the colours it knows. Every number is a constant of this file.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import onnx
import torch
from onnx import helper
from torch import Tensor, nn

from models.export.golden import write_golden

HEIGHT, WIDTH, CELL, SLOTS, MAX_OBJECTS = 48, 64, 4, 4, 4
ROWS, COLUMNS = HEIGHT // CELL, WIDTH // CELL
TOKENS = ROWS * COLUMNS
SHARPNESS = 80.0


def colours(frame: Tensor) -> Tensor:
    """uint8 [1, H, W, 3] -> [3, T], 0..1"""
    pooled = nn.functional.avg_pool2d(frame.permute(0, 3, 1, 2).float() / 255, CELL)
    return pooled.reshape(3, TOKENS)


def outputs(cells: Tensor, logits: Tensor, iou: Tensor, presence: Tensor) -> tuple[Tensor, ...]:
    """cells [3, T], logits [N, T] -> the six outputs of the contract."""
    probability = torch.sigmoid(logits)
    key = torch.cat([cells, torch.ones(1, TOKENS)])
    value = torch.stack([probability, 1 - probability], 1)
    return logits.reshape(-1, ROWS, COLUMNS), iou, presence, key, value, cells.mean(1)


class PromptGraph(nn.Module):
    def forward(self, frame: Tensor, prompt: Tensor, mask_given: Tensor) -> tuple[Tensor, ...]:
        cells = colours(frame)
        planes = nn.functional.avg_pool2d(prompt.float() / 255, CELL).reshape(-1, 4, TOKENS)
        positive, negative, box, mask = planes[:, 0], planes[:, 1], planes[:, 2], planes[:, 3]
        marked = positive + box
        mean = marked @ cells.T / (marked.sum(1, keepdim=True) + 1e-3)  # [N, 3]
        distance = ((cells[None] - mean[:, :, None]) ** 2).sum(1)  # [N, T]
        outside = (1 - box) * (box.amax(1, keepdim=True) > 0).float()
        drawn = 8 - SHARPNESS * distance - 40 * negative - 40 * outside + 4 * mask
        given = (mask_given > 0.5)[:, None]
        logits = torch.where(given, mask * 20 - 10, drawn)
        presence = logits.amax(1)
        iou = torch.where(given[:, 0], torch.ones_like(presence), torch.sigmoid(presence / 3))
        return outputs(cells, logits, iou, presence)


class TrackGraph(nn.Module):
    def forward(self, frame: Tensor, memory_key: Tensor, memory_value: Tensor, memory_score: Tensor, memory_valid: Tensor) -> tuple[Tensor, ...]:
        cells = colours(frame)
        known = memory_key[:, :, :3].permute(0, 2, 1, 3).reshape(-1, 3, SLOTS * TOKENS)
        values = memory_value.permute(0, 1, 3, 2).reshape(-1, SLOTS * TOKENS, 2)
        distance = (cells**2).sum(0)[None, :, None] + (known**2).sum(1)[:, None] - 2 * cells.T[None] @ known  # [N, T, S]
        trust = torch.log(memory_score.clamp(0.05, 1.0)) + (memory_valid - 1) * 1e4
        bias = trust[:, :, None].expand(-1, -1, TOKENS).reshape(-1, 1, SLOTS * TOKENS)
        read = torch.softmax(bias - SHARPNESS * distance, 2) @ values  # [N, T, 2]
        logits = 12 * (read[:, :, 0] - 0.5)
        presence = logits.amax(1)
        return outputs(cells, logits, torch.sigmoid(presence / 2), presence)


def describe() -> dict[str, tuple[nn.Module, dict[str, list[int | str]], dict[str, list[int | str]]]]:
    frame: dict[str, list[int | str]] = {"frame": [1, HEIGHT, WIDTH, 3]}
    given: dict[str, list[int | str]] = {
        "logits": ["objects", ROWS, COLUMNS],
        "iou": ["objects"],
        "presence": ["objects"],
        "key": [4, TOKENS],
        "value": ["objects", 2, TOKENS],
        "embedding": [3],
    }
    prompt: dict[str, list[int | str]] = {"prompt": ["objects", 4, HEIGHT, WIDTH], "mask_given": ["objects"]}
    bank: dict[str, list[int | str]] = {
        "memory_key": ["objects", SLOTS, 4, TOKENS],
        "memory_value": ["objects", SLOTS, 2, TOKENS],
        "memory_score": ["objects", SLOTS],
        "memory_valid": ["objects", SLOTS],
    }
    return {"prompt": (PromptGraph(), frame | prompt, given), "track": (TrackGraph(), frame | bank, given)}


def export(path: Path, module: nn.Module, inputs: dict[str, list[int | str]], given: dict[str, list[int | str]]) -> None:
    pixels = {"frame", "prompt"}
    shapes = {name: [2 if size == "objects" else int(size) for size in shape] for name, shape in inputs.items()}
    example = tuple(torch.zeros(shape, dtype=torch.uint8) if name in pixels else torch.zeros(shape) for name, shape in shapes.items())
    objects = torch.export.Dim("objects", min=1, max=MAX_OBJECTS)
    dynamic = {name: ({0: objects} if "objects" in shape else {}) for name, shape in inputs.items()}
    with torch.no_grad():
        program = torch.onnx.export(
            module.eval(), example, dynamo=True, dynamic_shapes=dynamic, input_names=list(inputs), output_names=list(given), opset_version=18, optimize=True, verbose=False
        )
    assert program is not None
    model = program.model_proto
    for infos, wanted in ((model.graph.input, inputs), (model.graph.output, given)):
        for info in infos:
            info.CopyFrom(helper.make_tensor_value_info(info.name, info.type.tensor_type.elem_type, wanted[info.name]))
    model.ir_version = 10
    del model.metadata_props[:], model.graph.value_info[:], model.graph.metadata_props[:]
    for node in model.graph.node:  # the exporter writes source paths of the exporting machine here
        del node.metadata_props[:]
        node.doc_string = ""
    for value in (*model.graph.input, *model.graph.output, *model.graph.initializer):
        del value.metadata_props[:]
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString())


def main() -> None:
    folder = Path(__file__).parent
    graphs = {}
    for name, (module, inputs, given) in describe().items():
        path = folder / f"{name}.onnx"
        export(path, module, inputs, given)
        data = path.read_bytes()
        kinds = {"frame": "uint8", "prompt": "uint8"}
        graphs[name] = {
            "file": path.name,
            "sha256": hashlib.sha256(data).hexdigest(),
            "bytes": len(data),
            "inputs": [{"name": tensor, "dtype": kinds.get(tensor, "float32"), "shape": shape} for tensor, shape in inputs.items()],
            "outputs": [{"name": tensor, "dtype": "float32", "shape": shape} for tensor, shape in given.items()],
        }
    manifest = {
        "schemaVersion": 1,
        "name": "tiny-tracker",
        "version": "1.0.0",
        "kind": "tracker",
        "input": {"width": WIDTH, "height": HEIGHT, "dtype": "uint8", "layout": "NHWC", "color": "RGB", "fit": "stretch", "mean": [0, 0, 0], "std": [255, 255, 255]},
        "graphs": graphs,
        "mask": {"width": COLUMNS, "height": ROWS},
        "memory": {"slots": SLOTS, "keyShape": [4, TOKENS], "valueShape": [2, TOKENS], "embeddingSize": 3},
        "promptChannels": ["positive", "negative", "box", "mask"],
        "clickRadius": 3,
        "scribbleWidth": 4,
        "objects": {"max": MAX_OBJECTS},
        "policy": {"default": "gated", "minConfidence": 0.5, "every": 1},
        "calibration": {"confidence": {"kind": "isotonic", "x": [0, 1], "y": [0, 1]}, "presence": {"kind": "temperature", "temperature": 1, "bias": 0}},
        "golden": {"file": "golden/golden.json", "tolerance": {"logits": 0.001, "iou": 0.001}},
        "licence": "Apache-2.0",
        "origin": "No training: constants of make.py",
    }
    write_golden(folder, manifest)
    (folder / "model.json").write_text(json.dumps(manifest, indent=2) + "\n")


if __name__ == "__main__":
    main()
