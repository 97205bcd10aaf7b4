"""The two graphs of a tracker folder and their ONNX export.

`prompt.onnx` makes the first (or a refined) mask from drawn prompts, `track.onnx` the mask of the next frame from the bank. Everything is static but the
number of objects N: padding a group to a fixed size would cost the per-object time for objects that are not there. Neither keeps state.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from models.train.network import GIVEN_MASK_LOGIT, CompactTracker
from models.train.weights import FOLDED_PARAMETERS, HALF_MIN_ELEMENTS

OPSET = 18
IR_VERSION = 10


@dataclass(frozen=True)
class Geometry:
    """Numbers of the folder that do not change the weights."""

    height: int = 256
    width: int = 448
    slots: int = 7
    max_objects: int = 8

    @property
    def tokens(self) -> int:
        return (self.height // 16) * (self.width // 16)


class PromptGraph(nn.Module):
    """frame uint8[1,H,W,3], prompt uint8[N,4,H,W] (0 or 255), mask_given f32[N] -> logits, iou, presence, key, value, embedding."""

    def __init__(self, network: CompactTracker) -> None:
        super().__init__()
        self.network = network

    def forward(self, frame: Tensor, prompt: Tensor, mask_given: Tensor) -> tuple[Tensor, ...]:
        features = self.network.encode(frame.permute(0, 3, 1, 2).float())
        planes = prompt.float() * (1 / 255)
        guessed = self.network.first_mask(features, planes)
        given_mask = planes[:, 3:4]
        small = torch.nn.functional.avg_pool2d(given_mask, 4)[:, 0]
        given = mask_given > 0.5
        given_map = given[:, None, None]
        logits = torch.where(given_map, (small * 2 - 1) * GIVEN_MASK_LOGIT, guessed.logits)
        iou = torch.where(given, torch.ones_like(guessed.iou), guessed.iou)
        drawn = (small.amax((1, 2)) > 0).float() * 2 - 1
        presence = torch.where(given, drawn * GIVEN_MASK_LOGIT, guessed.presence)
        mask = torch.where(given_map[:, None], self.network.drawn(given_mask), self.network.remembered(guessed.logits))
        return logits, iou, presence, features.key[0], self.network.memorise(features, mask), self.network.embedding(features)[0]


class TrackGraph(nn.Module):
    """frame uint8[1,H,W,3] + bank [N,M,...] -> logits, iou, presence, key, value, embedding."""

    def __init__(self, network: CompactTracker) -> None:
        super().__init__()
        self.network = network

    def forward(self, frame: Tensor, memory_key: Tensor, memory_value: Tensor, memory_score: Tensor, memory_valid: Tensor) -> tuple[Tensor, ...]:
        features = self.network.encode(frame.permute(0, 3, 1, 2).float())
        output = self.network.decode(features, self.network.read(features, memory_key, memory_value, memory_score, memory_valid))
        value = self.network.memorise(features, self.network.remembered(output.logits))
        return output.logits, output.iou, output.presence, features.key[0], value, self.network.embedding(features)[0]


OUTPUTS = ("logits", "iou", "presence", "key", "value", "embedding")
INPUTS = {"prompt": ("frame", "prompt", "mask_given"), "track": ("frame", "memory_key", "memory_value", "memory_score", "memory_valid")}
FILES = {"prompt": "prompt.onnx", "track": "track.onnx"}


def example_inputs(graph: str, network: CompactTracker, geometry: Geometry, objects: int = 2, seed: int = 0) -> tuple[Tensor, ...]:
    """Random inputs of the right shape (also for parity with random weights)."""
    random = torch.Generator().manual_seed(seed)
    frame = torch.randint(0, 256, (1, geometry.height, geometry.width, 3), dtype=torch.uint8, generator=random)
    if graph == "prompt":
        prompt = torch.zeros(objects, 4, geometry.height, geometry.width, dtype=torch.uint8)
        prompt[:, 0, 100:110, 100:110] = 255
        prompt[:, 3, 60:140, 80:200] = 255
        return frame, prompt, torch.arange(objects).remainder(2).float()
    config = network.config
    key = torch.randn(objects, geometry.slots, config.key_channels + 1, geometry.tokens, generator=random)
    key[:, :, -1] = key[:, :, -1] ** 2 + 1
    value = torch.randn(objects, geometry.slots, config.value_channels, geometry.tokens, generator=random)
    score = torch.rand(objects, geometry.slots, generator=random)
    valid = torch.ones(objects, geometry.slots)
    valid[:, -2:] = 0
    return frame, key, value, score, valid


def export_graph(graph: str, network: CompactTracker, geometry: Geometry, path: Path) -> None:
    """Writes one graph: opset 18, IR 10, large weights stored as fp16 (cast back once, when the runtime folds constants at load)."""
    module = (PromptGraph if graph == "prompt" else TrackGraph)(network).eval()
    inputs = example_inputs(graph, network, geometry)
    per_object = {"prompt", "mask_given", "memory_key", "memory_value", "memory_score", "memory_valid"}
    objects = torch.export.Dim("objects", min=1, max=geometry.max_objects)
    dynamic = {name: ({0: objects} if name in per_object else {}) for name in INPUTS[graph]}
    with torch.no_grad():
        program = torch.onnx.export(
            module, inputs, dynamo=True, dynamic_shapes=dynamic, input_names=list(INPUTS[graph]), output_names=list(OUTPUTS), opset_version=OPSET, optimize=True, verbose=False
        )
    assert program is not None
    model = program.model_proto
    store_weights_as_half(model)
    _name_axes(model, network, geometry)
    without_traces(model)
    _keep_folded_parameters(model, network)
    model.producer_name, model.producer_version, model.doc_string = "sonoscope", "", f"compact tracker, {graph} graph"
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString())


def without_traces(model: onnx.ModelProto) -> None:
    """Takes out what the exporter leaves: names of its steps and source paths of the exporting machine."""
    model.ir_version = IR_VERSION
    del model.metadata_props[:]
    for node in model.graph.node:  # the exporter writes source paths of the exporting machine here
        del node.metadata_props[:]
        node.doc_string = ""
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output, *model.graph.initializer):
        del value.metadata_props[:]
    del model.graph.value_info[:]
    del model.graph.metadata_props[:]


def _keep_folded_parameters(model: onnx.ModelProto, network: CompactTracker) -> None:
    """Small parameters may vanish into constants; they are kept as metadata so that the folder can be trained further (`weights.load_from_onnx`)."""
    present = {initializer.name.removesuffix(".half").removeprefix("network.") for initializer in model.graph.initializer}
    missing = {name: value.detach().flatten().tolist() for name, value in network.named_parameters() if name not in present and value.numel() < HALF_MIN_ELEMENTS}
    model.metadata_props.add(key=FOLDED_PARAMETERS, value=json.dumps(missing))


def shapes(graph: str, network: CompactTracker, geometry: Geometry) -> tuple[dict[str, list[int | str]], dict[str, list[int | str]]]:
    """Inputs and outputs by name; 'objects' is the one symbolic axis."""
    config, height, width, tokens, slots = network.config, geometry.height, geometry.width, geometry.tokens, geometry.slots
    key, value = config.key_channels + 1, config.value_channels
    inputs: dict[str, list[int | str]] = {"frame": [1, height, width, 3]}
    if graph == "prompt":
        inputs |= {"prompt": ["objects", 4, height, width], "mask_given": ["objects"]}
    else:
        inputs |= {"memory_key": ["objects", slots, key, tokens], "memory_value": ["objects", slots, value, tokens]}
        inputs |= {"memory_score": ["objects", slots], "memory_valid": ["objects", slots]}
    outputs: dict[str, list[int | str]] = {
        "logits": ["objects", height // 4, width // 4],
        "iou": ["objects"],
        "presence": ["objects"],
        "key": [key, tokens],
        "value": ["objects", value, tokens],
        "embedding": [config.feature_channels],
    }
    return inputs, outputs


def _name_axes(model: onnx.ModelProto, network: CompactTracker, geometry: Geometry) -> None:
    graph = "prompt" if model.graph.input[1].name == "prompt" else "track"
    inputs, outputs = shapes(graph, network, geometry)
    for infos, wanted in ((model.graph.input, inputs), (model.graph.output, outputs)):
        if [info.name for info in infos] != list(wanted):
            raise RuntimeError(f"exporter renamed tensors of {graph}: {[info.name for info in infos]}")
        for info in infos:
            element = info.type.tensor_type.elem_type
            info.CopyFrom(helper.make_tensor_value_info(info.name, element, wanted[info.name]))


def store_weights_as_half(model: onnx.ModelProto) -> None:
    casts: list[onnx.NodeProto] = []
    for initializer in model.graph.initializer:
        if initializer.data_type != TensorProto.FLOAT or int(np.prod(initializer.dims)) < HALF_MIN_ELEMENTS:
            continue
        if not initializer.name.startswith("network."):
            continue
        name = initializer.name
        half = numpy_helper.from_array(numpy_helper.to_array(initializer).astype(np.float16), f"{name}.half")
        initializer.CopyFrom(half)
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], name=f"{name}.cast", to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
